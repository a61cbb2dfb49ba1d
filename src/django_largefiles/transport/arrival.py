"""The limits of a client that sends a body: ``BODY_TIMEOUT`` and ``MINIMUM_RATE``."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from typing import Any

from ..conf import largefiles_settings
from .counters import counters
from .pace import Pace
from .sockets import shut, socket_of
from .watcher import watcher


class Arrival:
    """A body that arrives. Wait for its bytes inside ``with``; a client that is too slow is not waited for any more.

    Silence ends a read by the time-out of the socket, which gunicorn resets before the next request, and a trickle by
    the end of the socket's input: then the server returns the bytes that it has, and after them the end of the body.
    Both need the socket of the request; under other servers there is no limit.
    """

    def __init__(self, meta: Mapping[str, Any]) -> None:
        self.too_slow = False
        self._connection = socket_of(meta)
        self._pace: Pace | None = None
        self._since = 0.0
        if self._connection:
            self._connection.settimeout(largefiles_settings.body_timeout.total_seconds())
            found = counters(self._connection)
            self._pace = Pace(found.received) if found else None

    def __enter__(self) -> None:
        if self._pace:
            self._since = time.monotonic()
            watcher.add(self)

    def __exit__(self, *exception: object) -> None:
        if self._pace:
            watcher.discard(self)
            self._pace.wait(time.monotonic() - self._since)

    def look(self, now: float) -> None:
        """Judge the client, for the watcher."""
        assert self._connection
        assert self._pace
        found = counters(self._connection)
        self._pace.wait(now - self._since)
        self._since = now
        if found and self._pace.is_too_slow(found.received):
            self.end()

    def end(self) -> None:
        """Wait for no more bytes. What the client is answered can still be sent."""
        self.too_slow = True
        if self._connection:
            shut(self._connection, socket.SHUT_RD)
