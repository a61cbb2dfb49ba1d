"""The end of a request that was refused before its body had come: the client has to read the answer, not a reset.

A system that closes a connection with unread bytes resets it, and a client may lose the answer by that (RFC 9112
section 9.6). So the rest of a body is read and dropped after the answer, within bounds, where the server hands over
its socket.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any, Protocol

from django.http import HttpResponseBase

from ..options import KIB, MIB
from .sockets import GRANIAN, shut, socket_of
from .watcher import watcher

PIECE = 64 * KIB
KEPT_ALIVE = 256 * KIB
"""Bytes that are read to keep the connection for the next request. After more, it is closed."""

DROP_PAUSE = 0.004
"""Seconds between two pieces that are dropped: a client that is held up finds time to read its answer."""

LINGER_BYTES = 32 * MIB
LINGER_SECONDS = 2.0
LINGERING = 4
"""Requests of a process that may wait for their clients at the same time. The rest of more is not waited for."""

_places = threading.BoundedSemaphore(LINGERING)

DROPPED_AT_ONCE = 8 * MIB
"""Bytes that are dropped without pauses under granian: as many as a client may send before it sees its answer."""

READING = 16
"""Threads of a process that may read from granian's clients, of which a silent one keeps its thread until it goes."""

_readers = threading.BoundedSemaphore(READING)


class _Input(Protocol):
    def read(self, size: int, /) -> bytes: ...


def linger(meta: Mapping[str, Any], response: HttpResponseBase) -> None:
    """Drop what the client still sends after ``response`` has been sent, if that is a refusal."""
    if response.status_code >= HTTPStatus.BAD_REQUEST:
        drop_rest_after(response, meta)


def drop_rest_after(response: HttpResponseBase, meta: Mapping[str, Any]) -> None:
    """Drop what the client still sends after ``response`` has been sent.

    Under HTTP/2 a request has a stream of its own, which the server resets.
    """
    if not (_has_body(meta) and meta.get("SERVER_PROTOCOL", "").startswith("HTTP/1")):
        return
    connection = socket_of(meta)
    closers = response._resource_closers  # type: ignore[attr-defined]  # not in the stubs
    if connection:
        closers.append(partial(_drop_and_close, meta["wsgi.input"], connection))
    elif meta.get("SERVER_SOFTWARE") == GRANIAN:
        closers.append(partial(_drop_before_the_end, meta["wsgi.input"]))


def _has_body(meta: Mapping[str, Any]) -> bool:
    return meta.get("CONTENT_LENGTH", "") not in {"", "0"} or "HTTP_TRANSFER_ENCODING" in meta


def _drop_and_close(stream: _Input, connection: socket.socket) -> None:
    """Hold the connection, which gunicorn closes as soon as this returns."""
    waits = _places.acquire(blocking=False)
    deadline = _Deadline(connection, time.monotonic() + LINGER_SECONDS)
    connection.settimeout(LINGER_SECONDS if waits else 0)
    watcher.add(deadline)
    try:
        # The server knows the end of the body, and keeps the connection if it is reached.
        if not _drop(stream.read, KEPT_ALIVE):
            # A client that is told of the end by this, and not by a reset, reads the answer even if it sends on.
            shut(connection, socket.SHUT_WR)
            _drop(connection.recv, LINGER_BYTES)
            shut(connection, socket.SHUT_RDWR)
    finally:
        watcher.discard(deadline)
        connection.settimeout(None)
        if waits:
            _places.release()


def _drop_before_the_end(stream: _Input) -> None:
    """Hold the answer, whose content granian has sent, before its end, at which granian closes the connection.

    A read has no limit of time there, so that another thread reads.
    """
    if not _places.acquire(blocking=False):
        return
    try:
        if _readers.acquire(blocking=False):
            thread = threading.Thread(target=_drop_slowly, args=[stream], name="largefiles-linger", daemon=True)
            thread.start()
            thread.join(LINGER_SECONDS)
    finally:
        _places.release()


def _drop_slowly(stream: _Input) -> None:
    try:
        if not _drop(stream.read, DROPPED_AT_ONCE):
            _drop(partial(_read_after_a_pause, stream), LINGER_BYTES - DROPPED_AT_ONCE)
    finally:
        _readers.release()


def _read_after_a_pause(stream: _Input, size: int) -> bytes:
    time.sleep(DROP_PAUSE)
    return stream.read(size)


def _drop(read: Callable[[int], bytes], most: int) -> bool:
    """Read at most ``most`` bytes, and return whether their end was reached before."""
    while most > 0:
        try:
            dropped = len(read(PIECE))
        # Servers raise errors of their own for chunks that are malformed.
        except Exception:  # noqa: BLE001
            return False
        if not dropped:
            return True
        most -= dropped
    return False


class _Deadline:
    """Ends the wait: a read of the server's goes on while bytes trickle."""

    def __init__(self, connection: socket.socket, at: float) -> None:
        self._connection = connection
        self._at = at

    def look(self, now: float) -> None:
        if now >= self._at:
            shut(self._connection, socket.SHUT_RDWR)
