"""The limits of a client that receives an answer: ``BODY_TIMEOUT`` and ``MINIMUM_RATE``."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Mapping
from typing import Any

from django.http import HttpResponseBase

from ..conf import largefiles_settings
from .counters import counters
from .pace import Pace
from .sockets import cut, socket_of
from .watcher import watcher


def limit_departure(meta: Mapping[str, Any], response: HttpResponseBase) -> None:
    """Cut the connection if the client takes a streamed ``response`` too slowly, or not at all.

    This needs the socket of the request; under other servers there is no limit.
    """
    connection = socket_of(meta)
    if connection is None:
        return
    found = counters(connection)
    limit = _Departure(connection, Pace(found.acknowledged)) if found else _Timeout(connection)
    response._resource_closers.append(limit.close)  # type: ignore[attr-defined]


class _Departure:
    """An answer over TCP. Time counts while bytes wait for the client, and not while the storage is waited for."""

    def __init__(self, connection: socket.socket, pace: Pace) -> None:
        self._connection = connection
        self._pace = pace
        self._since = time.monotonic()
        watcher.add(self)

    def look(self, now: float) -> None:
        found = counters(self._connection)
        self._pace.wait(now - self._since)
        self._since = now
        if found and not found.pending:
            self._pace.restart(found.acknowledged)
        elif found and self._pace.is_too_slow(found.acknowledged):
            cut(self._connection)

    def close(self) -> None:
        watcher.discard(self)


class _Timeout:
    """An answer over another connection, such as a Unix socket to a proxy: only silence can be seen."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._set(largefiles_settings.body_timeout.total_seconds())

    def close(self) -> None:
        self._set(0)

    def _set(self, seconds: float) -> None:
        whole, part = divmod(seconds, 1)
        limit = struct.pack("ll", int(whole), int(part * 1_000_000))
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
