"""A file for parsers that trust the sizes that a file declares."""

from __future__ import annotations

import os
from typing import BinaryIO


class RationedFile:
    """A file that ends after ``ration`` bytes have been read. No read allocates more than the bytes that are left."""

    def __init__(self, file: BinaryIO, ration: int) -> None:
        self._file = file
        self._size = file.seek(0, os.SEEK_END)
        self._left = ration
        file.seek(0)

    def read(self, size: int = -1) -> bytes:
        there = max(0, min(self._size - self._file.tell(), self._left))
        piece = self._file.read(there if size < 0 else min(size, there))
        self._left -= len(piece)
        return piece

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()
