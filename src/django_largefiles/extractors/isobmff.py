"""The size of the picture of an MP4 or QuickTime file (ISO/IEC 14496-12): the one thing that mutagen does not read."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

MAX_BOXES = 1000
"""Boxes looked at on one level."""
MAX_TRACKS = 32

# 8.3.2: the matrix and the size of a track header, in its version 0; version 1 has three 64-bit times before them.
_MATRIX_OFFSET = 40
_VERSION_1_SHIFT = 12
_MATRIX_AND_SIZE = struct.Struct(">9i2I")
_HANDLER_OFFSET = 8


@dataclass(frozen=True, kw_only=True)
class Box:
    kind: bytes
    start: int
    """Where the content starts, after the header."""
    end: int


def picture_size(file: BinaryIO) -> tuple[int, int] | None:
    """Width and height of the first video track as displayed, in pixels, or ``None``."""
    whole = Box(kind=b"", start=0, end=file.seek(0, os.SEEK_END))
    movie = _child(file, whole, b"moov")
    if movie is None:
        return None
    tracks = (box for box in _children(file, movie) if box.kind == b"trak")
    for track in islice(tracks, MAX_TRACKS):
        header = _child(file, track, b"tkhd")
        if header is not None and _handler(file, track) == b"vide":
            return _size(file, header)
    return None


def _children(file: BinaryIO, parent: Box) -> Iterator[Box]:
    position = parent.start
    for _ in range(MAX_BOXES):
        file.seek(position)
        header = file.read(16)
        if position >= parent.end or len(header) < 8:
            return
        size, kind = struct.unpack_from(">I4s", header)
        content = position + 8
        if size == 0:
            # 4.2: to the end of the file.
            size = parent.end - position
        elif size == 1 and len(header) == 16:
            size, content = struct.unpack_from(">Q", header, 8)[0], position + 16
        if position + size < content:
            return
        yield Box(kind=kind, start=content, end=min(position + size, parent.end))
        position += size


def _child(file: BinaryIO, parent: Box, kind: bytes) -> Box | None:
    return next((box for box in _children(file, parent) if box.kind == kind), None)


def _handler(file: BinaryIO, track: Box) -> bytes:
    media = _child(file, track, b"mdia")
    handler = media and _child(file, media, b"hdlr")
    return _read(file, handler, _HANDLER_OFFSET, 4) if handler else b""


def _read(file: BinaryIO, box: Box, offset: int, size: int) -> bytes:
    file.seek(box.start + offset)
    return file.read(min(size, max(0, box.end - box.start - offset)))


def _size(file: BinaryIO, header: Box) -> tuple[int, int] | None:
    shift = _VERSION_1_SHIFT if _read(file, header, 0, 1) == b"\x01" else 0
    content = _read(file, header, _MATRIX_OFFSET + shift, _MATRIX_AND_SIZE.size)
    if len(content) < _MATRIX_AND_SIZE.size:
        return None
    *matrix, width, height = _MATRIX_AND_SIZE.unpack(content)
    # 16.16 fixed point.
    size = (width >> 16, height >> 16)
    if 0 in size:
        return None
    quarter_turn = matrix[0] == matrix[4] == 0
    return size[::-1] if quarter_turn else size
