from __future__ import annotations

import io
import struct
from collections.abc import Sequence

import pytest

from django_largefiles.containers.isobmff import MAX_BOX_BYTES, MAX_BOXES, Box
from django_largefiles.extractors.movie import MAX_TRACKS, picture, read_movie

UPRIGHT = (1, 0, 0, 0, 1, 0, 0, 0, 1)
QUARTER_TURN = (0, 1, 0, -1, 0, 0, 0, 0, 1)


def box(kind: bytes, *content: bytes) -> bytes:
    joined = b"".join(content)
    return struct.pack(">I4s", 8 + len(joined), kind) + joined


def large_box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4sQ", 1, kind, 16 + len(content)) + content


def header(width: int, height: int, matrix: Sequence[int] = UPRIGHT, version: int = 0) -> bytes:
    times = bytes(52 if version else 40)[1:]
    return box(b"tkhd", bytes([version]), times, struct.pack(">9i2I", *matrix, width << 16, height << 16))


def track(tkhd: bytes, handler: bytes = b"vide", *media: bytes) -> bytes:
    return box(b"trak", tkhd, box(b"mdia", box(b"hdlr", bytes(8), handler), *media))


def time_scale(units_per_second: int, version: int = 0) -> bytes:
    times = bytes(20 if version else 12)[1:]
    return box(b"mdhd", bytes([version]), times, struct.pack(">I", units_per_second), bytes(8))


def tables(*, runs: Sequence[tuple[int, int]] = (), sample_entry: bytes = b"avc1") -> bytes:
    times = b"".join(struct.pack(">2I", *run) for run in runs)
    stts = box(b"stts", bytes(4), struct.pack(">I", len(runs)), times)
    stsd = box(b"stsd", bytes(4), struct.pack(">I", 1), box(sample_entry, bytes(70)))
    return box(b"minf", box(b"stbl", stsd, stts))


def film(*media: bytes) -> io.BytesIO:
    return io.BytesIO(box(b"moov", track(header(64, 48), b"vide", *media)))


def size_of(content: bytes) -> tuple[int | None, int | None] | None:
    movie = read_movie(io.BytesIO(content))
    shown = movie and picture(movie)
    return (shown.width, shown.height) if shown else None


