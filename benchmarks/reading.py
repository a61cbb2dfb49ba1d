"""Compare the worker's read pass over a file with a bare loop of SHA-256 over the same file.

Run from the root of a clone: ``make reading``, or ``python -m benchmarks.reading --clamd /run/clamav/clamd.ctl``.
Linux only. README.md in this folder explains what is measured, and how.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from django_largefiles.keys import OPTIONS
from django_largefiles.options import MIB
from django_largefiles.scanners.base import Scanner
from django_largefiles.scanners.clamav import ClamdScanner
from django_largefiles.scanners.read_pass import read_through

from . import proc
from .tables import table

CHUNK_SIZE: int = OPTIONS["CHUNK_SIZE"].default
BARE = "bare loop of SHA-256"
WANTED = 0.9
"""Target for the digest alone, as a share of the bare loop's rate."""

Contender = Callable[[BinaryIO, int], str]
"""Takes the open file and its size; returns its digest."""


@dataclass(frozen=True, kw_only=True)
class Run:
    seconds: float
    cpu_seconds: float
    read: int
    """Bytes."""


def bare_loop(file: BinaryIO, size: int) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK_SIZE):
        digest.update(chunk)
    return digest.hexdigest()


def read_pass(scanners: Sequence[Scanner], file: BinaryIO, size: int) -> str:
    reading = read_through(file, size=size, sha256="", scanners=scanners, chunk_size=CHUNK_SIZE, tell=_tell_nobody)
    for scan in reading.scans:
        if scan.result.verdict != "clean":
            raise SystemExit(f"{scan.scanner} says {scan.result}: raise the limits in clamd.conf")
    return reading.sha256


def main() -> None:
    arguments = _arguments()
    # The read pass uses nothing of Django except the current time.
    settings.configure(USE_TZ=True)
    contenders: dict[str, Contender] = {BARE: bare_loop, "read pass, digest": partial(read_pass, ())}
    if arguments.clamd:
        size = arguments.size * MIB
        limits = {"stream_max_length": size, "max_file_size": size, "max_scan_size": 2 * size}
        for name, passed in (("streamed", False), ("by descriptor", True)):
            scanner = ClamdScanner(socket=arguments.clamd, pass_descriptor=passed, **limits)
            contenders[f"read pass, digest and clamd, {name}"] = partial(read_pass, (scanner,))
    with tempfile.TemporaryDirectory(prefix="largefiles-reading-", dir=arguments.folder) as folder:
        path = Path(folder) / "file"
        _write(path, arguments.size)
        rounds = [
            {name: _measured(contender, path) for name, contender in contenders.items()}
            for _ in range(arguments.rounds)
        ]
    print(_report(rounds, arguments.size * MIB))


def _measured(contender: Contender, path: Path) -> Run:
    read, seconds, cpu_seconds = proc.read(os.getpid()), time.monotonic(), time.process_time()
    with path.open("rb") as file:
        contender(file, path.stat().st_size)
    return Run(
        seconds=time.monotonic() - seconds,
        cpu_seconds=time.process_time() - cpu_seconds,
        read=proc.read(os.getpid()) - read,
    )


def _report(rounds: Sequence[dict[str, Run]], size: int) -> str:
    def median(take: Callable[[dict[str, Run]], float]) -> float:
        return statistics.median(map(take, rounds))

    rows, ratios = [], {}
    for name in rounds[0]:
        seconds = median(lambda each, name=name: each[name].seconds)  # type: ignore[misc]
        ratios[name] = median(lambda each, name=name: each[BARE].seconds / each[name].seconds)  # type: ignore[misc]
        cpu = median(lambda each, name=name: each[BARE].cpu_seconds / each[name].cpu_seconds)  # type: ignore[misc]
        read = median(lambda each, name=name: each[name].read / size)  # type: ignore[misc]
        rows.append((name, f"{size / seconds / MIB:.0f} MiB/s", f"{ratios[name]:.2f}", f"{cpu:.2f}", f"{read:.2f}"))
    reached = "yes" if ratios["read pass, digest"] >= WANTED else "no"
    return "\n".join(
        (
            table(("", "rate", "ratio", "CPU ratio", "read"), rows),
            f"\nThe digest alone at {WANTED:.0%} of the bare loop's rate or more: {reached}",
        )
    )


def _write(path: Path, mebibytes: int) -> None:
    piece = os.urandom(MIB)
    with path.open("wb") as file:
        for _ in range(mebibytes):
            file.write(piece)


def _tell_nobody(stage: object, done: int) -> None: ...


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=1024, metavar="MIB", help="of the file (%(default)s)")
    parser.add_argument("--rounds", type=int, default=7, help="medians are taken over them (%(default)s)")
    parser.add_argument("--folder", help="where the file is written (the system's temporary folder)")
    parser.add_argument("--clamd", default="", metavar="SOCKET", help="of a clamd that takes files of that size")
    return parser.parse_args()


if __name__ == "__main__":
    main()
