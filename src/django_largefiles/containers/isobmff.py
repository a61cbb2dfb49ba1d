"""Boxes of ISO base media files (ISO/IEC 14496-12), which are MP4, QuickTime, HEIF and their relatives.

Nothing is assumed about the sizes that a file declares: every read and every number of boxes is bounded.
"""

from __future__ import annotations

import os
import struct
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple

MAX_BOXES = 256
"""Boxes read on one level."""
MAX_BOX_BYTES = 32 * 1024
"""Of a larger box, such as the time table of a film with a varying frame rate, only the beginning is read."""

_HEADER = struct.Struct(">I4s")
_LARGE_SIZE = struct.Struct(">Q")
_LARGE_HEADER_BYTES = _HEADER.size + _LARGE_SIZE.size


class Span(NamedTuple):
    """Where a box is in a file."""

    kind: bytes
    start: int
    """Where its content begins, after the header."""
    end: int
    size: int
    """As declared, with the header; 0 for a box that extends to the end of the file."""


@dataclass(frozen=True, kw_only=True)
class Box:
    kind: bytes
    content: bytes = b""
    """The content without the boxes in it."""
    boxes: tuple[Box, ...] = ()

    def first(self, *kinds: bytes) -> Box:
        """Follow the first box of each kind downwards. Return an empty box if there is none."""
        found = self
        for kind in kinds:
            found = next((box for box in found.boxes if box.kind == kind), _NO_BOX)
        return found

    def encoded(self) -> bytes:
        content = self.content + b"".join(box.encoded() for box in self.boxes)
        return _HEADER.pack(_HEADER.size + len(content), self.kind) + content


_NO_BOX = Box(kind=b"")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What to read of a box: the named boxes in it, or its content if none is named."""

    boxes: Mapping[bytes, Wanted] = field(default_factory=dict)
    at_most: int = 1
    """How many boxes of this kind to read on one level."""
    prefix: int = 0
    """Bytes before the first box in it, such as the version and flags of a full box (4.2)."""


def find_box(file: BinaryIO, kind: bytes, wanted: Wanted) -> Box | None:
    """Return the first box of a kind on the top level of ``file``, or ``None``."""
    return next((_read(file, span, wanted) for span in top_level(file) if span.kind == kind), None)


def top_level(file: BinaryIO, limit: int = MAX_BOXES) -> Iterator[Span]:
    """Yield at most ``limit`` boxes of the file's top level."""
    return _spans(file, 0, file.seek(0, os.SEEK_END), limit)


def _spans(file: BinaryIO, position: int, end: int, limit: int = MAX_BOXES) -> Iterator[Span]:
    for _ in range(limit):
        span = _span(file, position, end)
        if span is None:
            return
        yield span
        position += span.size or end - position


def _span(file: BinaryIO, position: int, end: int) -> Span | None:
    if position >= end:
        return None
    file.seek(position)
    header = file.read(_LARGE_HEADER_BYTES)
    if len(header) < _HEADER.size:
        return None
    size, kind = _HEADER.unpack_from(header)
    start = position + _HEADER.size
    if size == 1 and len(header) == _LARGE_HEADER_BYTES:
        (size,), start = _LARGE_SIZE.unpack_from(header, _HEADER.size), position + _LARGE_HEADER_BYTES
    if 0 < size < start - position:
        return None
    return Span(kind, start, min(position + size, end) if size else end, size)


def _read(file: BinaryIO, span: Span, wanted: Wanted) -> Box:
    if not wanted.boxes:
        return Box(kind=span.kind, content=_content(file, span, MAX_BOX_BYTES))
    prefix = _content(file, span, wanted.prefix)
    return Box(kind=span.kind, content=prefix, boxes=tuple(_read_boxes(file, span, len(prefix), wanted.boxes)))


def _read_boxes(file: BinaryIO, parent: Span, prefix: int, wanted: Mapping[bytes, Wanted]) -> Iterator[Box]:
    """Yield the wanted boxes in ``parent``. Stop after the last of them, which comes before the large tables."""
    left = Counter({kind: each.at_most for kind, each in wanted.items()})
    for span in _spans(file, parent.start + prefix, parent.end):
        if left[span.kind]:
            left[span.kind] -= 1
            yield _read(file, span, wanted[span.kind])
        if not left.total():
            return


def _content(file: BinaryIO, span: Span, limit: int) -> bytes:
    file.seek(span.start)
    return file.read(max(0, min(limit, span.end - span.start)))
