"""The limits of a client that receives an answer: ``BODY_TIMEOUT`` and ``MINIMUM_RATE``."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.http import HttpResponseBase

from ..conf import largefiles_settings
from ..options import KIB
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


HANG_UP = "django_largefiles.hang_up"
"""The key of a scope (ASGI) by which our handler gives a function that ends the request."""

SMALLEST_PIECE = 64 * KIB
PIECES_BEFORE_LARGER = 32
"""How much a client has taken before it is given larger pieces, counted in these: buffers of the system take some."""

SLOW_SECONDS = 0.25
"""A piece that takes longer is followed by a smaller one."""


class AsyncDeparture:
    """An answer under ASGI, where a server takes a piece when its client has made room for it.

    A client may take as long for a piece as ``MINIMUM_RATE`` allows, and ``BODY_TIMEOUT`` besides, since a server
    holds some bytes of its own. Slow clients are given small pieces: they are judged sooner, and hold less memory.
    """

    def __init__(self, scope: Mapping[str, Any], *, largest: int) -> None:
        self._hang_up: Callable[[], object] | None = scope.get(HANG_UP)
        self._timeout = largefiles_settings.body_timeout.total_seconds()
        self._rate = largefiles_settings.minimum_rate
        self._smallest, self._largest = min(SMALLEST_PIECE, largest), largest
        self._taken = 0
        self.size = self._smallest
        """Bytes of the next piece."""

    @contextmanager
    def of(self, piece: bytes) -> Iterator[None]:
        """Hang up if the block, in which the client takes a piece, lasts too long; do nothing under other handlers."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        timer = loop.call_later(self._timeout + len(piece) / self._rate, self._hang_up) if self._hang_up else None
        try:
            yield
        finally:
            if timer:
                timer.cancel()
        self._taken += len(piece)
        self._adapt(loop.time() - began)

    def _adapt(self, seconds: float) -> None:
        if seconds > SLOW_SECONDS:
            self.size = max(self.size // 2, self._smallest)
        elif self._taken >= 2 * self.size * PIECES_BEFORE_LARGER:
            self.size = min(2 * self.size, self._largest)
