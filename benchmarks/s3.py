"""Compare a resumable upload that is streamed to S3 with boto3's own upload of the same file.

Run from the root of a clone, with the dependencies of the tests: ``python -m benchmarks.s3 --rounds 5``. Linux only.
README.md in this folder explains what is measured, and how.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path

from example_project.processes import manage, raise_on_termination
from tests.s3.servers import ACCESS_KEY, SECRET_KEY, S3Bucket, seaweedfs

from . import proc
from .resumable import GIB, MIB, Case, Largefiles, Measurement, make_source, measure
from .tables import table

OURS = "django-largefiles"
BOTO = "boto3.upload_fileobj"
MOST_MEMORY = 96
"""MiB above the idle server."""
LEAST_RATIO = 0.8


class S3Largefiles(Largefiles):
    """gunicorn with the example project, which stores files in ``bucket``."""

    def __init__(self, folder: Path, bucket: S3Bucket) -> None:
        self.temporary = folder / "temporary"
        self.temporary.mkdir(parents=True, exist_ok=True)
        env = {
            "EXAMPLE_STORAGE": "s3",
            "EXAMPLE_S3_ENDPOINT": bucket.endpoint,
            "EXAMPLE_S3_BUCKET": bucket.name,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": "us-east-1",
            "TMPDIR": str(self.temporary),
        }
        super().__init__(folder, threads=8, env=env)

    def bytes_on_disk(self) -> int:
        """Return the bytes that its processes wrote to disk, including the database and the logs."""
        return sum(proc.stored(process.pid) for process in self.processes())


def ours(folder: Path, bucket: S3Bucket, source: Path, size: int) -> tuple[Measurement, int]:
    case = Case(uploads=1, length=size, piece=size)
    with S3Largefiles(folder, bucket) as server:
        before = server.bytes_on_disk()
        measured = measure(server, case, source)
        return measured, server.bytes_on_disk() - before


def theirs(bucket: S3Bucket, source: Path, size: int) -> float:
    """Return bytes per second, with boto3's defaults: parts of 8 MiB, ten at a time."""
    with source.open("rb") as file:
        began = time.perf_counter()
        bucket.client.upload_fileobj(file, bucket.name, "theirs")
        seconds = time.perf_counter() - began
    bucket.client.delete_object(Bucket=bucket.name, Key="theirs")
    return size / seconds


def run(size: int, rounds: int, folder: Path, endpoint: str) -> tuple[list[tuple[Measurement, int]], list[float]]:
    bucket, source = S3Bucket.made(endpoint), folder / "source"
    make_source(source, size)
    data = folder / "data"
    data.mkdir()
    manage("migrate", data_dir=data)
    taken: tuple[list[tuple[Measurement, int]], list[float]] = ([], [])
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
        turns: list[Callable[[], None]] = [
            lambda: taken[0].append(ours(data, bucket, source, size)),
            lambda: taken[1].append(theirs(bucket, source, size)),
        ]
        for turn in turns if number % 2 else reversed(turns):
            turn()
    return taken


def report(measured: Sequence[tuple[Measurement, int]], rates: Sequence[float], size: int) -> str:
    """Return the report as plain text that is also valid reStructuredText."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("Django", "gunicorn", "boto3", "django-largefiles"))
    rate, other = statistics.median(done.rate for done, _ in measured), statistics.median(rates)
    peak = max(done.peak for done, _ in measured) / MIB
    rows = [
        (OURS, f"{rate / MIB:,.0f} MiB/s", f"{rate / other:.2f}", f"{peak:,.1f} MiB"),
        (BOTO, f"{other / MIB:,.0f} MiB/s", "1.00", ""),
    ]
    cpu = statistics.median(done.cpu for done, _ in measured) * GIB
    disk = max(stored for _, stored in measured) / MIB
    asked = [
        ("rate, of boto3's", f"at least {LEAST_RATIO}", f"{rate / other:.2f}", _met(rate / other >= LEAST_RATIO)),
        ("MiB of memory over idle", f"at most {MOST_MEMORY}", f"{peak:.1f}", _met(peak <= MOST_MEMORY)),
    ]
    return "\n\n".join(
        (
            f"{size // MIB:,} MiB in one request, medians of {len(rates)} rounds, {os.cpu_count()} processor cores, "
            f"{platform.system()} {platform.release().partition('-')[0]}, Python {platform.python_version()}, "
            f"{versions}.",
            table(("", "rate", "ratio", "memory over idle"), rows),
            f"CPU of the server's processes: {cpu:.2f} s for each GiB. Written to disk: {disk:.1f} MiB, all of it the "
            "database's and the log's.",
            table(("", "asked", "measured", "met"), asked) + "\n",
        )
    )


def _met(condition: bool) -> str:
    return "yes" if condition else "no"


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.s3", description=__doc__)
    parser.add_argument("--size", type=int, default=1024, help="MiB of the file (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="(%(default)s)")
    parser.add_argument("--endpoint", help="of a server with the tests' keys, instead of a SeaweedFS of its own")
    parser.add_argument("--folder", type=Path, help="where to work, instead of the system's temporary folder")
    parser.add_argument("--output", type=Path, help="write the report to this file too")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    raise_on_termination()
    options = parse(arguments)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="largefiles-s3-", dir=options.folder)))
        (folder / "seaweedfs").mkdir()
        endpoint = options.endpoint or stack.enter_context(seaweedfs(folder / "seaweedfs"))
        measured, rates = run(options.size * MIB, options.rounds, folder, endpoint)
    text = report(measured, rates, options.size * MIB)
    print(text)
    if options.output:
        options.output.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
