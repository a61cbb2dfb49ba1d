"""Read pieces of a file at given positions."""

from __future__ import annotations

import os
from typing import BinaryIO

from .facts import Unreadable

PIECE = 64 * 1024
"""Bytes read or unpacked at once."""


def read_at(file: BinaryIO, position: int, size: int) -> bytes:
    """Return ``size`` bytes from ``position``, fewer only at the end of the file, none before its beginning."""
    if position < 0:
        return b""
    file.seek(position)
    found: list[bytes] = []
    while size > 0 and (piece := file.read(size)):
        found.append(piece)
        size -= len(piece)
    return b"".join(found)


def reopened(descriptor: int) -> int | None:
    """Open a file again for reading, with a position of its own, where the system allows that (Linux), else ``None``.

    A duplicate of the descriptor would share its position, and what may be done through it.
    """
    try:
        return os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None


def affords_more(file: BinaryIO) -> bool:
    """Tell whether reads that are not essential may go on, of a file that is read within a budget.

    A buffered file is asked by the attribute ``affords_more`` of its raw one; any other file affords everything.
    """
    return bool(getattr(getattr(file, "raw", file), "affords_more", True))


class Stretch:
    """Reads one stretch of a file from front to back. The file may be read elsewhere in between."""

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        self._file = file
        self._position = start
        self._unread = size
        self._buffer = b""
        self._taken = 0

    @property
    def left(self) -> int:
        return self._unread + len(self._buffer) - self._taken

    def take(self, size: int) -> bytes:
        """Return the next ``size`` bytes. Raise ``Unreadable`` if there are fewer."""
        while len(self._buffer) - self._taken < size:
            piece = read_at(self._file, self._position, min(PIECE, self._unread))
            if not piece:
                raise Unreadable("the archive is truncated")
            self._position += len(piece)
            self._unread -= len(piece)
            self._buffer, self._taken = self._buffer[self._taken :] + piece, 0
        self._taken += size
        return self._buffer[self._taken - size : self._taken]
