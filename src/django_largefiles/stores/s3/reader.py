"""An object as a seekable file that fetches what is read, and a little more."""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass
from io import BufferedReader, RawIOBase
from typing import BinaryIO, cast

from ...options import KIB, MIB
from .bucket import Bucket, ObjectStream

FIRST_SPAN = 16 * KIB
"""Bytes fetched where nothing is known of the reader's way."""

LARGEST_BLOCK = MIB
"""Bytes held of one fetch; whoever reads on and on gets the rest as it comes."""

BLOCKS = 4
"""How many of these are kept: parsers go to and fro between a head and a tail."""

BUFFER = 8 * KIB
"""For the smallest of reads."""


def open_object(bucket: Bucket, key: str, size: int | None = None) -> BinaryIO:
    """A reader of the object at ``key``, or of its first ``size`` bytes, as it is now.

    Memory is at most some 5 MiB. Raises ``StoreUnavailable``, here and while it is read: also where the object has
    been replaced meanwhile.
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
    """Reads that go on where the last one ended fetch twice as much each time: first into memory, then as a stream.

    So no more is fetched than twice what is read, and 16 KiB for each jump: as much as extractors ask for at once.
    """

    def __init__(self, bucket: Bucket, key: str, *, size: int, etag: str) -> None:
        self._bucket, self._key, self._etag = bucket, key, etag
        self._size = size
        self._position = 0
        self._blocks: deque[Block] = deque(maxlen=BLOCKS)
        self._stream: ObjectStream | None = None
        self._fetched_to = 0
        """Where the last fetch ends; with a stream, where it stands."""
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
        """At least one byte, at most ``wanted``."""
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
