"""MP4 and QuickTime files (ISO/IEC 14496-12): the few boxes that describe them, and the picture in them.

The movie box of a long film holds megabytes of tables. What describes the film is copied out of it, box by box, and
that is all that mutagen gets to parse.
"""

from __future__ import annotations

import os
import struct
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple, TypeAlias

from .text import clean_text

MAX_BOXES = 256
"""Boxes looked at on one level."""
MAX_TRACKS = 32
MAX_BOX_BYTES = 32 * 1024
"""Of a larger box, such as the table of times of a film at a varying rate, the beginning is taken."""
MAX_FRAME_RATE = 1000

# Which boxes to take out of the movie box: containers by what to take out of them, others whole. Of tags those that
# are read in the end: cover pictures are not among them.
Wanted: TypeAlias = "Mapping[bytes, Wanted]"
_WHOLE: Wanted = {}
_MEDIA: Wanted = {b"mdhd": _WHOLE, b"hdlr": _WHOLE, b"minf": {b"stbl": {b"stsd": _WHOLE, b"stts": _WHOLE}}}
_TAGS: Wanted = dict.fromkeys(
    (b"\xa9nam", b"\xa9ART", b"\xa9alb", b"\xa9day", b"\xa9gen", b"gnre", b"trkn"),
    _WHOLE,
)
_MOVIE: Wanted = {
    b"mvhd": _WHOLE,
    b"trak": {b"tkhd": _WHOLE, b"mdia": _MEDIA},
    b"udta": {b"meta": {b"ilst": _TAGS}},
}
# 8.11.1: this container has a version and flags before its boxes.
_FULL_CONTAINERS = {b"meta": 4}

# 8.3.2: the matrix and the size of a track header, in its version 0; version 1 has three 64-bit times before them.
_MATRIX_OFFSET = 40
_MATRIX_AND_SIZE = struct.Struct(">9i2I")
_TRACK_HEADER_SHIFT = 12
# 8.4.2: likewise the time scale of a media header, with two such times.
_TIME_SCALE_OFFSET = 12
_MEDIA_HEADER_SHIFT = 8
_INTEGER = struct.Struct(">I")
_RUN_OF_FRAMES = struct.Struct(">2I")

# By the sample entries of RFC 6381 and the MP4 registration authority; the names are FFmpeg's.
_CODECS = {
    b"avc1": "h264",
    b"avc3": "h264",
    b"hvc1": "hevc",
    b"hev1": "hevc",
    b"dvh1": "hevc",
    b"dvhe": "hevc",
    b"vvc1": "vvc",
    b"av01": "av1",
    b"vp08": "vp8",
    b"vp09": "vp9",
    b"mp4v": "mpeg4",
    b"s263": "h263",
    b"jpeg": "mjpeg",
    b"apch": "prores",
    b"apcn": "prores",
    b"apcs": "prores",
    b"apco": "prores",
    b"ap4h": "prores",
    b"ap4x": "prores",
}


@dataclass(frozen=True, kw_only=True)
class Box:
    kind: bytes
    content: bytes = b""
    """Apart from the boxes in it."""
    boxes: tuple[Box, ...] = ()

    def first(self, *kinds: bytes) -> Box:
        """The first box of a kind in the first of another …, or an empty box."""
        found = self
        for kind in kinds:
            found = next((box for box in found.boxes if box.kind == kind), _NO_BOX)
        return found

    def encoded(self) -> bytes:
        content = self.content + b"".join(box.encoded() for box in self.boxes)
        return struct.pack(">I4s", 8 + len(content), self.kind) + content


_NO_BOX = Box(kind=b"")


@dataclass(frozen=True, kw_only=True)
class Picture:
    """The first video track, as far as the file tells."""

    width: int | None = None
    """Pixels, as displayed."""
    height: int | None = None
    frame_rate: float | None = None
    """Frames a second, on average."""
    codec: str = ""


