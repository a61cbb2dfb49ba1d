from __future__ import annotations

import io
import struct

import pytest

from django_largefiles.media_types import structure
from django_largefiles.media_types.structure import MAX_BOXES, MAX_VALUE, Sample, corrected
from tests.archives import DOCX, ODF, content_types, docx, odf, ooxml, overlapping_zip, zip_of
from tests.conftest import png

ZIP, UNKNOWN = "application/zip", "application/octet-stream"
GIF = b"GIF89a\1\0\1\0"


def told(kind: str, data: bytes, *, head: int | None = None) -> str:
    """The type of ``data``, that libmagic calls ``kind``, by its first ``head`` bytes and the rest in the file."""
    return corrected(kind, Sample(head=data[:head], file=io.BytesIO(data)))


def by_head(kind: str, data: bytes) -> str:
    return corrected(kind, Sample(head=data))


def box(kind: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


@pytest.mark.parametrize("kind", ["image/png", "application/pdf", "text/html", "x/y", "application/x-empty"])
def test_of_other_types_libmagic_has_the_last_word(kind: str) -> None:
    assert told(kind, png()) == kind


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(docx()[:-30], id="cut off"),
        pytest.param(
            zip_of([("a", "1"), *[("[Content_Types].xml", content_types(f"{DOCX}.main+xml"))] * 2]), id="twice"
        ),
        pytest.param(zip_of({"mimetype": f"{ODF}text", "[Content_Types].xml": content_types()}), id="two families"),
        pytest.param(ooxml(f"{DOCX}.main+xml", f"{ODF}.main+xml"), id="two main parts"),
        pytest.param(zip_of({"mimetype": f"{ODF}text" + " " * 300}), id="long mimetype"),
        pytest.param(zip_of({"mimetype": b"\xff\xfe"}), id="mimetype that is no text"),
        pytest.param(overlapping_zip(), id="bomb"),
        pytest.param(zip_of({}), id="empty"),
    ],
)
@pytest.mark.parametrize("kind", [ZIP, DOCX, f"{ODF}text", f"{ODF}formula", "application/vnd.sun.xml.writer"])
def test_what_is_no_office_file_for_certain_is_none(data: bytes, kind: str) -> None:
    assert told(kind, data) == (kind if kind.endswith("writer") and data == zip_of({}) else ZIP)


@pytest.mark.parametrize(("name", "limit"), [("MAX_MEMBERS", 2), ("MAX_DIRECTORY", 100)])
def test_a_large_directory_is_of_no_office_file(name: str, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(structure, name, limit)
    assert told(DOCX, docx()) == ZIP


def test_the_head_of_a_zip_does_not_tell() -> None:
    assert by_head(DOCX, docx()) == DOCX
    assert by_head("application/vnd.sun.xml.writer", docx()) == ZIP


def test_an_office_file_within_a_prefix_of_libmagic_s_own_is_told_by_its_directory() -> None:
    assert told("application/vnd.openxmlformats-officedocument", docx()) == DOCX
    assert told(ZIP, odf("text")) == f"{ODF}text"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(box(b"ftyp", b"zzzz\0\0\0\0") + box(b"abcd"), UNKNOWN, id="unknown brand and box"),
        pytest.param(box(b"ftyp", b"zzzz\0\0\0\0"), UNKNOWN, id="unknown brand and nothing"),
        pytest.param(box(b"ftyp", b"mp42"), UNKNOWN, id="too short"),
        pytest.param(box(b"ftyp", b"mp42" * 200), UNKNOWN, id="too long"),
        pytest.param(box(b"ftyp", b"zzzzmp42"), UNKNOWN, id="the version is no brand"),
        pytest.param(box(b"ftyp", b"mp42\0\0\0\0qt  "), "video/mp4", id="the first that is known"),
        pytest.param(box(b"wide") + box(b"mdat", bytes(9)), UNKNOWN, id="no movie"),
        pytest.param(box(b"free", bytes(99)) + box(b"moov"), "video/quicktime", id="free"),
        pytest.param(
            box(b"wide") + struct.pack(">I4sQ", 1, b"mdat", 116) + bytes(100) + box(b"moov"),
            "video/quicktime",
            id="64 bits",
        ),
        pytest.param(box(b"wide") + struct.pack(">I4s", 0, b"mdat") + bytes(99), UNKNOWN, id="to the end"),
        pytest.param(box(b"wide") + struct.pack(">I4s", 1, b"mdat"), UNKNOWN, id="64 bits cut off"),
        pytest.param(box(b"skip") * MAX_BOXES + box(b"moov"), UNKNOWN, id="too many boxes"),
        pytest.param(b"", UNKNOWN, id="nothing"),
        pytest.param(box(b"wide") + struct.pack(">I4sQ", 1, b"mdat", 2**64 - 1) + bytes(99), UNKNOWN, id="far beyond"),
    ],
)
def test_boxes(data: bytes, expected: str) -> None:
    assert told(UNKNOWN, data) == expected


def test_the_movie_may_lie_behind_the_head() -> None:
    data = box(b"wide") + box(b"mdat", bytes(100_000)) + box(b"moov")
    assert by_head(UNKNOWN, data[:2048]) == "video/quicktime"
    assert told(UNKNOWN, data, head=2048) == "video/quicktime"


FRAME = b"\xff\xfb\x90\x64"


