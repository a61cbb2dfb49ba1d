"""Test whether a scanner detects anything, by EICAR's harmless test string, which all scanners know.

Scanners need to detect it only if it is the whole of a file of 68 to 128 bytes
(https://www.eicar.org/download-anti-malware-testfile/), so a large test file is an archive that contains such a file.
"""

from __future__ import annotations

import gzip
import io
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO
from zipfile import ZipFile

from ..conf import largefiles_settings
from ..states import ScanVerdict, Stage
from .base import Scanner
from .read_pass import read_through
from .running import ScanReport

SMALLEST_ARCHIVE = 1024
"""Bytes. The smallest archive that ``archive_of_size`` can write."""

LAYERS = 200
"""More than any scanner unpacks: clamd's ``MaxRecursion`` is 100 at most."""


@dataclass(frozen=True, kw_only=True)
class SelfTestFile:
    name: str
    write: Callable[[BinaryIO], object]
    """Write the content into a file."""
    expected: frozenset[ScanVerdict]
    otherwise: str
    """What any other verdict means, and what to do."""


def small_test_files() -> Iterator[SelfTestFile]:
    yield SelfTestFile(
        name="a harmless file",
        write=lambda file: file.write(b"harmless"),
        expected=frozenset({ScanVerdict.CLEAN}),
        otherwise="No file would become ready. Is the scanner running, and can this user reach it?",
    )
    yield SelfTestFile(
        name="the test string",
        write=lambda file: file.write(eicar()),
        expected=frozenset({ScanVerdict.INFECTED}),
        otherwise="It detects nothing. Load its signatures.",
    )


def large_test_files(size: int) -> Iterator[SelfTestFile]:
    """Yield the test files for a scanner that should take files of up to ``size`` bytes."""
    if size >= SMALLEST_ARCHIVE:
        yield SelfTestFile(
            name=f"the test string at the end of {size} bytes",
            write=partial(archive_of_size, size),
            expected=frozenset({ScanVerdict.INFECTED}),
            otherwise=(
                "It does not scan files of this size to their end. Raise its own limits, or lower those in SCANNERS."
            ),
        )
    yield SelfTestFile(
        name=f"the test string in {LAYERS} layers",
        write=lambda file: file.write(nested(eicar())),
        expected=frozenset({ScanVerdict.INFECTED, ScanVerdict.UNSCANNABLE}),
        otherwise="It answers clean for content that it has not scanned. Set AlertExceedsMax to yes in clamd.conf.",
    )


def scan_test_file(scanner: Scanner, file: SelfTestFile) -> ScanReport:
    """Scan the file as any other one, and return the report."""
    with tempfile.TemporaryFile() as content:
        file.write(content)
        content.flush()
        reading = read_through(
            content,
            size=content.seek(0, io.SEEK_END),
            sha256="",
            scanners=[scanner],
            chunk_size=largefiles_settings.chunk_size,
            tell=_ignore_progress,
        )
    return reading.scans[0]


def eicar() -> bytes:
    """Return the test string. It is put together here, because a scanner would detect a module that contains it."""
    return rb"X5O!P%@AP[4\PZX54(P^)7CC)7}" + b"$EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE!$H+H*"


def archive_of_size(size: int, file: BinaryIO) -> None:
    """Write a sparse ZIP archive with the test string as its last member, after a hole.

    A scanner detects it only if it has received the last byte and unpacks files of that size.
    """
    tail = io.BytesIO()
    _zip_test_string(tail)
    with ZipFile(file, "w") as head:
        # Scanners recognise an archive by its first bytes. The directory at the end does not list this member.
        head.writestr("empty", b"")
    file.seek(size - len(tail.getvalue()))
    _zip_test_string(file)


def nested(content: bytes) -> bytes:
    for _ in range(LAYERS):
        content = gzip.compress(content, mtime=0)
    return content


def _ignore_progress(stage: Stage, done: int) -> None: ...


def _zip_test_string(file: BinaryIO) -> None:
    with ZipFile(file, "w") as archive:
        archive.writestr("eicar.com", eicar())
