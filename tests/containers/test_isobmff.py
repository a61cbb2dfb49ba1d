from __future__ import annotations

import io
import struct

import pytest

from django_largefiles.containers.isobmff import MAX_BOX_BYTES, Box, Span, Wanted, find_box, top_level


def box(kind: bytes, content: bytes = b"") -> bytes:
    return Box(kind=kind, content=content).encoded()


def large_box(kind: bytes, size: int) -> bytes:
    return struct.pack(">I4sQ", 1, kind, size)


@pytest.mark.parametrize(
    ("content", "spans"),
    [
        pytest.param(b"", [], id="empty"),
        pytest.param(box(b"free")[:7], [], id="header cut off"),
        pytest.param(box(b"ftyp", b"abc"), [Span(b"ftyp", 8, 11, 11)], id="one"),
        pytest.param(box(b"ftyp") + box(b"moov"), [Span(b"ftyp", 8, 8, 8), Span(b"moov", 16, 16, 8)], id="two"),
        pytest.param(large_box(b"mdat", 18) + b"ab", [Span(b"mdat", 16, 18, 18)], id="64-bit size"),
        pytest.param(large_box(b"mdat", 2**64 - 1), [Span(b"mdat", 16, 16, 2**64 - 1)], id="far beyond the end"),
        pytest.param(large_box(b"mdat", 15), [], id="64-bit size smaller than the header"),
        pytest.param(large_box(b"mdat", 99)[:12], [], id="64-bit size cut off"),
        pytest.param(struct.pack(">I4s", 0, b"mdat") + b"ab", [Span(b"mdat", 8, 10, 0)], id="to the end of the file"),
        pytest.param(struct.pack(">I4s", 7, b"mdat"), [], id="smaller than the header"),
    ],
)
def test_top_level(content: bytes, spans: list[Span]) -> None:
    assert list(top_level(io.BytesIO(content))) == spans


def test_number_of_boxes_is_limited() -> None:
    assert len(list(top_level(io.BytesIO(box(b"free") * 5), limit=3))) == 3


def test_boxes_are_read_as_wanted() -> None:
    inner = box(b"keep", b"1") + box(b"skip", b"2") + box(b"keep", b"3") + box(b"keep", b"4")
    wanted = Wanted(boxes={b"keep": Wanted(at_most=2)}, prefix=4)
    found = find_box(io.BytesIO(box(b"free") + box(b"meta", b"full" + inner)), b"meta", wanted)
    assert found == Box(
        kind=b"meta", content=b"full", boxes=(Box(kind=b"keep", content=b"1"), Box(kind=b"keep", content=b"3"))
    )


def test_large_box_is_read_in_part() -> None:
    found = find_box(io.BytesIO(box(b"stts", bytes(2 * MAX_BOX_BYTES))), b"stts", Wanted())
    assert found and len(found.content) == MAX_BOX_BYTES


def test_no_such_box() -> None:
    assert find_box(io.BytesIO(box(b"free")), b"moov", Wanted()) is None
