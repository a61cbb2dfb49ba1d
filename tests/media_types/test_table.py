from __future__ import annotations

import io
import json
import struct
from pathlib import Path

import pytest

from django_largefiles.media_types import sniffing, structure
from django_largefiles.media_types.families import EXTENSIONS, TYPE_OF_MARK
from django_largefiles.media_types.matching import equivalents, extension_fits, possible_types
from django_largefiles.media_types.sniffing import HEAD_LENGTH, sniff_file, sniff_head
from django_largefiles.media_types.structure import Sample
from django_largefiles.media_types.table import EQUIVALENT_TEXTS, TYPES
from tests.archives import VBA, content_types, zip_of

VENDOR = "application/vnd."
UNKNOWN = "application/octet-stream"


def package(main: str, *more: str) -> bytes:
    """An office file whose parts' names tell libmagic nothing, and whose first member is padded."""
    return zip_of(
        {"padding.txt": "x" * 5000, "[Content_Types].xml": content_types(main, *more), "part": "<a/>"}, packed=0
    )


def opendocument(kind: str) -> bytes:
    return zip_of({"padding.txt": "x" * 5000, "mimetype": f"application/{kind}"}, packed=0)


def box(kind: str, content: bytes = b"") -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind.encode()) + content


def brands(*names: str) -> bytes:
    first, *others = names
    return box("ftyp", first.encode() + bytes(4) + "".join(others).encode())


def id3(size: int) -> bytes:
    """A tag of ID3 2.3 that holds one picture."""
    content = b"APIC" + struct.pack(">IH", size, 0) + bytes([0]) + b"x" * (size - 1)
    return b"ID3\3\0\0" + bytes([len(content) >> shift & 127 for shift in (21, 14, 7, 0)]) + content


def ooxml(kind: str) -> str:
    return f"{VENDOR}openxmlformats-officedocument.{kind}"


COMMENT = b"<!-- " + b"x" * 3000 + b" -->"

OFFICE = [
    # the main part, what it is, what it is with macros
    ("wordprocessingml.document", "ms-word.document.macroenabled.12"),
    ("wordprocessingml.template", "ms-word.template.macroenabled.12"),
    ("spreadsheetml.sheet", "ms-excel.sheet.macroenabled.12"),
    ("spreadsheetml.template", "ms-excel.template.macroenabled.12"),
    ("presentationml.presentation", "ms-powerpoint.presentation.macroenabled.12"),
    ("presentationml.slideshow", "ms-powerpoint.slideshow.macroenabled.12"),
    ("presentationml.template", "ms-powerpoint.template.macroenabled.12"),
]
MACRO_ENABLED = [
    ("ms-word.document.macroEnabled.main+xml", "ms-word.document.macroenabled.12"),
    ("ms-word.template.macroEnabledTemplate.main+xml", "ms-word.template.macroenabled.12"),
    ("ms-excel.sheet.macroEnabled.main+xml", "ms-excel.sheet.macroenabled.12"),
    ("ms-excel.template.macroEnabled.main+xml", "ms-excel.template.macroenabled.12"),
    ("ms-excel.addin.macroEnabled.main+xml", "ms-excel.addin.macroenabled.12"),
    ("ms-excel.sheet.binary.macroEnabled.main", "ms-excel.sheet.binary.macroenabled.12"),
    ("ms-powerpoint.presentation.macroEnabled.main+xml", "ms-powerpoint.presentation.macroenabled.12"),
    ("ms-powerpoint.slideshow.macroEnabled.main+xml", "ms-powerpoint.slideshow.macroenabled.12"),
    ("ms-powerpoint.template.macroEnabled.main+xml", "ms-powerpoint.template.macroenabled.12"),
    ("ms-powerpoint.addin.macroEnabled.main+xml", "ms-powerpoint.addin.macroenabled.12"),
    ("ms-visio.drawing.macroEnabled.main+xml", "ms-visio.drawing.macroenabled"),
]
MIMETYPES = [
    *(
        f"vnd.oasis.opendocument.{kind}"
        for kind in (
            "text",
            "text-template",
            "spreadsheet",
            "spreadsheet-template",
            "presentation",
            "presentation-template",
            "graphics",
        )
    ),
    "epub+zip",
]
BRANDS = [
    *((brand, "video/mp4") for brand in ("isom", "iso2", "iso4", "iso5", "iso6", "mp41", "mp42", "avc1")),
    ("qt  ", "video/quicktime"),
    ("M4V ", "video/x-m4v"),
    ("M4A ", "audio/x-m4a"),
    ("3gp4", "video/3gpp"),
    ("3gp5", "video/3gpp"),
    ("3g2a", "video/3gpp2"),
    ("avif", "image/avif"),
    ("heic", "image/heic"),
    ("mif1", "image/heif"),
]

