"""What a scanner is known to read of an archive, against what the archive holds."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from django_largefiles.containers.facts import ArchiveFacts
from django_largefiles.containers.zip_survey import describe
from django_largefiles.scanners.base import Engine, ScanResult, Unpacking
from django_largefiles.scanners.members import with_members
from django_largefiles.scanners.read_pass import read_through
from django_largefiles.scanners.running import ScanReport
from django_largefiles.scanners.selftest import eicar
from django_largefiles.states import ScanVerdict
from tests.archives import zip_of
from tests.scanners.clamd import MIB, Clamd, needs_clamd

FACTS = ArchiveFacts(entries=10, total_size=900, ratio=1.0, largest=500, methods=("deflate", "stored"))
UNPACKING = Unpacking(methods=frozenset({"stored", "deflate"}), member_size=500, total_size=1000, members=10)


def report(verdict: ScanVerdict = ScanVerdict.CLEAN, unpacking: Unpacking | None = UNPACKING) -> ScanReport:
    return ScanReport(
        scanner="any",
        engine=Engine(),
        result=ScanResult(verdict=verdict),
        at=datetime(2026, 1, 1, tzinfo=UTC),
        unpacking=unpacking,
    )


def test_what_was_all_read_stays_clean() -> None:
    assert with_members([report()], FACTS, 100) == (report(),)


@pytest.mark.parametrize(
    ("facts", "archive_size", "detail"),
    [
        pytest.param({"largest": 501}, 100, "a member of 501 bytes is more than the 500", id="a large member"),
        pytest.param({}, 101, "1001 bytes in all are more than the 1000", id="large together"),
        pytest.param({"entries": 11}, 100, "11 members are more than the 10", id="many members"),
        pytest.param({"methods": ("deflate", "lzma")}, 100, "packed by lzma, which", id="method"),
        pytest.param({"encrypted": 1}, 100, "1 members are encrypted", id="encrypted"),
        pytest.param({"complete": False}, 100, "are not known", id="not complete"),
        pytest.param(None, 100, "are not known", id="not described"),
    ],
)
def test_what_was_not_all_read_is_unscannable(facts: dict[str, Any] | None, archive_size: int, detail: str) -> None:
    found = None if facts is None else replace(FACTS, **facts)
    untouched = [
        report(unpacking=None),
        report(ScanVerdict.INFECTED),
        report(ScanVerdict.ERROR),
        report(ScanVerdict.UNSCANNABLE),
    ]
    changed, *others = with_members([report(), *untouched], found, archive_size)
    assert changed.result.verdict is ScanVerdict.UNSCANNABLE
    assert detail in changed.result.detail
    assert others == untouched


def packed(method: int, *, size: int = 0, encrypted: bool = False) -> bytes:
    """An archive with the test string; its member has ``size`` bytes more, or says that it is encrypted."""
    data = bytearray(zip_of({"eicar.com": eicar()} if not size else {"large": bytes(size) + eicar()}, packed=method))
    if encrypted:
        data[6] |= 1
        data[data.index(b"PK\1\2") + 8] |= 1
    return bytes(data)


def scanned(clamd: Clamd, content: bytes) -> tuple[ScanVerdict, ScanVerdict]:  # needs_clamd
    """The verdict of clamd itself, and that on the archive."""
    reading = read_through(
        io.BytesIO(content),
        size=len(content),
        sha256="known",
        scanners=[clamd.scanner()],
        chunk_size=MIB,
        tell=lambda stage, done: None,
    )
    judged = with_members(reading.scans, describe(io.BytesIO(content)), len(content))
    return reading.scans[0].result.verdict, judged[0].result.verdict


@needs_clamd
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_clamd_reads_members_that_are_packed_so(method: int, clamd: Clamd) -> None:  # needs_clamd
    assert scanned(clamd, packed(method))[0] is ScanVerdict.INFECTED
    harmless = zip_of({"a.txt": "harmless" * 100}, packed=method)
    assert scanned(clamd, harmless) == (ScanVerdict.CLEAN, ScanVerdict.CLEAN)


@needs_clamd
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(packed(zipfile.ZIP_LZMA), id="LZMA"),
        pytest.param(packed(zipfile.ZIP_DEFLATED, encrypted=True), id="encrypted"),
        pytest.param(packed(zipfile.ZIP_DEFLATED, size=3 * MIB), id="larger than MaxFileSize"),
    ],
)
def test_what_clamd_passes_over_is_not_clean(content: bytes, clamd: Clamd) -> None:  # needs_clamd
    assert scanned(clamd, content) == (ScanVerdict.CLEAN, ScanVerdict.UNSCANNABLE)