class _Span(NamedTuple):
    kind: bytes
    start: int
    """Where the content starts, after the header."""
    end: int


def read_movie(file: BinaryIO) -> Box | None:
    """The movie box with what describes the film, of some megabytes at most; ``None`` of a file without one."""
    whole = _Span(b"", 0, file.seek(0, os.SEEK_END))
    return next((_read(file, span, _MOVIE) for span in _spans(file, whole) if span.kind == b"moov"), None)


def picture(movie: Box) -> Picture | None:
    """The picture of a film, or ``None`` where it has no video track."""
    for track in movie.boxes:
        media = track.first(b"mdia")
        if media.first(b"hdlr").content[8:12] == b"vide":
            tables = media.first(b"minf", b"stbl")
            width, height = _size(track.first(b"tkhd").content)
            return Picture(
                width=width,
                height=height,
                frame_rate=_frame_rate(media.first(b"mdhd").content, tables.first(b"stts").content),
                codec=_codec(tables.first(b"stsd").content[12:16]),
            )
    return None


def _read(file: BinaryIO, span: _Span, wanted: Wanted) -> Box:
    if not wanted:
        return Box(kind=span.kind, content=_content(file, span, MAX_BOX_BYTES))
    prefix = _content(file, span, _FULL_CONTAINERS.get(span.kind, 0))
    return Box(kind=span.kind, content=prefix, boxes=tuple(_taken(file, span, len(prefix), wanted)))


def _taken(file: BinaryIO, parent: _Span, prefix: int, wanted: Wanted) -> Iterator[Box]:
    """What is wanted of the boxes in ``parent``: tracks, and the first one of any other kind.

    It stops once it has all, which comes before the large tables.
    """
    left = Counter({kind: MAX_TRACKS if kind == b"trak" else 1 for kind in wanted})
    for span in _spans(file, parent._replace(start=parent.start + prefix)):
        if left[span.kind]:
            left[span.kind] -= 1
            yield _read(file, span, wanted[span.kind])
        if not left.total():
            return


def _spans(file: BinaryIO, parent: _Span) -> Iterator[_Span]:
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
        yield _Span(kind, content, min(position + size, parent.end))
        position += size


def _content(file: BinaryIO, span: _Span, limit: int) -> bytes:
    file.seek(span.start)
    return file.read(max(0, min(limit, span.end - span.start)))


def _size(track_header: bytes) -> tuple[int, int] | tuple[None, None]:
    offset = _MATRIX_OFFSET + _shift(track_header, _TRACK_HEADER_SHIFT)
    if len(track_header) < offset + _MATRIX_AND_SIZE.size:
        return None, None
    *matrix, width, height = _MATRIX_AND_SIZE.unpack_from(track_header, offset)
    # 16.16 fixed point.
    size = (width >> 16, height >> 16)
    if 0 in size:
        return None, None
    quarter_turn = matrix[0] == matrix[4] == 0
    return size[::-1] if quarter_turn else size


def _frame_rate(media_header: bytes, times: bytes) -> float | None:
    """Of the runs of equally long frames in ``times`` (8.6.1.2)."""
    offset = _TIME_SCALE_OFFSET + _shift(media_header, _MEDIA_HEADER_SHIFT)
    if len(media_header) < offset + _INTEGER.size:
        return None
    (units_per_second,) = _INTEGER.unpack_from(media_header, offset)
    runs = list(_RUN_OF_FRAMES.iter_unpack(times[8 : len(times) // 8 * 8]))
    frames = sum(count for count, _ in runs)
    units = sum(count * length for count, length in runs)
    rate = frames * units_per_second / units if units else 0
    return round(rate, 3) if 0 < rate <= MAX_FRAME_RATE else None


def _codec(sample_entry: bytes) -> str:
    return _CODECS.get(sample_entry) or clean_text(sample_entry)


def _shift(full_box: bytes, shift: int) -> int:
    """By how much 64-bit times move what follows them."""
    return shift if full_box[:1] == b"\x01" else 0
