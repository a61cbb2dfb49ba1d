"""Read the content of a compressed file, from front to back, in bounded pieces and up to a limit."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import BinaryIO, Protocol

from .facts import Unreadable
from .reading import PIECE

_XZ_MEMORY = 128 * 1024 * 1024
"""Bytes for its dictionary: twice as much as ``xz -9`` needs."""


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class _Gzip:
    """zlib's decompressor with the interface of the other two, which keep the input that they have not used."""

    def __init__(self) -> None:
        self._inflater = zlib.decompressobj(16 + zlib.MAX_WBITS)

    @property
    def eof(self) -> bool:
        return self._inflater.eof

    @property
    def needs_input(self) -> bool:
        return not self._inflater.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inflater.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inflater.decompress(self._inflater.unconsumed_tail + data, max_length)


_DECOMPRESSORS: Mapping[str, Callable[[], _Decompressor]] = MappingProxyType(
    {
        "gzip": _Gzip,
        "bzip2": bz2.BZ2Decompressor,
        "xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY),
    }
)


class Unpacked:
    """The unpacked content. ``done`` counts the bytes read or skipped; no more than ``cap`` are unpacked.

    ``compression`` is ``"gzip"``, ``"bzip2"`` or ``"xz"``.
    """

    def __init__(self, file: BinaryIO, compression: str, cap: int) -> None:
        self.done = 0
        self.capped = False
        """Whether the cap was reached, so that there is more than could be read."""
        self._file = file
        self._cap = cap
        self._make = _DECOMPRESSORS[compression]
        self._decompressor = self._make()
        self._input = b""
        self._buffer = b""

    def read(self, size: int) -> bytes:
        """Return ``size`` bytes, or fewer at the end or at the cap. Raise ``Unreadable``."""
        found: list[bytes] = []
        while size and (piece := self._some(size)):
            found.append(piece)
            size -= len(piece)
        return b"".join(found)

    def skip(self, size: int) -> int:
        """Skip ``size`` bytes, or fewer at the end or at the cap. Return how many. Raise ``Unreadable``."""
        left = size
        while left and (piece := self._some(left)):
            left -= len(piece)
        return size - left

    def _some(self, size: int) -> bytes:
        if not self._buffer:
            self._buffer = self._next()
        self.capped = self.capped or self.done + len(self._buffer) > self._cap
        piece = self._buffer[: min(size, self._cap - self.done)]
        self._buffer = self._buffer[len(piece) :]
        self.done += len(piece)
        return piece

    def _next(self) -> bytes:
        """Return the next piece, which is empty only at the end."""
        while not self._decompressor.eof or self._begin_next_stream():
            needed = self._decompressor.needs_input
            data = (self._input or self._file.read(PIECE)) if needed else b""
            self._input = b"" if needed else self._input
            piece = self._decompress(data)
            if piece:
                return piece
            if needed and not data and not self._decompressor.eof:
                raise Unreadable("the compressed data is truncated")
        return b""

    def _begin_next_stream(self) -> bool:
        """Return whether another stream follows: a file may hold several, with or without padding between them."""
        self._input = self._decompressor.unused_data.lstrip(b"\0")
        while not self._input and (data := self._file.read(PIECE)):
            self._input = data.lstrip(b"\0")
        if self._input:
            self._decompressor = self._make()
        return bool(self._input)

    def _decompress(self, data: bytes) -> bytes:
        try:
            return self._decompressor.decompress(data, PIECE)
        except (zlib.error, lzma.LZMAError, OSError, ValueError) as error:
            raise Unreadable(f"the data cannot be decompressed: {error}") from error
