"""Files that show whether a scanner detects anything: the harmless test string of EICAR, which all scanners know.

Signatures may know it only as the whole of a file of 68 to 128 bytes
(https://www.eicar.org/download-anti-malware-testfile/), so in a large file it is the member of an archive.
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
"""Bytes that ``archive_of_size`` can do with."""

LAYERS = 200
"""More than a scanner looks through: clamd's ``MaxRecursion`` is 100 at most."""


@dataclass(frozen=True, kw_only=True)
class Canary:
    name: str
    write: Callable[[BinaryIO], object]
    """Writes the file."""
    expected: frozenset[ScanVerdict]
    otherwise: str
    """What any other verdict means."""


def small_canaries() -> Iterator[Canary]:
    yield Canary(
        name="a harmless file",
        write=lambda file: file.write(b"nothing to be found"),
        expected=frozenset({ScanVerdict.CLEAN}),
        otherwise="no file would become ready",
    )
    yield Canary(
        name="the test string",
        write=lambda file: file.write(eicar()),
        expected=frozenset({ScanVerdict.INFECTED}),
        otherwise="nothing is detected: are its signatures loaded?",
    )


def large_canaries(size: int) -> Iterator[Canary]:
    """Those for a scanner that is to take files of up to ``size`` bytes."""
    if size >= SMALLEST_ARCHIVE:
        yield Canary(
            name=f"the test string at the end of {size} bytes",
            write=partial(archive_of_size, size),
            expected=frozenset({ScanVerdict.INFECTED}),
            otherwise="files of this size are not scanned to their end: its own limits are lower than SCANNERS says",
        )
    yield Canary(
        name=f"the test string in {LAYERS} layers",
        write=lambda file: file.write(nested(eicar())),
        expected=frozenset({ScanVerdict.INFECTED, ScanVerdict.UNSCANNABLE}),
        otherwise="it calls clean what it has not looked into: clamd needs AlertExceedsMax yes",
    )


def try_out(scanner: Scanner, canary: Canary) -> ScanReport:
    """What the scanner says of the file, scanned as any other is."""
    with tempfile.TemporaryFile() as file:
        canary.write(file)
        file.flush()
        reading = read_through(
            file,
            size=file.seek(0, io.SEEK_END),
            sha256="",
            scanners=[scanner],
            chunk_size=largefiles_settings.chunk_size,
            tell=_tell_nobody,
        )
    return reading.scans[0]


def eicar() -> bytes:
    """The test string, put together here: the module that held it would be found itself."""
    return rb"X5O!P%@AP[4\PZX54(P^)7CC)7}" + b"$EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE!$H+H*"


def archive_of_size(size: int, file: BinaryIO) -> None:
    """A ZIP archive with the test string as its last member, before it a hole: sparse, and next to nothing to unpack.

    To find it, a scanner must have taken the last byte and look into files of that size.
    """
    tail = io.BytesIO()
    _zip_test_string(tail)
    with ZipFile(file, "w") as head:
        # By its first bytes the file is told to be an archive; the directory is the one at its end.
        head.writestr("empty", b"")
    file.seek(size - len(tail.getvalue()))
    _zip_test_string(file)


def nested(content: bytes) -> bytes:
    for _ in range(LAYERS):
        content = gzip.compress(content, mtime=0)
    return content


def _tell_nobody(stage: Stage, done: int) -> None: ...


def _zip_test_string(file: BinaryIO) -> None:
    with ZipFile(file, "w") as archive:
        archive.writestr("eicar.com", eicar())
