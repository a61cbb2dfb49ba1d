"""The file as the extractor sees it: seekable, without a name, read in blocks and up to a budget."""

from __future__ import annotations

import io
import json
import os
import sys
from collections import OrderedDict
from typing import TYPE_CHECKING, NoReturn, Protocol

from .spec import BLOCK_SIZE, LENGTH_BYTES, MAX_REQUEST

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

CACHED_BYTES = 8 * 1024 * 1024


class ReadBudgetExceeded(Exception):
    """The extractor asked for more than it may read. Not an OSError, which parsers take for the end of the file."""


class Source(Protocol):
    """Where the bytes come from."""

    size: int
    block_size: int
    longest_read: int
    """In blocks. More than one is read if they are asked for in sequence."""

    many_reads: int
    """Reads after which the file affords no more of those that are not essential."""

    def read(self, offset: int, size: int) -> bytes: ...


class Descriptor:
    """Reads by ``pread``, which leaves the position alone: the parent shares it."""

    block_size = 4 * 1024
    longest_read = 16
    many_reads = sys.maxsize

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.size = os.fstat(descriptor).st_size

    def read(self, offset: int, size: int) -> bytes:
        return os.pread(self._descriptor, size, offset)


class Brokered:
    """Asks the parent, for which each request may be one to another machine: small blocks, few requests."""

    block_size = BLOCK_SIZE
    longest_read = MAX_REQUEST // BLOCK_SIZE
    many_reads = 200

    def __init__(self, size: int, requests: int, replies: int) -> None:
        self.size = size
        self._requests = requests
        self._replies = io.FileIO(replies, closefd=False)

    def read(self, offset: int, size: int) -> bytes:
        os.write(self._requests, json.dumps([offset, size]).encode() + b"\n")
        return self._exactly(int.from_bytes(self._exactly(LENGTH_BYTES), "big"))

    def _exactly(self, size: int) -> bytes:
        content = bytearray()
        while len(content) < size:
            piece = self._replies.read(size - len(content))
            if not piece:
                raise EOFError("the parent does not answer")
            content += piece
        return bytes(content)


class BudgetedFile(io.RawIOBase):
    """Reads a source in aligned blocks, of which the last few are kept, up to ``budget`` bytes in all.

    Parsers make millions of tiny reads and seek back and forth. Without the blocks, that would use up the budget many
    times over.
    """

    def __init__(self, source: Source, budget: int) -> None:
        self._source = source
        self._budget = budget
        self._left = budget
        self._position = 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._next = -1
        self._ahead = 1
        self._reads = 0

    @property
    def affords_more(self) -> bool:
        """Whether reads that are not essential may go on: half of the budget is kept for others."""
        return self._left > self._budget // 2 and self._reads < self._source.many_reads

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._source.size}[whence]
        if start + offset < 0:
            raise ValueError(f"negative seek position {start + offset}")
        self._position = start + offset
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        target = memoryview(buffer).cast("B")
        index, start = divmod(self._position, self._source.block_size)
        # The buffer above asks for less than a block, unless the extractor itself wants more at once.
        wanted = -(-len(target) // self._source.block_size)
        piece = self._block(index, wanted)[start : start + len(target)]
        target[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def readall(self) -> bytes:
        # Refuse before the content fills the memory.
        if self._source.size - self._position > self._budget:
            self._refuse()
        return super().readall()

    def _block(self, index: int, wanted: int) -> bytes:
        """Return the block at ``index``, the first of those ``wanted``, or ``b""`` beyond the end."""
        if index * self._source.block_size >= self._source.size:
            return b""
        if index not in self._blocks:
            self._read_blocks(index, self._how_many(index, wanted))
        self._blocks.move_to_end(index)
        return self._blocks[index]

    def _how_many(self, index: int, wanted: int) -> int:
        """Return how many blocks to read: those wanted, or twice as many as last time if they follow the last."""
        self._ahead = 2 * self._ahead if index == self._next else 1
        self._ahead = min(max(self._ahead, wanted), self._source.longest_read)
        return max(1, min(self._ahead, self._left // self._source.block_size))

    def _read_blocks(self, index: int, count: int) -> None:
        block_size, offset = self._source.block_size, index * self._source.block_size
        size = min(count * block_size, self._source.size - offset)
        if size > self._left:
            self._refuse()
        self._left -= size
        self._reads += 1
        content = self._source.read(offset, size)
        for start in range(0, size, block_size):
            self._blocks[index + start // block_size] = content[start : start + block_size]
        self._next = index + count
        while len(self._blocks) * block_size > CACHED_BYTES:
            self._blocks.popitem(last=False)

    def _refuse(self) -> NoReturn:
        self._left = 0
        raise ReadBudgetExceeded(f"wanted to read more than {self._budget} bytes")
