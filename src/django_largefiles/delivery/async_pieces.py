"""Ranges of a stored file under ASGI, in pieces that are as large as their client is fast."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Protocol

from asgiref.sync import sync_to_async

from ..connections import release_connections
from ..transport.departure import AsyncDeparture
from .segments import Segment

READERS = 32
"""Threads that read files. asyncio's own pool has a few more than processors, for all of a project."""

readers = ThreadPoolExecutor(READERS, thread_name_prefix="largefiles-read")


class Readable(Protocol):
    """A file, or one that stands in for it."""

    def fileno(self) -> int: ...
    def seek(self, offset: int, /) -> object: ...
    def read(self, size: int, /) -> bytes: ...
    def close(self) -> None: ...


class AsyncFilePieces:
    """Ranges of a file in pieces, with bytes between them.

    What Linux has in memory of a file with a descriptor is read on the event loop: to wait for a thread takes longer
    than to copy it. All else is read by threads.
    """

    def __init__(self, file: Readable, segments: Sequence[Segment], departure: AsyncDeparture) -> None:
        self._file = file
        self._segments = segments
        self._departure = departure
        self._descriptor = _descriptor_of(file)
        self._reading: Future[bytes] | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        # In the thread of the view and of the middleware, whose connections they are.
        await sync_to_async(release_connections)()
        try:
            for segment in self._segments:
                async for piece in self._pieces_of(segment):
                    with self._departure.of(piece):
                        yield piece
        except Exception:
            # Django closes no response whose content raises.
            self.close()
            raise

    def close(self) -> None:
        # Not while a thread reads from it.
        if self._reading and not self._reading.cancel():
            wait([self._reading])
        self._file.close()

    async def _pieces_of(self, segment: Segment) -> AsyncIterator[bytes]:
        if isinstance(segment, bytes):
            yield segment
            return
        start = segment.start
        # The file may be shorter than it was: a Content-Length that is not reached tells the client.
        while start < segment.stop and (piece := await self._piece(start, segment.stop)):
            start += len(piece)
            yield piece

    async def _piece(self, start: int, stop: int) -> bytes:
        if self._descriptor is None:
            return await self._piece_of_stream(start, stop)
        size = min(stop - start, self._departure.size)
        cached = _cached(self._descriptor, start, size)
        if cached is not None:
            return cached
        self._reading = readers.submit(_read, self._descriptor, start, size)
        return await asyncio.wrap_future(self._reading)

    async def _piece_of_stream(self, start: int, stop: int) -> bytes:
        """Return the next piece, and let a thread read the one after it while the client takes this one."""
        piece = await asyncio.wrap_future(self._reading or self._submit(start, stop))
        start += len(piece)
        self._reading = self._submit(start, stop) if piece and start < stop else None
        return piece

    def _submit(self, start: int, stop: int) -> Future[bytes]:
        self._reading = readers.submit(self._seek_and_read, start, min(stop - start, self._departure.size))
        return self._reading

    def _seek_and_read(self, start: int, size: int) -> bytes:
        self._file.seek(start)
        return self._file.read(size)


def _descriptor_of(file: Readable) -> int | None:
    if sys.platform != "linux":  # pragma: no cover
        return None
    try:
        return file.fileno()
    except OSError:
        return None


def _read(descriptor: int, start: int, size: int) -> bytes:
    piece = os.pread(descriptor, size, start)
    # The system reads on while the client takes this piece.
    os.posix_fadvise(descriptor, start + size, size, os.POSIX_FADV_WILLNEED)
    return piece


class _Scratch(threading.local):
    """Where the bytes of each loop are put: Python cannot read into new ``bytes`` without waiting for a disk."""

    def __init__(self) -> None:
        self.room = bytearray()

    def of(self, size: int) -> memoryview:
        if len(self.room) < size:
            self.room = bytearray(size)
        return memoryview(self.room)[:size]


_scratch = _Scratch()


def _cached(descriptor: int, start: int, size: int) -> bytes | None:
    """Return what is in memory of the next ``size`` bytes, and ``None`` if the first is not or cannot be told.

    Some file systems cannot, nor a Python that was built for a C library without preadv2. Linux 5.9 and 5.10 may
    return 0 before the end of a file (readv(2), Bugs): only a thread's read tells the end.
    """
    cached_only = getattr(os, "RWF_NOWAIT", None)
    if cached_only is None:
        return None
    room = _scratch.of(size)
    try:
        return bytes(room[: os.preadv(descriptor, [room], start, cached_only)]) or None
    except (OSError, NotImplementedError):
        return None