SAMPLES = [
    *((kind, package(f"{ooxml(kind)}.main+xml"), ooxml(kind)) for kind, _ in OFFICE),
    *(
        (f"{kind} with macros", package(f"{ooxml(kind)}.main+xml", VBA), f"{VENDOR}{macros}")
        for kind, macros in OFFICE
    ),
    *((main, package(f"{VENDOR}{main}"), f"{VENDOR}{kind}") for main, kind in MACRO_ENABLED),
    ("visio", package(f"{VENDOR}ms-visio.drawing.main+xml"), f"{VENDOR}ms-visio.drawing"),
    *((kind, opendocument(kind), f"application/{kind}") for kind in MIMETYPES),
    ("apk", zip_of({"a": "a", "AndroidManifest.xml": "a"}), "application/vnd.android.package-archive"),
    ("kmz", zip_of({"a": "a", "doc.kml": "a"}), "application/vnd.google-earth.kmz"),
    ("jar", zip_of({"a": "a", "META-INF/MANIFEST.MF": "a"}), "application/java-archive"),
    ("office file by its first members alone", zip_of({"word/document.xml": "a"}), "application/zip"),
    *((f"brand {brand}", brands("zzzz", "yyyy", brand), kind) for brand, kind in BRANDS),
    ("unknown brand and movie", brands("zzzz") + box("moov"), "video/mp4"),
    ("wide", box("wide") + box("mdat", bytes(99)) + box("moov"), "video/quicktime"),
    ("MP3 with a picture", id3(20_000) + b"\xff\xfb\x90\x64" + bytes(413), "audio/mpeg"),
    ("svg behind a comment", COMMENT + b"<svg/>", "image/svg+xml"),
    ("html behind a comment", b"<?xml version='1.0'?>\n<!DOCTYPE html>" + COMMENT + b"<html>", "text/html"),
    ("number", b"42", "application/json"),
    ("GIF and PHP", b"GIF89a<?php system($_GET['c']); ?>" + bytes(3000), UNKNOWN),
    ("JPEG and PHP", b"\xff\xd8\xff<?php system($_GET['c']); ?>" + bytes(3000), UNKNOWN),
    ("WebP and PHP", b"RIFF\0\0\0\0WEBP<?php system($_GET['c']); ?>" + bytes(3000), UNKNOWN),
]


def parameters(samples: list[tuple[str, bytes, str]]) -> list[object]:
    return [pytest.param(data, kind, id=name) for name, data, kind in samples]


@pytest.mark.parametrize(("data", "kind"), parameters(SAMPLES))
def test_what_libmagic_does_not_tell(data: bytes, kind: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(data)
    with (tmp_path / "file").open("rb") as file:
        assert sniff_file(file) == kind
    assert sniff_file(io.BytesIO(data)) == kind


@pytest.mark.parametrize(("data", "kind"), parameters(SAMPLES))
def test_an_early_verdict_does_not_rule_out_what_it_is(data: bytes, kind: str) -> None:
    assert kind in possible_types(sniff_head(data[:HEAD_LENGTH]))


def deciding_mark(data: bytes) -> str:
    told = sniffing._told_of(data[: sniffing._TELLING_LENGTH])
    return next(
        mark for mark in structure.marks(told, Sample(head=data, file=io.BytesIO(data))) if mark in TYPE_OF_MARK
    )


def test_each_mark_of_the_table_decides_on_one_sample() -> None:
    decided = [deciding_mark(data) for _, data, _ in SAMPLES]
    assert sorted(decided) == sorted(mark for row in TYPES for mark in row.marks)


def test_no_name_is_in_two_rows() -> None:
    names = [name for row in TYPES for name in row.names.split()]
    assert len(names) == len(set(names))


def test_each_type_with_marks_has_extensions() -> None:
    assert set(TYPE_OF_MARK.values()) - {UNKNOWN} <= EXTENSIONS.keys()


@pytest.mark.parametrize(
    ("media_type", "extension", "kind"),
    [
        pytest.param("application/json", ".txt", "text/plain", id="JSON in a .txt"),
        pytest.param("text/csv", ".log", "text/plain", id="commas in a .log"),
        pytest.param("text/x-java", "", "text/plain", id="a diary that reads like Java"),
        pytest.param("text/plain", ".csv", "text/csv", id="CSV of one line"),
        pytest.param("text/x-c", ".csv", "text/csv", id="CSV that reads like C"),
        pytest.param("text/plain", ".tsv", "text/tab-separated-values", id="TSV of one line"),
        pytest.param("text/plain", ".md", "text/markdown", id="Markdown"),
        pytest.param("text/plain", ".vtt", "text/vtt", id="subtitles"),
        pytest.param("text/plain", ".srt", "application/x-subrip", id="other subtitles"),
        pytest.param("text/csv", ".tsv", "text/tab-separated-values", id="TSV with commas"),
        pytest.param("text/tab-separated-values", ".csv", "text/csv", id="CSV with tabs"),
    ],
)
def test_what_a_text_may_count_as(media_type: str, extension: str, kind: str) -> None:
    assert kind in equivalents(media_type, extension)[1:]
    assert equivalents(media_type, extension)[0] == media_type
    assert extension_fits(extension, kind)
    assert kind in possible_types(media_type)


@pytest.mark.parametrize(
    ("media_type", "extension"),
    [
        ("image/svg+xml", ".txt"),
        ("text/html", ".csv"),
        ("text/javascript", ".txt"),
        ("text/x-php", ".md"),
        ("application/octet-stream", ".csv"),
        ("text/plain", ".json"),
        ("text/plain", ".txt"),
        ("image/png", ".csv"),
    ],
)
def test_what_counts_as_nothing_else(media_type: str, extension: str) -> None:
    assert equivalents(media_type, extension) == (media_type,)


def test_no_text_counts_as_what_may_be_run_or_rendered() -> None:
    texts = {shown for row in EQUIVALENT_TEXTS for shown in row.shown}
    suffixes = (".html", ".svg", ".js", ".php", ".xml", ".csv", "")
    counted = {kind for told in texts for suffix in suffixes for kind in equivalents(told, suffix)}
    assert not counted & {"text/html", "image/svg+xml", "text/javascript", "text/x-php", "text/xml"}


@pytest.mark.parametrize("value", ["text", True, None, 4.5, -1, ""])
def test_every_value_of_json_is_json(value: object) -> None:
    assert sniff_file(io.BytesIO(f" {json.dumps(value)}\n".encode())) == "application/json"
