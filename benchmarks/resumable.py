"""Compare resumable uploads with those of @tus/server (npm) and with a bare loop from socket to file.

Run from the root of a clone: ``make benchmark``, or ``python -m benchmarks.resumable --rounds 5``. Linux only.
README.md in this folder explains what is measured, and how.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TypeAlias

import psutil

from example_project.processes import Server, manage, raise_on_termination

from . import proc
from .tables import table
from .tus_client import Upload

ROOT = Path(__file__).resolve().parent.parent
TUS_SERVER = ROOT / "benchmarks" / "tus_server"
MIB = 1024 * 1024
GIB = 1024 * MIB
WARM_UP = 4 * MIB
OURS = "django-largefiles"
THEIRS = "@tus/server"
BARE = "bare loop"


@dataclass(frozen=True, kw_only=True)
class Case:
    """``uploads`` parallel uploads, each of ``length`` bytes, in pieces of ``piece`` bytes."""

    uploads: int
    length: int
    piece: int

    @property
    def total(self) -> int:
        return self.uploads * self.length

    def __str__(self) -> str:
        piece = "one piece" if self.piece >= self.length else f"{self.piece // MIB} MiB pieces"
        return f"{self.uploads} × {self.length // MIB:,} MiB, {piece}"


@dataclass(frozen=True, kw_only=True)
class Measurement:
    rate: float
    """Bytes per second, for all uploads together."""
    cpu: float
    """CPU seconds of the server's processes per byte."""
    peak: int
    """Bytes of memory above those of the idle server."""
    queries: Sequence[int]
    """The maximum for a piece, and for the last piece of an upload; empty if the server does not count."""


class Contender(Server):
    """A server, started anew for each measurement."""

    collection = "/files/"

    def __init__(self, folder: Path, command: Callable[[str, int], Sequence[str]], env: Mapping[str, str]) -> None:
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        super().__init__(data_dir=folder, env={**env, "PYTHONPATH": path})
        self._command = command(self.host, self.port)

    def processes(self) -> list[psutil.Process]:
        own = psutil.Process(self.pid)
        return [own, *own.children(recursive=True)]

    def cpu_seconds(self) -> float:
        return sum(times.user + times.system for times in (process.cpu_times() for process in self.processes()))


class Largefiles(Contender):
    """gunicorn with one worker process, serving the example project."""

    collection = "/files/uploads/"

    def __init__(self, folder: Path, threads: int, env: Mapping[str, str] | None = None) -> None:
        def command(host: str, port: int) -> list[str]:
            return [
                *(sys.executable, "-m", "gunicorn", "example.wsgi:application", "--bind", f"{host}:{port}"),
                *("--no-control-socket", "--worker-class", "gthread", "--threads", str(threads)),
                *("--graceful-timeout", "5"),
            ]

        own = {
            "DJANGO_SETTINGS_MODULE": "benchmarks.resumable_site.settings",
            "EXAMPLE_ACCESS": "anyone",
            "EXAMPLE_ALLOWED_MIME_TYPES": "*/*",
        }
        super().__init__(folder, command, {**own, **(env or {})})


class TusServer(Contender):
    """node with @tus/server and its file store."""

    collection = "/files"

    def __init__(self, folder: Path) -> None:
        store = _made(folder / "store")
        super().__init__(
            folder, lambda host, port: ["node", str(TUS_SERVER / "server.mjs"), str(store), host, str(port)], {}
        )


class BareLoop(Contender):
    def __init__(self, folder: Path) -> None:
        store = _made(folder / "store")
        super().__init__(
            folder, lambda host, port: [sys.executable, "-m", "benchmarks.bare", str(store), host, str(port)], {}
        )


def contender(name: str, folder: Path, case: Case) -> Contender:
    if name == OURS:
        return Largefiles(folder, threads=max(8, case.uploads))
    return TusServer(folder) if name == THEIRS else BareLoop(folder)


