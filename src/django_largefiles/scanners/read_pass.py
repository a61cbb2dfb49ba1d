"""Read a file once for all that need its bytes: the digest and the scanners. If none does, nothing is read."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, TypeAlias

from ..digests import RunningDigest
from ..exceptions import StoreUnavailable
from ..states import Stage
from .base import Scanner
from .running import RunningScan, ScanReport

TELL_SECONDS = 1.0
"""Progress is reported at most this often."""

Tell: TypeAlias = Callable[[Stage, int], None]
"""Takes the stage and the number of bytes done in it. Its exceptions end the pass."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The result of a pass."""

    sha256: str
    crc32: int | None
    """``None`` if no digest was to be made: then no byte is read for it."""
    scans: tuple[ScanReport, ...]
    """In the order of the scanners."""
    sha512: str = ""
    """Empty unless it was asked for."""


def read_through(
    file: BinaryIO,
    *,
    size: int,
    sha256: str,
    scanners: Sequence[Scanner],
    chunk_size: int,
    tell: Tell,
    sha512: bool = False,
) -> Reading:
    """Compute the digests, and have ``file`` scanned. ``size`` is in bytes.

    There is nothing to compute if ``sha256`` is given, unless SHA-512 is asked for with ``sha512``.

    Memory grows neither with the size of the file nor with the slowness of a scanner. ``tell`` is called from this
    thread, at most once a second, also while waiting for a scanner's answer.

    Raise ``StoreUnavailable`` if the file has another size, and the exceptions of ``tell`` and ``file``.
    """
    tell = _at_most_so_often(tell)
    digest = None if sha256 and not sha512 else RunningDigest(sha512=sha512)
    with _running(scanners, size, _descriptor(file)) as scans:
        _feed(file, size, digest, scans, chunk_size, tell)
        reports = tuple(scan.report(partial(tell, Stage.SCANNING, size)) for scan in scans)
    if digest is None:
        return Reading(sha256=sha256, crc32=None, scans=reports)
    return Reading(sha256=sha256 or digest.sha256(), sha512=digest.sha512(), crc32=digest.crc32, scans=reports)


def _feed(
    file: BinaryIO, size: int, digest: RunningDigest | None, scans: Sequence[RunningScan], chunk_size: int, tell: Tell
) -> None:
    done = 0
    file.seek(0)
    while digest or any(scan.needs_bytes for scan in scans):
        chunk = file.read(chunk_size)
        if not chunk:
            break
        done += len(chunk)
        beat = partial(tell, Stage.READING, done)
        for scan in scans:
            scan.feed(chunk, beat)
        if digest:
            digest.update(chunk)
        beat()
    else:
        return
    if done != size:
        raise StoreUnavailable(f"the storage has {done} bytes of the file, not {size}", limit=size, value=done)


@contextmanager
def _running(scanners: Sequence[Scanner], size: int, descriptor: int | None) -> Iterator[list[RunningScan]]:
    scans: list[RunningScan] = []
    try:
        scans.extend(RunningScan(scanner, size=size, descriptor=descriptor) for scanner in scanners)
        yield scans
    finally:
        for scan in scans:
            scan.abandon()


def _descriptor(file: BinaryIO) -> int | None:
    try:
        return file.fileno()
    except (AttributeError, io.UnsupportedOperation):
        return None


def _at_most_so_often(tell: Tell) -> Tell:
    told = 0.0

    def throttled(stage: Stage, done: int) -> None:
        nonlocal told
        if time.monotonic() - told >= TELL_SECONDS:
            tell(stage, done)
            told = time.monotonic()

    return throttled
