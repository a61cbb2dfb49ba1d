"""The body of a request under ASGI, while it is still arriving."""

from __future__ import annotations

import asyncio
import io
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, TypeAlias

from ..options import KIB
from .lingering import DROP_PAUSE, LINGER_BYTES, LINGER_SECONDS
from .pace import Pace
from .watcher import INTERVAL_SECONDS

Message: TypeAlias = Mapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]

ALL_AT_ONCE = 256 * KIB
"""Bytes of a read without a size, which Django's ``request.body`` makes."""


class LiveBody(io.BufferedIOBase):
    """A request's body while it arrives: the loop's ``pump`` fills it, one thread reads it.

    Nothing is received before the first read, so that a request with ``Expect: 100-continue`` can be refused without
    a byte of its body. After that at most twice as much is held as was last asked for, and one message.
    """

    def __init__(self, receive: Receive, scope: Mapping[str, Any]) -> None:
        self.has_ended = False
        # In HTTP/2 a request has a stream of its own, which the server resets.
        self._shares_connection = scope["http_version"].startswith("1")
        self._is_awaited = (b"expect", b"100-continue") not in scope["headers"]
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        self._wanted = asyncio.Event()
        self._changed = threading.Condition()
        self._pieces = deque[bytes]()
        self._held = 0
        self._needed = 0
        self._limit = 0
        self._total = 0
        self._pace = Pace(0)
        self._error: OSError | None = None
        self._droppable = 0
        self._dropped = asyncio.Event()

    @property
    def is_left_over(self) -> bool:
        """Whether a part of the body is still on the connection, where the next request would be expected."""
        return self._shares_connection and not self.has_ended

    async def pump(self) -> None:
        """Receive the body, as fast as it is read. Return at its end; after a disconnect, never.

        A view whose client has gone is not cancelled: it finds out when it reads, and saves what has arrived.
        """
        try:
            while not self.has_ended:
                await self._wanted.wait()
                if not self._take(await self._receive()):
                    await asyncio.Event().wait()
                if self._droppable:
                    await asyncio.sleep(DROP_PAUSE)
        except BaseException:
            self.abort("the request was cancelled")
            raise

    async def drop_rest(self) -> None:
        """Let ``pump`` drop the rest of the body, within the bounds of ``lingering``.

        Nothing is received from a client that waits to be told to send (``Expect: 100-continue``).
        """
        if self._is_awaited:
            self._droppable = LINGER_BYTES
            self._wanted.set()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._dropped.wait(), LINGER_SECONDS)

    def _take(self, message: Message) -> bool:
        """Return whether the client is still there."""
        if message["type"] == "http.disconnect":
            self.abort("the client disconnected")
            self._dropped.set()
            return False
        piece, more = message.get("body", b""), message.get("more_body", False)
        with self._changed:
            self.has_ended = not more
            if self._droppable:
                self._drop(len(piece))
            else:
                self._keep(piece)
        return True

    def _keep(self, piece: bytes) -> None:
        if piece:
            self._pieces.append(piece)
            self._held += len(piece)
            self._total += len(piece)
        if self._held >= self._limit:
            self._wanted.clear()
        if self._held >= self._needed or self.has_ended:
            self._changed.notify()

    def _drop(self, size: int) -> None:
        self._droppable = max(1, self._droppable - size)
        if self.has_ended or self._droppable == 1:
            self._wanted.clear()
            self._dropped.set()

    def read(self, size: int | None = -1, at_most: int = 0, /) -> bytes:
        """Return ``size`` bytes, fewer at the end or where the body breaks off. Block until they are there.

        Where more have arrived already, return as many as ``at_most``: each read costs a turn of both threads.

        Behind the last byte of a body that broke off, raise ``OSError``, from which Django makes
        ``UnreadablePostError``; ``TimeoutError`` if the client is slower than ``BODY_TIMEOUT`` and ``MINIMUM_RATE``
        allow. Raise ``RuntimeError`` on the loop's thread.
        """
        if threading.get_ident() == self._loop_thread:
            raise RuntimeError("this body is still arriving and must be read in a thread, by sync_to_async")
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(ALL_AT_ONCE), b""))
        with self._changed:
            self._await_bytes(size)
            return self._cut(size, at_most)

    def comes_within(self, seconds: float, size: int) -> bool:
        """Return whether the next ``size`` bytes, or the end of the body, are there within ``seconds``."""
        with self._changed:
            self._ask_for(size)
            return self._changed.wait_for(lambda: self._has(size), seconds)

    def abort(self, reason: str) -> None:
        """End the body: a read that waits, and each later one, fails with ``reason``."""
        with self._changed:
            if not self.has_ended:
                self._error = self._error or OSError(reason)
            self._changed.notify()

    def close(self) -> None:
        self.abort("the request is over")
        self._pieces.clear()
        super().close()

    def _await_bytes(self, size: int) -> None:
        self._ask_for(size)
        while not self._has(size):
            since = time.monotonic()
            self._changed.wait(INTERVAL_SECONDS)
            self._pace.wait(time.monotonic() - since)
            if self._pace.is_too_slow(self._total):
                self._error = TimeoutError("the body comes too slowly")
        if self._error and size and not self._held:
            raise self._error

    def _ask_for(self, size: int) -> None:
        self._needed = size
        # The first read is for a verdict. Behind it, receive a second piece while the caller works on the first.
        self._limit = 2 * size if self._total > self._held else size
        if not self._has(size):
            self._is_awaited = True
            self._receive_more()

    def _receive_more(self) -> None:
        # To wake the loop costs a system call, during which it may take the interpreter's lock from this thread.
        if not self._wanted.is_set():
            self._loop.call_soon_threadsafe(self._wanted.set)

    def _has(self, size: int) -> bool:
        return self._held >= size or self.has_ended or self._error is not None

    def _cut(self, size: int, at_most: int) -> bytes:
        """Return whole messages, as far as ``size`` is reached: to cut one costs a copy."""
        taken, reached = list[bytes](), 0
        while self._pieces and reached + len(self._pieces[0]) <= max(size, at_most):
            taken.append(self._pieces.popleft())
            reached += len(taken[-1])
        if self._pieces and reached < size:
            piece, missing = self._pieces[0], size - reached
            taken.append(piece[:missing])
            self._pieces[0] = piece[missing:]
            reached = size
        self._held -= reached
        if self._held < self._limit and not self.has_ended:
            # Receive more while the caller works on this.
            self._receive_more()
        return taken[0] if len(taken) == 1 else b"".join(taken)