def cases(size: int) -> Iterator[Case]:
    """Return the cases, each of which transfers ``size`` bytes."""
    for uploads in (1, 8):
        length = size // uploads
        yield Case(uploads=uploads, length=length, piece=length)
        for piece in (64 * MIB, 8 * MIB, MIB):
            if piece < length:
                yield Case(uploads=uploads, length=length, piece=piece)
    yield Case(uploads=16, length=size // 16, piece=size // 16)


def measure(server: Contender, case: Case, source: Path) -> Measurement:
    _warm_up(server, source)
    os.sync()
    for process in server.processes():
        proc.reset_peak(process.pid)
    idle, cpu = _resident(server), server.cpu_seconds()
    with ExitStack() as stack, ThreadPoolExecutor(case.uploads) as pool:
        uploads = [
            stack.enter_context(Upload(server.port, server.collection, source, case.length))
            for _ in range(case.uploads)
        ]
        began = time.perf_counter()
        _all(pool, lambda upload: (upload.create(), upload.send(case.piece)), uploads)
        seconds = time.perf_counter() - began
        cpu = server.cpu_seconds() - cpu
        peak = sum(proc.peak_resident(process.pid) for process in server.processes()) - idle
        _all(pool, Upload.delete, uploads)
    return Measurement(
        rate=case.total / seconds, cpu=cpu / case.total, peak=peak, queries=_queries([u.queries for u in uploads])
    )


def _all(pool: ThreadPoolExecutor, act: Callable[[Upload], object], uploads: Iterable[Upload]) -> None:
    list(pool.map(act, uploads))


def _queries(counts: Iterable[Sequence[int]]) -> Sequence[int]:
    counted = [queries for queries in counts if queries]
    if not counted:
        return ()
    return (
        max(max(queries[:-1], default=0) for queries in counted),
        max(queries[-1] for queries in counted),
    )


def _warm_up(server: Contender, source: Path) -> None:
    """Send small uploads, because the first requests import modules and connect."""
    for _ in range(2):
        with Upload(server.port, server.collection, source, WARM_UP) as upload:
            upload.create()
            upload.send(WARM_UP // 2)
            upload.delete()


def _resident(server: Contender) -> int:
    return sum(proc.resident(process.pid) for process in server.processes())


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def run(size: int, rounds: int, folder: Path) -> dict[Case, dict[str, list[Measurement]]]:
    source = _made(folder / "source") / "file"
    make_source(source, size)
    names = (OURS, THEIRS, BARE)
    folders = {name: _made(folder / str(number)) for number, name in enumerate(names)}
    manage("migrate", data_dir=folders[OURS])
    results: dict[Case, dict[str, list[Measurement]]] = {case: {name: [] for name in names} for case in cases(size)}
    for number in range(rounds):
        for case, measured in results.items():
            for name in _rotated(names, number):
                print(f"round {number + 1} of {rounds}: {case}: {name}", file=sys.stderr, flush=True)
                with contender(name, folders[name], case) as server:
                    measured[name].append(measure(server, case, source))
    return results


def _rotated(names: Sequence[str], number: int) -> Sequence[str]:
    """Change the order in each round, so that a temporary load does not always affect the same contender."""
    first = number % len(names)
    return [*names[first:], *names[:first]]


def make_source(path: Path, size: int) -> None:
    """Create a sparse file and read it once into the page cache, so that the disk does not matter."""
    with path.open("wb") as file:
        file.truncate(size)
    with path.open("rb") as file:
        while file.read(MIB):
            pass


Results: TypeAlias = Mapping[Case, Mapping[str, Sequence[Measurement]]]


def median(measured: Iterable[Measurement], value: Callable[[Measurement], float]) -> float:
    return statistics.median(map(value, measured))


def rate(measurement: Measurement) -> float:
    return measurement.rate


def cpu(measurement: Measurement) -> float:
    return measurement.cpu


def peak(measurement: Measurement) -> float:
    return measurement.peak


def ratio(results: Results, case: Case, value: Callable[[Measurement], float], to: str) -> float:
    """Return the ratio of the median of this package to that of ``to``."""
    return median(results[case][OURS], value) / median(results[case][to], value)


def rate_table(results: Results) -> str:
    rows = [
        (
            str(case),
            *(f"{median(measured, rate) / MIB:,.0f} MiB/s" for measured in by_name.values()),
            f"{ratio(results, case, rate, THEIRS):.2f}",
            f"{ratio(results, case, rate, BARE):.2f}",
        )
        for case, by_name in results.items()
    ]
    return table(("", OURS, THEIRS, BARE, f"of {THEIRS}", f"of {BARE}"), rows)


def cpu_table(results: Results) -> str:
    rows = [
        (
            str(case),
            *(f"{median(measured, cpu) * GIB:.2f} s" for measured in by_name.values()),
            f"{ratio(results, case, cpu, THEIRS):.2f}",
        )
        for case, by_name in results.items()
    ]
    return table(("", OURS, THEIRS, BARE, f"of {THEIRS}"), rows)


def memory_table(results: Results) -> str:
    rows = [
        (
            str(case),
            *(f"{median(measured, peak) / MIB:,.1f} MiB" for measured in by_name.values()),
            *(str(max(each)) for each in zip(*(done.queries for done in by_name[OURS]), strict=True)),
        )
        for case, by_name in results.items()
    ]
    return table(("", OURS, THEIRS, BARE, "queries", "the last piece's"), rows)


def asked_table(results: Results) -> str:
    """Compare the results with the project's targets."""
    rows = [(what, asked, told, "yes" if met else "no") for what, asked, told, met in _asked(results)]
    return table(("", "asked", "measured", "met"), rows)


Verdict: TypeAlias = tuple[str, str, str, bool]


def _asked(results: Results) -> Iterator[Verdict]:
    whole = next(iter(results))
    yield _at_least(0.5, ratio(results, whole, rate, BARE), f"{whole}: rate, of {BARE}")
    yield _at_least(1.5, ratio(results, whole, rate, THEIRS), f"{whole}: rate, of {THEIRS}")
    for case in results:
        if case.piece in {8 * MIB, MIB}:
            yield _at_least(1.5, ratio(results, case, rate, THEIRS), f"{case}: rate, of {THEIRS}")
            yield _at_most(0.5, ratio(results, case, cpu, THEIRS), f"{case}: CPU, of {THEIRS}")
    yield _at_most(4, _most_queries(results), "queries for a piece")
    for uploads, limit in ((1, 16), (16, 128)):
        measured = (median(by_name[OURS], peak) for case, by_name in results.items() if case.uploads == uploads)
        yield _at_most(limit, max(measured) / MIB, f"{uploads} at once: MiB of memory over idle")


def _most_queries(results: Results) -> int:
    return max(max(done.queries) for by_name in results.values() for done in by_name[OURS])


def _at_least(limit: float, measured: float, what: str) -> Verdict:
    return what, f"at least {limit:g}", f"{measured:.2f}", measured >= limit


def _at_most(limit: float, measured: float, what: str) -> Verdict:
    return what, f"at most {limit:g}", f"{measured:.2f}", measured <= limit


def report(results: Results, rounds: int) -> str:
    """Return the report as plain text that is also valid reStructuredText."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("Django", "gunicorn", "django-largefiles"))
    tus_server = ", ".join(f"{name} {number}" for name, number in _packages().items())
    return "\n\n".join(
        (
            f"Medians of {rounds} rounds, {os.cpu_count()} processor cores, "
            f"{platform.system()} {platform.release().partition('-')[0]}, Python {platform.python_version()}, "
            f"{versions}; node {_node_version()}, {tus_server}.",
            "Rate, of all uploads together:",
            rate_table(results),
            "CPU time of the server's processes for each GiB:",
            cpu_table(results),
            f"Memory above that of the idle server, and database queries of {OURS} for a piece:",
            memory_table(results),
            "What is asked:",
            asked_table(results) + "\n",
        )
    )


def _packages() -> dict[str, str]:
    packages: dict[str, str] = json.loads((TUS_SERVER / "package.json").read_text())["dependencies"]
    return packages


def _node_version() -> str:
    return subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip("v\n")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.resumable", description=__doc__)
    parser.add_argument("--size", type=int, default=1024, help="MiB that each measurement moves (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="(%(default)s)")
    parser.add_argument("--quick", action="store_true", help="one round of 128 MiB: whether it runs, not how fast")
    parser.add_argument("--folder", type=Path, help="where to work, instead of the system's temporary folder")
    parser.add_argument("--output", type=Path, help="write the report to this file too")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    raise_on_termination()
    options = parse(arguments)
    size, rounds = (128, 1) if options.quick else (options.size, options.rounds)
    if not (TUS_SERVER / "node_modules").is_dir() or not shutil.which("node"):
        print(f"Install node 20.19 or later, and: npm ci --prefix {TUS_SERVER.relative_to(ROOT)}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="largefiles-benchmark-", dir=options.folder) as folder:
        results = run(size * MIB, rounds, Path(folder))
    text = report(results, rounds)
    print(text)
    if options.output:
        options.output.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
