"""A tus client that needs little CPU time: it uses ``sendfile`` from the page cache, and no library."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from .resumable_site.middleware import HEADER

TIMEOUT_SECONDS = 600
RECEIVE_SIZE = 64 * 1024


class UploadError(Exception):
    """A server gave an unexpected answer."""


@dataclass(frozen=True, kw_only=True)
class Response:
    status: int
    headers: Mapping[str, str]


class Connection:
    """A connection that is kept alive from the first request to the last."""

    def __init__(self, port: int) -> None:
        self._host = f"127.0.0.1:{port}"
        self._socket = socket.create_connection(("127.0.0.1", port))
        # Python's own timeouts make a socket non-blocking, and ``sendfile`` then needs many calls.
        for option in (socket.SO_SNDTIMEO, socket.SO_RCVTIMEO):
            self._socket.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", TIMEOUT_SECONDS, 0))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self) -> None:
        self._socket.close()

    def send(self, method: str, path: str, headers: Mapping[str, object], length: int = 0) -> None:
        """Send a request except its body of ``length`` bytes."""
        fields = {"Host": self._host, "Tus-Resumable": "1.0.0", "Content-Length": length, **headers}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())

    def send_bytes(self, data: bytes) -> None:
        self._socket.sendall(data)

    def send_body(self, source: int, offset: int, length: int) -> None:
        end = offset + length
        while offset < end:
            offset += os.sendfile(self._socket.fileno(), source, offset, end - offset)

    def receive(self, expected: int) -> Response:
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._receive()
        head, _, body = data.partition(b"\r\n\r\n")
        request, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        response = Response(status=int(request.split(" ")[1]), headers=headers)
        left = int(headers.get("content-length", 0)) - len(body)
        while left > 0:
            left -= len(self._receive())
        if response.status != expected:
            raise UploadError(f"answered {response.status}, not {expected}: {body.decode(errors='replace')}")
        return response

    def _receive(self) -> bytes:
        data = self._socket.recv(RECEIVE_SIZE)
        if not data:
            raise UploadError("the server hung up")
        return data


class Upload:
    """A file that is uploaded in pieces, one request after another."""

    def __init__(self, port: int, collection: str, source: Path, length: int) -> None:
        self._connection = Connection(port)
        self._collection = collection
        self._source = os.open(source, os.O_RDONLY)
        self._length = length
        self._path = ""
        self.queries: Sequence[int] = ()
        """Return the number of queries of each ``PATCH``, if the server reports it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        os.close(self._source)
        self._connection.close()

    def create(self) -> None:
        self._connection.send("POST", self._collection, {"Upload-Length": self._length})
        self._path = urlsplit(self._connection.receive(201).headers["location"]).path

    def send(self, piece: int) -> None:
        queries = []
        for offset in range(0, self._length, piece):
            length = min(piece, self._length - offset)
            headers = {"Upload-Offset": offset, "Content-Type": "application/offset+octet-stream"}
            self._connection.send("PATCH", self._path, headers, length)
            self._connection.send_body(self._source, offset, length)
            answer = self._connection.receive(204).headers
            if int(answer["upload-offset"]) != offset + length:
                raise UploadError(f"the offset is {answer['upload-offset']}, not {offset + length}")
            if HEADER.lower() in answer:
                queries.append(int(answer[HEADER.lower()]))
        self.queries = queries

    def delete(self) -> None:
        self._connection.send("DELETE", self._path, {})
        self._connection.receive(204)
