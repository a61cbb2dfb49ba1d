"""Files that are not what they seem, from their arrival to the verdict."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from PIL import Image

from django_largefiles.conf import get_profile
from django_largefiles.doors.ingest import ingest
from django_largefiles.exceptions import Refusal, WrongContent
from django_largefiles.media_types.sniffing import HEAD_LENGTH, sniff_file, sniff_head
from django_largefiles.models import FileAsset
from django_largefiles.options import ExtractionLimits
from django_largefiles.pipeline.processing import process
from django_largefiles.rules import check_head, check_type
from django_largefiles.sandbox.runner import run
from django_largefiles.states import Reason, State
from tests import archives
from tests.archives import (
    DOCX,
    ODF,
    PPTX,
    XLSX,
    content_types,
    docm,
    docx,
    encrypted_zip,
    odf,
    ooxml,
    overlapping_zip,
    pptx,
    tar_of,
    xlsx,
    zip_link,
    zip_of,
)
from tests.conftest import EXECUTABLE, Largefiles, png

MIB = 1024 * 1024
PE = (
    b"MZ"
    + bytes(58)
    + b"\x80\0\0\0"
    + bytes(64)
    + b"PE\0\0\x64\x86\1\0"
    + bytes(12)
    + b"\xf0\0\x22\0\x0b\2"
    + bytes(300)
)
ODP = f"{ODF}presentation"
GIF = b"GIF89a\1\0\1\0\0\0\0;"
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
ARCHIVES = ["application/zip", "application/x-tar", "application/gzip", "application/x-7z-compressed"]

needs_database = pytest.mark.django_db(transaction=True)


def docx_with(name: str, content: str | bytes) -> bytes:
    return ooxml(f"{DOCX}.main+xml", parts={name: content})


def padded_docx(padding: int) -> bytes:
    members = {"padding.bin": bytes(padding), "[Content_Types].xml": content_types(f"{DOCX}.main+xml")}
    return zip_of(members, packed=zipfile.ZIP_STORED)


def verdict(data: bytes, name: str, owner: User) -> tuple[str, str]:
    """The state and the reason of a file after a worker has seen it, or of its refusal on arrival."""
    try:
        asset = ingest(BytesIO(data), name=name, owner=owner)
    except Refusal as refusal:
        return "refused", refusal.code
    process(asset.pk)
    asset.refresh_from_db()
    return asset.state, asset.reason


@needs_database
@pytest.mark.parametrize("data", [PE, EXECUTABLE], ids=["pe", "elf"])
@pytest.mark.parametrize("allowed", [["image/*"], ["*/*"]], ids=["images", "everything"])
def test_15_an_executable_as_a_picture_is_refused(
    data: bytes, allowed: list[str], owner: User, largefiles: Largefiles
) -> None:
    largefiles.set(ALLOWED_MIME_TYPES=allowed)
    assert verdict(data, "a.png", owner)[0] == "refused"
    assert not FileAsset.objects.exists()


POLYGLOTS = [
    pytest.param(
        b"GIF89a<?php system($_GET['c']); ?>" + bytes(3000), "image/gif", ".gif", None, id="GIF by signature alone"
    ),
    pytest.param(GIF + b"<?php system($_GET['c']); ?>", "image/gif", ".gif", "image/gif", id="GIF and PHP"),
    pytest.param(PDF + zip_of({"a.txt": "hi"}), "application/pdf", ".pdf", "application/pdf", id="PDF and ZIP"),
    pytest.param(GIF + zip_of({"a.txt": "hi"}), "image/gif", ".gif", "image/gif", id="GIF and ZIP"),
    pytest.param(png() + docm(), "image/png", ".png", "image/png", id="PNG and document"),
]


@pytest.mark.parametrize(("data", "allowed", "extension", "found"), POLYGLOTS)
@pytest.mark.parametrize("other", [".php", ".zip", ".docm", ".jar", ".html"])
def test_16_a_polyglot_is_judged_as_what_is_declared_and_allowed(
    data: bytes, allowed: str, extension: str, found: str | None, other: str, largefiles: Largefiles
) -> None:
    largefiles.set(ALLOWED_MIME_TYPES=[allowed, "application/zip", "text/x-php"])
    rules, media_type = get_profile("default"), sniff_file(BytesIO(data))
    if found:
        assert check_type(media_type, f"a{extension}", rules) == found
    else:
        with pytest.raises(WrongContent):
            check_type(media_type, f"a{extension}", rules)
    with pytest.raises(WrongContent):
        check_type(media_type, f"a{other}", rules)


@pytest.mark.parametrize(
    "data",
    [
        docm(),
        ooxml(f"{DOCX}.main+xml", archives.VBA),
        ooxml(f"{DOCX}.main+xml", parts={"word/document.xml": "a", "word/vbaProject.bin": "b"}),
        ooxml(f"{DOCX}.main+xml", parts={"_rels/part0.rels": archives.relationships(vbaProject="word/a.bin")}),
        ooxml("application/vnd.ms-excel.sheet.macroEnabled.main+xml"),
        ooxml("application/vnd.ms-powerpoint.presentation.macroEnabled.main+xml"),
    ],
    ids=["docm", "macros by type", "macros by name", "macros by relationship", "xlsm", "pptm"],
)
@needs_database
def test_17_a_macro_enabled_office_file_as_one_without_is_refused(
    data: bytes, owner: User, largefiles: Largefiles
) -> None:
    largefiles.set(ALLOWED_MIME_TYPES=[DOCX, XLSX, PPTX])
    assert {verdict(data, f"a.{suffix}", owner)[1] for suffix in ("docx", "xlsx", "pptx")} <= {
        "type_not_allowed",
        "type_mismatch",
    }


PADDED = [
    pytest.param(docx(padding=3 * HEAD_LENGTH), id="beyond the head"),
    pytest.param(docx(padding=500_000), id="beyond the first read"),
    pytest.param(padded_docx(2 * MIB), id="beyond all that libmagic reads of a remote file"),
]


@pytest.mark.parametrize("data", PADDED)
@pytest.mark.parametrize("remote", [True, False], ids=["remote", "local"])
def test_18_a_padded_first_member_hides_no_office_file(data: bytes, remote: bool, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(data)
    with BytesIO(data) if remote else (tmp_path / "file").open("rb") as file:
        assert sniff_file(file) == DOCX


@needs_database
def test_18_an_office_file_with_a_padded_first_member_is_taken(owner: User, largefiles: Largefiles) -> None:
    largefiles.set(ALLOWED_MIME_TYPES=[DOCX])
    asset = ingest(BytesIO(docx(padding=3 * HEAD_LENGTH)), name="a.docx", owner=owner)
    process(asset.pk)
    asset.refresh_from_db()
    assert (asset.state, asset.media_type, asset.title, asset.page_count) == (State.READY, DOCX, "Annual report", 12)


HOSTILE = [
    pytest.param("a.zip", zip_of({"b.zip": zip_of({"a": bytes(MIB)})}), id="nested bomb"),
    pytest.param("a.zip", zip_of({"a": bytes(20 * MIB)}), id="bomb"),
    pytest.param("a.zip", overlapping_zip(5), id="overlapping members"),
    pytest.param("a.zip", zip_link("a", "/etc/passwd"), id="symlink"),
    pytest.param("a.zip", zip_of({"../a": "a"}), id="traversal"),
    pytest.param("a.zip", zip_of({"/etc/passwd": "a"}), id="absolute"),
    pytest.param("a.zip", zip_of({"..\\a": "a"}), id="backslash"),
    pytest.param("a.zip", zip_of({"C:a": "a"}), id="drive letter"),
    pytest.param("a.zip", encrypted_zip(), id="encrypted"),
    pytest.param("a.zip", zip_of({str(number): "" for number in range(10_001)}), id="too many members"),
    pytest.param("a.zip", zip_of({"a": "a"})[:-1], id="cut off"),
    pytest.param("a.tar", tar_of({"../a": "a"}), id="tar with traversal"),
    pytest.param("a.tar", tar_of({}, links={"a": "/etc/passwd"}), id="tar with a symlink"),
    pytest.param("a.tar", tar_of({"a": "a"})[:1024], id="tar cut off"),
    pytest.param("a.tgz", gzip.compress(tar_of({"b.tar.gz": "a"})), id="compressed tar with a nested one"),
    pytest.param("a.gz", gzip.compress(bytes(20 * MIB)), id="gzip bomb"),
    pytest.param("a.gz", gzip.compress(gzip.compress(b"a")), id="gzip in gzip"),
    pytest.param("a.7z", b"7z\xbc\xaf\x27\x1c\0\4" + bytes(100), id="one that nothing reads"),
]


@needs_database
@pytest.mark.parametrize(("name", "data"), HOSTILE)
def test_23_a_hostile_archive_is_refused(name: str, data: bytes, owner: User, largefiles: Largefiles) -> None:
    largefiles.set(ALLOWED_MIME_TYPES=ARCHIVES)
    assert verdict(data, name, owner) == (State.REJECTED, Reason.ARCHIVE_REFUSED)


@needs_database
def test_23_the_refusal_names_the_limit_and_the_value(owner: User, largefiles: Largefiles) -> None:
    largefiles.set(ALLOWED_MIME_TYPES=ARCHIVES, ARCHIVE_LIMITS={"ENTRIES": 2})
    verdict(zip_of({"a": "", "b": "", "c": ""}), "a.zip", owner)
    assert FileAsset.objects.get().detail == "members: 3, of 2 allowed"


@needs_database
@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.zip", zip_of({"a.txt": "hello", "b/c.txt": "world"})),
        ("a.tar", tar_of({"a.txt": "hello"})),
        ("a.tar.gz", gzip.compress(tar_of({"a.txt": "hello"}))),
        ("a.gz", gzip.compress(b"hello")),
    ],
    ids=["zip", "tar", "tar.gz", "gzip"],
)
def test_an_honest_archive_becomes_ready(name: str, data: bytes, owner: User, largefiles: Largefiles) -> None:
    largefiles.set(ALLOWED_MIME_TYPES=ARCHIVES)
    assert verdict(data, name, owner) == (State.READY, "")
    assert FileAsset.objects.get().extra_attributes["archive"]["complete"] is True


@needs_database
@pytest.mark.parametrize(
    "data",
    [
        docx_with("word/document.xml", bytes(20 * MIB)),
        docx_with("../a", "a"),
        docx_with("word/a.zip", "a"),
    ],
    ids=["bomb", "traversal", "nested"],
)
def test_the_limits_of_archives_hold_for_office_files(data: bytes, owner: User, largefiles: Largefiles) -> None:
    largefiles.set(ALLOWED_MIME_TYPES=[DOCX])
    assert verdict(data, "a.docx", owner) == (State.REJECTED, Reason.ARCHIVE_REFUSED)


@needs_database
@pytest.mark.parametrize("extractor", [None, "tests.example_extractors.Failing"], ids=["none", "failing"])
def test_an_archive_that_no_extractor_could_read_is_refused_unless_that_is_allowed(
    extractor: str | None, owner: User, largefiles: Largefiles
) -> None:
    largefiles.set(ALLOWED_MIME_TYPES=ARCHIVES, EXTRACTORS={"application/zip": extractor})
    assert verdict(zip_of({"a": "a"}), "a.zip", owner) == (State.REJECTED, Reason.ARCHIVE_REFUSED)
    largefiles.set(ARCHIVE_LIMITS={"UNREADABLE": True})
    assert verdict(zip_of({"a": "a"}), "a.zip", owner) == (State.READY, "")


@pytest.mark.parametrize(
    ("extractor", "build", "media_type"),
    [
        ("archive.ArchiveExtractor", lambda: zip_of({"a": bytes(100 * MIB)}), "application/zip"),
        ("archive.ArchiveExtractor", lambda: overlapping_zip(50_000, kernel=MIB), "application/zip"),
        ("archive.ArchiveExtractor", lambda: gzip.compress(bytes(100 * MIB), 1), "application/gzip"),
        ("office.OfficeExtractor", lambda: docx_with("docProps/core.xml", bytes(100 * MIB)), DOCX),
        ("office.OfficeExtractor", lambda: docx_with("word/document.xml", bytes(100 * MIB)), DOCX),
        ("office.OfficeExtractor", lambda: odf("presentation", {"content.xml": b"<a>" + b" " * 100 * MIB}), ODP),
    ],
    ids=["zip", "overlapping", "gzip", "properties", "text", "slides"],
)
def test_a_bomb_is_described_within_little_memory(
    extractor: str, build: Callable[[], bytes], media_type: str, tmp_path: Path
) -> None:
    (tmp_path / "bomb").write_bytes(build())
    # An address space that Python and the libraries it loads nearly fill.
    limits = ExtractionLimits(memory_bytes=96 * MIB)
    with (tmp_path / "bomb").open("rb") as file:
        found = run(f"django_largefiles.extractors.{extractor}", file, media_type, limits)
    assert "archive" in found.metadata.attributes


def picture(kind: str) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (2, 2)).save(buffer, kind)
    return buffer.getvalue()


FIXTURES = {
    ".png": png(),
    ".jpg": picture("JPEG"),
    ".gif": picture("GIF"),
    ".webp": picture("WEBP"),
    ".pdf": PDF,
    ".mp4": b"\0\0\0\x18ftypisom\0\0\2\0isommp42" + bytes(100),
    ".wav": b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0data\0\0\0\0",
    ".svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    ".html": b"<!doctype html><html><script>alert(1)</script>",
    ".php": b"<?php system($_GET['c']); ?>",
    ".exe": PE,
    ".elf": EXECUTABLE,
    ".zip": zip_of({"a.txt": "a"}),
    ".jar": zip_of({"META-INF/MANIFEST.MF": "a"}),
    ".tar": tar_of({"a.txt": "a"}),
    ".gz": gzip.compress(b"a"),
    ".docx": docx(),
    ".docm": docm(),
    ".xlsx": xlsx(),
    ".pptx": pptx(),
    ".odt": odf("text"),
    ".ods": odf("spreadsheet"),
    ".odp": odf("presentation"),
    ".txt": b"hello\n",
    ".csv": b"a,b\n",
    ".json": b'{"a": 1}',
}

# A text may have the name of another: .csv and .json are read as text by whoever opens them.
TEXTS = {".txt", ".csv", ".json"}


@pytest.fixture
def everything(largefiles: Largefiles) -> None:
    largefiles.set(ALLOWED_MIME_TYPES=["*/*"])


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize("content", FIXTURES)
def test_every_file_under_every_other_extension_is_refused(content: str) -> None:
    rules, media_type = get_profile("default"), sniff_file(BytesIO(FIXTURES[content]))
    taken = set()
    for extension in FIXTURES:
        with suppress(WrongContent):
            check_type(media_type, f"a{extension}", rules)
            taken.add(extension)
    assert taken == (TEXTS if content in TEXTS else {content})


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize("extension", FIXTURES)
def test_every_file_under_its_own_extension_is_taken_early_and_late(extension: str, largefiles: Largefiles) -> None:
    data = FIXTURES[extension]
    media_type = check_type(sniff_file(BytesIO(data)), f"a{extension}", get_profile("default"))
    largefiles.set(ALLOWED_MIME_TYPES=[media_type])
    check_head(sniff_head(data[:HEAD_LENGTH]), f"a{extension}", get_profile("default"))
