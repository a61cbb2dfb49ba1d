"""Read the picture's properties from the movie box of MP4 and QuickTime files (ISO/IEC 14496-12).

The movie box of a long film holds megabytes of tables. Only the boxes that describe the film are copied from it, and
mutagen gets nothing else to parse.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

from ..containers.isobmff import Box, Wanted, find_box
from .base import clean_text

MAX_TRACKS = 32
MAX_FRAME_RATE = 1000

_ALL = Wanted()
_TABLES = Wanted(boxes={b"stsd": _ALL, b"stts": _ALL})
_MEDIA = Wanted(boxes={b"mdhd": _ALL, b"hdlr": _ALL, b"minf": Wanted(boxes={b"stbl": _TABLES})})
# Only the tags that the extractor reports; cover pictures are not read.
_TAGS = Wanted(
    boxes=dict.fromkeys((b"\xa9nam", b"\xa9ART", b"\xa9alb", b"\xa9day", b"\xa9gen", b"gnre", b"trkn"), _ALL)
)
_MOVIE = Wanted(
    boxes={
        b"mvhd": _ALL,
        b"trak": Wanted(boxes={b"tkhd": _ALL, b"mdia": _MEDIA}, at_most=MAX_TRACKS),
        # 8.11.1: a meta box has a version and flags before its boxes.
        b"udta": Wanted(boxes={b"meta": Wanted(boxes={b"ilst": _TAGS}, prefix=4)}),
    }
)

# 8.3.2: the matrix and the size in a track header of version 0. Version 1 has three 64-bit times before them.
_MATRIX_OFFSET = 40
_MATRIX_AND_SIZE = struct.Struct(">9i2I")
_TRACK_HEADER_SHIFT = 12
# 8.4.2: the time scale in a media header of version 0. Version 1 has two 64-bit times before it.
_TIME_SCALE_OFFSET = 12
_MEDIA_HEADER_SHIFT = 8
_INTEGER = struct.Struct(">I")
_RUN_OF_FRAMES = struct.Struct(">2I")

# FFmpeg's names of codecs by sample entry (RFC 6381, MP4 registration authority).
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
class Picture:
    """The first video track, as far as the file describes it."""

    width: int | None = None
    """Pixels, as displayed."""
    height: int | None = None
    frame_rate: float | None = None
    """Frames per second, on average."""
    codec: str = ""


def read_movie(file: BinaryIO) -> Box | None:
    """Return the movie box with only the boxes that describe the film, a few megabytes at most, or ``None``."""
    return find_box(file, b"moov", _MOVIE)


def picture(movie: Box) -> Picture | None:
    """Return the properties of the first video track, or ``None`` if there is none."""
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
    """Return the average rate, from the runs of equally long frames in ``times`` (8.6.1.2)."""
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
    """Return how many bytes later a field lies if the times before it have 64 bits."""
    return shift if full_box[:1] == b"\x01" else 0
