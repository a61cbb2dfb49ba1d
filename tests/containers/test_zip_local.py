"""The directory of a ZIP archive against its local headers."""

from __future__ import annotations

import io
import struct
import sysconfig
import zipfile
from pathlib import Path
from typing import Any

import pytest

from django_largefiles.containers.facts import ArchiveFacts
from django_largefiles.containers.zip_survey import describe
from tests.archives import (
    DIRECTORY,
    HIDDEN,
    STORED,
    TWO_READINGS,
    docx,
    encrypted_zip,
    moved,
    odf,
    overlapping_zip,
    streamed_zip,
    zip_of,
)

JARS = [*Path("/usr/share/java").glob("*.jar"), *Path("/usr/lib/jvm").rglob("*.jar")]
WHEELS = [*Path("/usr/share/python-wheels").glob("*.whl"), *Path(sysconfig.get_path("stdlib")).rglob("*.whl")]


def facts(data: bytes) -> ArchiveFacts:
    return describe(io.BytesIO(data))


@pytest.mark.parametrize("data", TWO_READINGS.values(), ids=TWO_READINGS)
def test_two_readings_of_an_archive_are_found(data: bytes) -> None:
    assert facts(data).ambiguous >= 1


def many(**options: Any) -> dict[str, str]:
    return {f"folder/{number}.txt": "content" * number for number in range(50)}


END_OF_STORED = len(STORED) - DIRECTORY


def pair(value: bytes) -> bytes:
    return struct.pack("<QL", 4 + len(value), 0x7109871A) + value


SIGNATURES = pair(bytes(1747)) + pair(b"")


def apk(padding: int = 0, *, pairs: bytes = SIGNATURES, size: int | None = None, first: int | None = None) -> bytes:
    """With a block of signatures in front of its directory, as apksigner writes it."""
    size = len(pairs) + 24 if size is None else size
    leading = struct.pack("<Q", size if first is None else first)
    block = leading + pairs + struct.pack("<Q16s", size, b"APK Sig Block 42")
    return moved(STORED, bytes(padding) + block, at=DIRECTORY)


HONEST = {
    "stored": STORED,
    "empty": zip_of({}),
    "deflated": zip_of(many()),
    "bzip2": zip_of(many(), packed=zipfile.ZIP_BZIP2),
    "comment": zip_of(many(), comment=b"PK\3\4"),
    "empty members": zip_of({"a/": "", "a/b": ""}),
    "not ASCII": zip_of({"größe.txt": "ä"}),
    "document": docx(),
    "open document": odf("text"),
    "encrypted": encrypted_zip(),
    "sizes that follow": streamed_zip(many()),
    "stored, sizes that follow": streamed_zip(many(), packed=zipfile.ZIP_STORED),
    "sizes of 64 bits that follow": streamed_zip(many(), zip64=True),
    "a program in front": b"#!/bin/sh\nexit\n" + STORED,
    "a program in front, offsets corrected": moved(STORED, b"#!/bin/sh\nPK\3\4\n", at=0),
    "marked as one of several": moved(STORED, b"PK\7\x08", at=0),
    "signed": apk(),
    "signed and aligned": apk(4000),
}


@pytest.mark.parametrize("data", HONEST.values(), ids=HONEST)
def test_honest_archives_have_one_reading(data: bytes) -> None:
    found = facts(data)
    assert (found.ambiguous, found.compared) == (0, found.entries)


def test_sizes_of_64_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 10)
    found = facts(zip_of({"a": bytes(1000), "b": bytes(10)}, packed=zipfile.ZIP_STORED))
    assert (found.ambiguous, found.compared) == (0, 2)


@pytest.mark.parametrize("path", JARS + WHEELS, ids=lambda path: path.name)
def test_installed_archives_have_one_reading(path: Path) -> None:
    with path.open("rb") as file:
        assert describe(file).ambiguous == 0


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(STORED[:1] + b"x" + STORED[2:], id="no header"),
        pytest.param(STORED[:18] + b"\xff\xff\xff\xff" + STORED[22:], id="masked without a field"),
        pytest.param(apk(5000), id="signed far behind"),
        pytest.param(apk(size=10**6), id="signed by more than there is"),
        pytest.param(apk(size=10**12), id="signed by far more than there is"),
        pytest.param(apk(pairs=pair(bytes(1024 * 1024))), id="signed by more than is read"),
        pytest.param(apk(first=5), id="signed with two sizes"),
        pytest.param(apk(pairs=SIGNATURES + b"x" * 7), id="signed by pairs that do not fill the block"),
        pytest.param(apk(pairs=SIGNATURES[:-1]), id="signed by pairs that are cut"),
        pytest.param(apk(pairs=bytes(8)), id="signed by a pair without an id"),
        pytest.param(apk(pairs=pair(HIDDEN)), id="a member in a signature"),
        pytest.param(
            moved(STORED, HIDDEN + struct.pack("<Q16s", len(HIDDEN) + 16, b"APK Sig Block 42"), at=DIRECTORY),
            id="a member in place of a signature",
        ),
        pytest.param(moved(STORED, b"x" * 50, at=DIRECTORY), id="something behind"),
        pytest.param(
            moved(STORED, b"x" * 50 + apk()[DIRECTORY:-END_OF_STORED], at=DIRECTORY), id="before a signature"
        ),
    ],
)
def test_other_differences(data: bytes) -> None:
    assert facts(data).ambiguous == 1


def test_another_name_in_the_header_of_those_that_some_programs_prefer() -> None:
    def field(name: bytes) -> bytes:
        return struct.pack("<2HBL", 0x7075, 5 + len(name), 1, 0) + name

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo("a.txt")
        info.extra = field(b"b.txt")
        archive.writestr(info, "a")
    data = buffer.getvalue()
    assert facts(data).ambiguous == 0
    assert facts(data.replace(b"b.txt", b"../ev", 1)).ambiguous == 1


def test_members_that_overlap_are_counted_as_such() -> None:
    found = facts(overlapping_zip(50))
    assert (found.overlapping, found.ambiguous) == (49, 48)


def test_headers_that_are_masked_cannot_be_compared() -> None:
    data = bytearray(STORED)
    for position in (6, DIRECTORY + 8):
        struct.pack_into("<H", data, position, 0x2041)
    assert facts(bytes(data).replace(b"a.txt", b"....."[:5], 1)).ambiguous == 0


def test_what_the_file_does_not_afford_is_not_compared() -> None:
    class Poor(io.BytesIO):
        affords = 3

        @property
        def affords_more(self) -> bool:
            self.affords -= 1
            return self.affords >= 0

    found = describe(Poor(zip_of(many())))
    assert (found.entries, found.compared, found.ambiguous) == (50, 3, 0)
