"""Compare uploads under ASGI with a bare application on the same server, and with Django's own handler.

Run from the root of a clone: ``make benchmark-asgi``, or ``python -m benchmarks.asgi --rounds 5``. Linux only.
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
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import psutil

from example_project.processes import SERVERS, Server, manage, raise_on_termination

from . import proc
from .resumable import GIB, MIB, make_source
from .tables import table
from .tus_client import Connection, Upload

ROOT = Path(__file__).resolve().parent.parent
KINDS = ("uvicorn", "granian", "gunicorn-asgi", "hypercorn")
WARM_UP = 4 * MIB
BOUNDARY = b"----WebKitFormBoundary7MA4YWxkTrZu0gW"
"""As long as those of browsers. One of a few bytes takes eight times as long to search for."""
OURS, FORM, BARE, DJANGO = "django-largefiles", "django-largefiles, form", "bare application", "Django's handler"
APPLICATIONS = {
    OURS: "example.asgi:application",
    FORM: "example.asgi:application",
    BARE: "benchmarks.bare_asgi:application",
    DJANGO: "benchmarks.django_asgi:application",
}


@dataclass(frozen=True, kw_only=True)
class Measurement:
    rate: float
    """Bytes per second, from the creation to the last answer."""
    cpu: float
    """Seconds of all processes of the server, per byte."""
    memory: int
    """Bytes of the peak above the idle server."""
    written: float
    """Bytes that passed through ``write``, per byte of the body."""


class Contender(Server):
    """One application on one server."""

    def __init__(self, folder: Path, kind: str, name: str) -> None:
        path = os.pathsep.join(filter(None, (str(ROOT), str(ROOT / "example_project"), os.environ.get("PYTHONPATH"))))
        env = {"PYTHONPATH": path, "EXAMPLE_ACCESS": "anyone", "EXAMPLE_ALLOWED_MIME_TYPES": "*/*"}
        super().__init__(data_dir=folder, kind=kind, env={**env, "BARE_FOLDER": str(folder)})
        module = kind.partition("-")[0]
        application = APPLICATIONS[name]
        if kind == "granian" and application.startswith("benchmarks."):
            # It takes the path of a module, relative to the folder in which it is started.
            application = f"{ROOT}/{application.replace('.', '/')}"
        command = SERVERS[kind](self.host, self.port, application)
        self._command = [sys.executable, "-m", module, *command]
        self.collection = "/files" if name == BARE else "/files/uploads/"
        self.upload = upload_form if name == FORM else upload

    def processes(self) -> list[psutil.Process]:
        own = psutil.Process(self.pid)
        return [own, *own.children(recursive=True)]

    def cpu_seconds(self) -> float:
        return sum(times.user + times.system for times in (each.cpu_times() for each in self.processes()))

    def sum(self, counter: Callable[[int], int]) -> int:
        return sum(counter(process.pid) for process in self.processes())


def measure(server: Contender, source: Path, size: int) -> Measurement:
    server.upload(server, source, WARM_UP)
    for process in server.processes():
        proc.reset_peak(process.pid)
    idle, written, cpu = server.sum(proc.resident), server.sum(proc.written), server.cpu_seconds()
    seconds = server.upload(server, source, size)
    return Measurement(
        rate=size / seconds,
        cpu=(server.cpu_seconds() - cpu) / size,
        memory=server.sum(proc.peak_resident) - idle,
        written=(server.sum(proc.written) - written) / size,
    )


def upload(server: Contender, source: Path, size: int) -> float:
    """Upload by one PATCH, and return its seconds."""
    with Upload(server.port, server.collection, source, size) as sent:
        began = time.perf_counter()
        sent.create()
        sent.send(size)
        seconds = time.perf_counter() - began
        sent.delete()
    return seconds


def upload_form(server: Contender, source: Path, size: int) -> float:
    """Upload by one form, and return its seconds."""
    head = (
        b'--%b\r\nContent-Disposition: form-data; name="file"; filename="data.bin"\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n"
    ) % BOUNDARY
    tail = b"\r\n--%b--\r\n" % BOUNDARY
    connection = Connection(server.port)
    with source.open("rb") as file:
        began = time.perf_counter()
        headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY.decode()}"}
        connection.send("POST", "/api/assets/", headers, len(head) + size + len(tail))
        connection.send_bytes(head)
        connection.send_body(file.fileno(), 0, size)
        connection.send_bytes(tail)
        connection.receive(201)
        seconds = time.perf_counter() - began
    connection.close()
    for stored in (server.data_dir / "media").rglob("*"):
        if stored.is_file():
            stored.unlink()
    return seconds


Results = Mapping[str, Mapping[str, Sequence[Measurement]]]


def run(kinds: Sequence[str], size: int, rounds: int, folder: Path) -> Results:
    source = folder / "source"
    make_source(source, size)
    data_dir = folder / "data"
    data_dir.mkdir()
    manage("migrate", "--verbosity", "0", data_dir=data_dir)
    results: dict[str, dict[str, list[Measurement]]] = {kind: {name: [] for name in APPLICATIONS} for kind in kinds}
    for number in range(rounds):
        for kind, measured in results.items():
            for name in sorted(measured, key=lambda name: (list(measured).index(name) + number) % len(measured)):
                print(f"round {number + 1} of {rounds}: {kind}: {name}", file=sys.stderr, flush=True)
                with Contender(data_dir, kind, name) as server:
                    measured[name].append(measure(server, source, size))
    return results


def median(measured: Sequence[Measurement], value: Callable[[Measurement], float]) -> float:
    return statistics.median(map(value, measured))


def of_bare(each: Sequence[Measurement], bare: Sequence[Measurement]) -> float:
    """Return the median of the ratios of the rates in each round."""
    return statistics.median(own.rate / limit.rate for own, limit in zip(each, bare, strict=True))


def rows(results: Results) -> list[tuple[str, ...]]:
    return [
        (
            f"{kind}: {name}",
            f"{median(each, lambda m: m.rate) / MIB:,.0f} MiB/s",
            f"{of_bare(each, measured[BARE]):.2f}",
            f"{median(each, lambda m: m.cpu) * GIB:.2f} s",
            f"{median(each, lambda m: m.memory) / MIB:,.1f} MiB",
            f"{median(each, lambda m: m.written):.2f}",
        )
        for kind, measured in results.items()
        for name, each in measured.items()
    ]


def report(results: Results, size: int, rounds: int) -> str:
    versions = ", ".join(
        f"{name} {version(name)}" for name in ("Django", "uvicorn", "granian", "gunicorn", "hypercorn")
    )
    header = ("", "rate", "of bare", "CPU per GiB", "memory over idle", "written")
    return (
        f"One PATCH, or form, of {size // MIB:,} MiB. Medians of {rounds} rounds, {os.cpu_count()} processor cores, "
        f"Python {platform.python_version()}, {versions}.\n\n{table(header, rows(results))}\n"
    )


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=2048, help="MiB of the body (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="(%(default)s)")
    parser.add_argument("--server", action="append", choices=KINDS, help="more than one may be named (all)")
    parser.add_argument("--output", type=Path, help="write the report to this file too")
    options = parser.parse_args(arguments)
    raise_on_termination()
    with tempfile.TemporaryDirectory() as folder:
        results = run(options.server or KINDS, options.size * MIB, options.rounds, Path(folder))
    text = report(results, options.size * MIB, options.rounds)
    print(text)
    if options.output:
        options.output.write_text(text)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main(sys.argv[1:])
