"""A seekable reader of an object, which fetches what is read and a little more."""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass
from io import BufferedReader, RawIOBase
from typing import BinaryIO, cast

from ...options import KIB, MIB
from .bucket import Bucket, ObjectStream

FIRST_SPAN = 16 * KIB
"""Bytes fetched after a jump."""

LARGEST_BLOCK = MIB
"""Bytes held of one fetch; longer sequential reads are streamed."""

BLOCKS = 4
"""Blocks kept: parsers go to and fro between a head and a tail."""

BUFFER = 8 * KIB
"""Bytes of the buffer for the smallest reads."""


def open_object(bucket: Bucket, key: str, size: int | None = None) -> BinaryIO:
    """Return a reader of the object at ``key``, or of its first ``size`` bytes, in at most some 5 MiB of memory.

    Raise ``StoreUnavailable``, here and during reads, also if the object is replaced meanwhile.
    """
    stat = bucket.stat(key)
    raw = RangedObject(bucket, key, size=stat.size if size is None else size, etag=stat.etag)
    return cast("BinaryIO", BufferedReader(raw, BUFFER))


@dataclass(frozen=True, kw_only=True)
class Block:
    start: int
    data: bytes

    @property
    def end(self) -> int:
        return self.start + len(self.data)


class RangedObject(RawIOBase):
    """Sequential reads fetch twice as much each time: first into memory, then as a stream.

    So at most twice the bytes that are read are fetched, plus 16 KiB for each jump: as much as extractors ask for at
    once.
    """

    def __init__(self, bucket: Bucket, key: str, *, size: int, etag: str) -> None:
        self._bucket, self._key, self._etag = bucket, key, etag
        self._size = size
        self._position = 0
        self._blocks: deque[Block] = deque(maxlen=BLOCKS)
        self._stream: ObjectStream | None = None
        self._fetched_to = 0
        """Where the last fetch ends, or how far the stream has been read."""
        self._stream_end = 0
        self._span = FIRST_SPAN // 2

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        position = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        if position < 0:
            raise ValueError(f"negative position {position}")
        self._position = position
        return position

    def readinto(self, target: memoryview) -> int:  # type: ignore[override]
        wanted = min(len(target), self._size - self._position)
        if wanted <= 0:
            return 0
        data = self._read(wanted)
        target[: len(data)] = data
        self._position += len(data)
        return len(data)

    def close(self) -> None:
        self._let_go()
        super().close()

    def _read(self, wanted: int) -> bytes | memoryview:
        """Return at least one byte, and at most ``wanted``."""
        for block in self._blocks:
            if block.start <= self._position < block.end:
                first = self._position - block.start
                return memoryview(block.data)[first : first + wanted]
        if self._stream and self._position == self._fetched_to < self._stream_end:
            data = self._stream.read(wanted)
            self._fetched_to += len(data)
            return data
        self._fetch(wanted)
        return self._read(wanted)

    def _fetch(self, wanted: int) -> None:
        self._let_go()
        goes_on = self._position == self._fetched_to
        self._span = max(2 * self._span if goes_on else FIRST_SPAN, min(wanted, LARGEST_BLOCK))
        length = min(self._span, self._size - self._position)
        if length > LARGEST_BLOCK:
            self._stream = self._bucket.stream(self._key, self._position, length, etag=self._etag)
            self._fetched_to, self._stream_end = self._position, self._position + length
            return
        data = self._bucket.read(self._key, self._position, length, etag=self._etag)
        self._blocks.append(Block(start=self._position, data=data))
        self._fetched_to = self._position + len(data)

    def _let_go(self) -> None:
        if self._stream:
            self._stream.close()
        self._stream = None