class Recording(io.BytesIO):
    """Remembers where it was read."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.positions: list[int] = []

    def read(self, size: int | None = -1, /) -> bytes:
        self.positions.append(self.tell())
        return super().read(size)


VIDEO = track(header(64, 48))
UNSIZED = (None, None)


@pytest.mark.parametrize(
    ("content", "size"),
    [
        pytest.param(box(b"ftyp") + box(b"moov", VIDEO), (64, 48), id="first track"),
        pytest.param(box(b"moov", track(header(0, 0), b"soun"), VIDEO), (64, 48), id="after the sound"),
        pytest.param(box(b"moov", track(header(9, 9), b"sbtl"), VIDEO), (64, 48), id="subtitles have a size too"),
        pytest.param(box(b"moov", track(header(64, 48, QUARTER_TURN))), (48, 64), id="quarter turn"),
        pytest.param(box(b"moov", track(header(64, 48, version=1))), (64, 48), id="64-bit times"),
        pytest.param(large_box(b"mdat", bytes(99)) + box(b"moov", VIDEO), (64, 48), id="64-bit size"),
        pytest.param(struct.pack(">I4s", 0, b"moov") + VIDEO, (64, 48), id="to the end of the file"),
        pytest.param(struct.pack(">I4s", 2**31, b"moov") + VIDEO, (64, 48), id="beyond the end of the file"),
        pytest.param(box(b"moov", track(header(0, 48))), UNSIZED, id="no width"),
        pytest.param(box(b"moov", track(box(b"tkhd", bytes(30)))), UNSIZED, id="short track header"),
        pytest.param(box(b"moov", box(b"trak")), None, id="empty track"),
        pytest.param(box(b"moov", box(b"trak", header(64, 48))), None, id="no media"),
        pytest.param(box(b"moov", box(b"trak", header(64, 48), box(b"mdia"))), None, id="no handler"),
        pytest.param(box(b"moov"), None, id="no track"),
        pytest.param(box(b"ftyp"), None, id="no movie"),
        pytest.param(b"", None, id="empty"),
        pytest.param(struct.pack(">I4s", 1, b"moov"), None, id="64-bit size is cut off"),
        pytest.param(struct.pack(">I4s", 4, b"free") + box(b"moov", VIDEO), None, id="smaller than its header"),
        pytest.param(box(b"free") * MAX_BOXES + box(b"moov", VIDEO), None, id="too many boxes"),
        pytest.param(box(b"moov", box(b"trak") * MAX_TRACKS + VIDEO), None, id="too many tracks"),
    ],
)
def test_size_of_the_picture(content: bytes, size: tuple[int, int] | None) -> None:
    assert size_of(content) == size


@pytest.mark.parametrize(
    ("media", "rate"),
    [
        pytest.param([time_scale(12800), tables(runs=[(500, 512)])], 25, id="constant"),
        pytest.param([time_scale(30000, version=1), tables(runs=[(300, 1001)])], 29.97, id="64-bit times"),
        pytest.param([time_scale(1000), tables(runs=[(10, 20), (10, 60)])], 25, id="average of a varying one"),
        pytest.param([time_scale(1000), tables()], None, id="no frames: in fragments"),
        pytest.param([time_scale(1000), tables(runs=[(10, 0)])], None, id="frames that take no time"),
        pytest.param([time_scale(2**31), tables(runs=[(10, 1)])], None, id="absurd"),
        pytest.param([time_scale(0), tables(runs=[(10, 1)])], None, id="no time scale"),
        pytest.param([box(b"mdhd", bytes(9)), tables(runs=[(10, 1)])], None, id="short media header"),
        pytest.param([tables(runs=[(10, 1)])], None, id="no media header"),
    ],
)
def test_frame_rate(media: list[bytes], rate: float | None) -> None:
    movie = read_movie(film(*media))
    shown = movie and picture(movie)
    assert shown and shown.frame_rate == rate


@pytest.mark.parametrize(
    ("sample_entry", "codec"),
    [(b"avc1", "h264"), (b"hvc1", "hevc"), (b"xyz1", "xyz1"), (b"\0\x1b[\xff", "[\ufffd"), (b"    ", "")],
)
def test_codec(sample_entry: bytes, codec: str) -> None:
    movie = read_movie(film(tables(sample_entry=sample_entry)))
    shown = movie and picture(movie)
    assert shown and shown.codec == codec


def test_large_table_is_taken_in_part() -> None:
    movie = read_movie(film(time_scale(1000), tables(runs=[(1, 40)] * 100_000)))
    shown = movie and picture(movie)
    assert shown and shown.frame_rate == 25
    assert movie and len(movie.encoded()) < 2 * MAX_BOX_BYTES


def test_reading_stops_before_the_large_tables() -> None:
    large = box(b"stsz", bytes(100_000))
    minf = box(b"minf", box(b"stbl", box(b"stsd"), box(b"stts"), large, box(b"stco")), box(b"free"))
    media = box(b"mdia", box(b"mdhd"), box(b"hdlr"), minf, box(b"free"))
    movie = box(b"moov", box(b"mvhd"), box(b"trak", box(b"tkhd"), media, box(b"free")), box(b"udta"))
    file = Recording(movie)
    assert read_movie(file)
    start, end = movie.index(large), movie.index(box(b"udta"))
    # A box's header is read with what may be its 64-bit size.
    assert not [position for position in file.positions if start < position < end]


def test_cover_is_not_read() -> None:
    tags = box(b"ilst", box(b"covr", bytes(100_000)), box(b"\xa9nam", b"Nocturne"))
    movie = read_movie(io.BytesIO(box(b"moov", box(b"udta", box(b"meta", bytes(4), tags)))))
    assert movie and movie.encoded() == box(
        b"moov", box(b"udta", box(b"meta", bytes(4), box(b"ilst", box(b"\xa9nam", b"Nocturne"))))
    )


def test_boxes_nested_in_themselves_are_not_followed() -> None:
    nested = b""
    for _ in range(10_000):
        nested = box(b"moov", nested)
    assert read_movie(io.BytesIO(nested)) == Box(kind=b"moov")
