from __future__ import annotations

import io
import struct
from collections.abc import Sequence

import pytest

from django_largefiles.extractors.isobmff import MAX_BOXES, MAX_TRACKS, picture_size

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


def track(tkhd: bytes, handler: bytes = b"vide") -> bytes:
    return box(b"trak", tkhd, box(b"mdia", box(b"hdlr", bytes(8), handler)))


VIDEO = track(header(64, 48))


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
        pytest.param(box(b"moov", track(header(0, 48))), None, id="no width"),
        pytest.param(box(b"moov", track(box(b"tkhd", bytes(30)))), None, id="short track header"),
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
def test_picture_size(content: bytes, size: tuple[int, int] | None) -> None:
    assert picture_size(io.BytesIO(content)) == size
