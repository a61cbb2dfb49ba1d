"""A file for parsers that believe what a file says of its own sizes."""

from __future__ import annotations

import os
from typing import BinaryIO


class RationedFile:
    """Has ended after ``ration`` bytes were read of it, and makes no room for more than is left of it."""

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