@pytest.mark.parametrize(
    ("behind", "flags", "expected"),
    [
        pytest.param(FRAME, 0, "audio/mpeg", id="frame"),
        pytest.param(bytes(1000) + FRAME, 0, "audio/mpeg", id="padding"),
        pytest.param(b"3DI\4\0\0\0\0\0\0" + FRAME, 0x10, "audio/mpeg", id="footer"),
        pytest.param(b"\xff\xf2\x10", 0, "audio/mpeg", id="MPEG 2"),
        pytest.param(b"\xff\xf1\x50\x80", 0, UNKNOWN, id="AAC"),
        pytest.param(b"\xff\xeb\x90", 0, UNKNOWN, id="reserved version"),
        pytest.param(b"\xff\xfb\xf0", 0, UNKNOWN, id="reserved bit rate"),
        pytest.param(b"\xff\xfb\x9c", 0, UNKNOWN, id="reserved sample rate"),
        pytest.param(b"MZ\x90", 0, UNKNOWN, id="another file"),
        pytest.param(b"\xff\x1b\x90", 0, UNKNOWN, id="no frame"),
        pytest.param(b"\xff\xfb", 0, UNKNOWN, id="cut off"),
        pytest.param(b"", 0, UNKNOWN, id="nothing"),
    ],
)
def test_what_lies_behind_a_tag_of_id3(behind: bytes, flags: int, expected: str) -> None:
    data = b"ID3\4\0" + bytes([flags, 0, 0, 2, 10]) + b"x" * 266 + behind
    assert told(UNKNOWN, data) == expected
    assert told(UNKNOWN, data, head=100) == expected
    assert by_head(UNKNOWN, data[:100]) == "audio/mpeg"


def test_a_tag_within_the_head_hides_nothing() -> None:
    assert by_head(UNKNOWN, b"ID3\4\0\0\0\0\0\1xMZ\x90\0") == UNKNOWN


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(b"<svg/>", "image/svg+xml", id="svg"),
        pytest.param(b"\xef\xbb\xbf\n <SVG>", "image/svg+xml", id="byte order mark"),
        pytest.param(b"<s:svg xmlns:s='urn:s'/>", "image/svg+xml", id="with a prefix"),
        pytest.param(b"<!DOCTYPE svg [<!ENTITY a '>'> ]>\n<svg/>", "image/svg+xml", id="internal subset"),
        pytest.param(b"<?a ?><!-- <html> --><svg/>", "image/svg+xml", id="another in a comment"),
        pytest.param(b"<svgx/>", "text/plain", id="longer name"),
        pytest.param(b"see <svg/>", "text/plain", id="text in front"),
        pytest.param(b"<!-- <svg/>", "text/plain", id="open comment"),
        pytest.param(b"<!-- never closed " * 100_000, "text/plain", id="open comments"),
        pytest.param(b"<?a?>" * 200_000, "text/plain", id="instructions"),
        pytest.param(b"NaN", "text/plain", id="not a number"),
        pytest.param(b"hello, world\n", "text/plain", id="words"),
        pytest.param(b'"a" "b"', "text/plain", id="two values"),
        pytest.param(b"9" * (MAX_VALUE + 1), "text/plain", id="long number"),
        pytest.param(b"[1", "text/plain", id="open list"),
        pytest.param(b"[" * MAX_VALUE, "text/plain", id="open lists"),
        pytest.param(b"[1]", "text/plain", id="libmagic's own"),
        pytest.param(b"42\xff", "text/plain", id="not utf-8"),
    ],
)
def test_texts(data: bytes, expected: str) -> None:
    assert told("text/plain", data) == expected


def test_one_value_must_be_all_there_is() -> None:
    assert told("text/plain", b"42 and more", head=2) == "text/plain"
    assert by_head("text/plain", b"42") == "text/plain"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(GIF + b"\0\0\0,", "image/gif", id="image"),
        pytest.param(GIF + b"\0\0\0!\xf9", "image/gif", id="extension"),
        pytest.param(GIF + b"\0\0\0;", "image/gif", id="end"),
        pytest.param(GIF + b"\x81\0\0" + bytes(12) + b",", "image/gif", id="four colours"),
        pytest.param(GIF + b"\x87\0\0" + bytes(768) + b"!\xfe", "image/gif", id="all colours"),
        pytest.param(GIF + b"\x87\0\0" + bytes(768) + b"!x", UNKNOWN, id="unknown extension"),
        pytest.param(GIF + b"\0\0\0x", UNKNOWN, id="unknown block"),
        pytest.param(b"GIF89a", UNKNOWN, id="no more than the signature"),
    ],
)
def test_gif(data: bytes, expected: str) -> None:
    assert told("image/gif", data) == expected


def test_the_head_of_a_gif_may_end_in_its_colours() -> None:
    assert by_head("image/gif", GIF + b"\x87\0\0" + bytes(100)) == "image/gif"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg"),
        (b"\xff\xd8\xff\xff\xdb\0", "image/jpeg"),
        (b"\xff\xd8\xff\xe0\0\1", UNKNOWN),
        (b"\xff\xd8\xff<?php", UNKNOWN),
        (b"\xff\xd8\xff", UNKNOWN),
    ],
    ids=["jfif", "fill byte", "no length", "php", "cut off"],
)
def test_jpeg(data: bytes, expected: str) -> None:
    assert told("image/jpeg", data) == expected


@pytest.mark.parametrize("chunk", [b"VP8 ", b"VP8L", b"VP8X"])
def test_webp(chunk: bytes) -> None:
    assert told("image/webp", b"RIFF\0\0\0\0WEBP" + chunk) == "image/webp"
