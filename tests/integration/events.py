"""Clients that follow events over a network."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from typing import Any, Protocol
from urllib.parse import urlencode

STREAM = "text/event-stream"
RESET = struct.pack("ii", 1, 0)


class Address(Protocol):
    host: str
    port: int


@dataclass(frozen=True, kw_only=True)
class Event:
    name: str
    id: str
    data: Mapping[str, Any]


class Events:
    """A stream. Iterating over it waits for the next event of an asset, and ends with the stream."""

    def __init__(self, connection: HTTPConnection, response: HTTPResponse) -> None:
        self._connection = connection
        self.status = response.status
        self.headers = response.headers
        self._response = response

    def __iter__(self) -> Iterator[Event]:
        fields: dict[str, str] = {}
        for line in self._response:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name:
                fields[name] = value
            elif "data" in fields:
                yield Event(name=fields["event"], id=fields["id"], data=json.loads(fields["data"]))
                fields = {}

    def states(self) -> Iterator[str]:
        return (str(event.data["state"]) for event in self)

    def reset(self) -> None:
        """Disconnect as one whose machine is gone."""
        self._connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self._response.close()
        self._connection.close()


@contextmanager
def followed(server: Address, asset_ids: Collection[str], *, version: str = "", cookie: str = "") -> Iterator[Events]:
    """Open a stream. It raises ``TimeoutError`` if nothing comes for a minute, in which it should ping."""
    connection = HTTPConnection(server.host, server.port, timeout=60)
    query = urlencode([("asset", asset_id) for asset_id in asset_ids])
    fields = {"Accept": STREAM, "Last-Event-ID": version, **({"Cookie": cookie} if cookie else {})}
    connection.request("GET", f"/files/events/?{query}", headers=fields)
    response = connection.getresponse()
    try:
        yield Events(connection, response)
    finally:
        response.close()
        connection.close()
