"""Compare downloads with nginx, which serves the same file itself, and with Django's own ``FileResponse``.

Run from the root of a clone: ``make benchmark-delivery``, or ``python -m benchmarks.delivery --rounds 5``. Linux only.
README.md in this folder explains what is measured, and how.
"""

from __future__ import annotations

import argparse
import os
import platform
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import psutil

from example_project.processes import LOOPBACK, SERVERS, Process, Server, free_port, manage, raise_on_termination
from tests.integration.nginx import PROGRAM

from . import proc
from .resumable import GIB, MIB
from .tables import table

ROOT = Path(__file__).resolve().parent.parent
KINDS = ("gunicorn", "granian-wsgi", "uvicorn", "granian", "gunicorn-asgi", "hypercorn")
NGINX, OURS, DJANGO, ACCELERATED = "nginx", "django-largefiles", "FileResponse", "X-Accel-Redirect"
PATHS = {OURS: "/files/assets/{}/download/", DJANGO: "/plain"}
INTERNAL = "/largefiles-internal/"

CONFIGURATION = """
daemon off;
master_process off;
user root;
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    server {{
        listen {host}:{port};
        {locations}
    }}
}}
"""

ACCELERATING = """
location / {{ proxy_pass {django}; }}
location {internal} {{ internal; alias {media}/; }}
"""


class Static(Process):
    """nginx, which serves a folder, or what else ``locations`` say."""

    def __init__(self, data_dir: Path, locations: str) -> None:
        self.host, self.port = LOOPBACK, free_port(LOOPBACK)
        folder = data_dir / f"nginx-{self.port}"
        folder.mkdir()
        file = folder / "nginx.conf"
        file.write_text(CONFIGURATION.format(folder=folder, host=self.host, port=self.port, locations=locations))
        super().__init__(f"nginx-{self.port}", [PROGRAM or "nginx", "-c", str(file)], data_dir=data_dir, env={})

    def _is_ready(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((self.host, self.port)) == 0


@dataclass(frozen=True, kw_only=True)
class Measurement:
    rate: float
    """Bytes per second, of all streams together."""
    cpu: float
    """Seconds of all processes of the server, per byte."""
    memory: int
    """Bytes of the peak above the idle server."""
    later: int
    """The same after all downloads in a row."""


def processes(server: Process) -> list[psutil.Process]:
    own = psutil.Process(server.pid)
    return [own, *own.children(recursive=True)]


def cpu_seconds(server: Process) -> float:
    return sum(times.user + times.system for times in (each.cpu_times() for each in processes(server)))


def measure(server: Server | Static, path: str, size: int, streams: int, downloads: int) -> Measurement:
    """Measure the first of so many ``downloads`` in a row, and the memory of all."""
    fetch(server, "/", 0)
    for process in processes(server):
        proc.reset_peak(process.pid)
    idle = sum(proc.resident(process.pid) for process in processes(server))
    cpu = cpu_seconds(server)
    began = time.perf_counter()
    with ThreadPoolExecutor(streams) as pool:
        list(pool.map(lambda _: fetch(server, path, size), range(streams)))
    seconds = time.perf_counter() - began
    cpu = cpu_seconds(server) - cpu
    peak = peak_resident(server)
    for _ in range(downloads - 1):
        fetch(server, path, size)
    total = size * streams
    later = peak_resident(server) - idle
    return Measurement(rate=total / seconds, cpu=cpu / total, memory=peak - idle, later=later)


def peak_resident(server: Process) -> int:
    return sum(proc.peak_resident(process.pid) for process in processes(server))


def fetch(server: Server | Static, path: str, size: int) -> None:
    buffer = memoryview(bytearray(MIB))
    with socket.create_connection((server.host, server.port), timeout=120) as connection:
        host = f"{server.host}:{server.port}"
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        received = 0
        while count := connection.recv_into(buffer):
            received += count
    if received < size:
        raise ConnectionError(f"{server.name} sent {received} of {size} bytes")


Results = Mapping[tuple[str, str], Sequence[Measurement]]


def run(options: argparse.Namespace, folder: Path) -> Results:
    size = options.size * MIB
    file = folder / "file.bin"
    with file.open("wb") as content:
        content.truncate(size)
    env = {
        "PYTHONPATH": str(ROOT),
        "EXAMPLE_ACCESS": "anyone",
        "EXAMPLE_ALLOWED_MIME_TYPES": "*/*",
        "DJANGO_SETTINGS_MODULE": "benchmarks.delivery_site",
    }
    manage("migrate", "--verbosity", "0", data_dir=folder, env=env)
    asset_id = manage("largefiles_ingest", str(file), data_dir=folder, env=env).split()[0]
    (stored,) = (path for path in (folder / "media").rglob("*") if path.is_file())
    # Read once, so that the disk does not matter.
    with stored.open("rb") as content:
        while content.read(MIB):
            pass
    contenders = [(NGINX, ""), (NGINX, ACCELERATED), *((kind, name) for kind in options.servers for name in PATHS)]
    results: dict[tuple[str, str], list[Measurement]] = {key: [] for key in contenders}
    for number in range(options.rounds):
        for kind, name in [*results][number % len(results) :] + [*results][: number % len(results)]:
            print(f"round {number + 1} of {options.rounds}: {kind} {name}", file=sys.stderr, flush=True)
            with ExitStack() as stack:
                if name == ACCELERATED:
                    accelerated = {"EXAMPLE_DELIVERY": "x-accel"}
                    django = stack.enter_context(Server(data_dir=folder, kind="gunicorn", env={**env, **accelerated}))
                    locations = ACCELERATING.format(django=django.url, internal=INTERNAL, media=folder / "media")
                    server: Server | Static = Static(folder, locations)
                    path = PATHS[OURS].format(asset_id)
                elif kind == NGINX:
                    server = Static(folder, f"root {stored.parent};")
                    path = f"/{stored.name}"
                else:
                    server = Server(data_dir=folder, kind=kind, env={**env, "PLAIN_FILE": str(stored)})
                    path = PATHS[name].format(asset_id)
                stack.enter_context(server)
                results[kind, name].append(measure(server, path, size, options.streams, options.downloads))
    return results


def median(measured: Sequence[Measurement], value: Callable[[Measurement], float]) -> float:
    return statistics.median(map(value, measured))


def rows(results: Results) -> list[tuple[str, ...]]:
    limit = results[NGINX, ""]
    return [
        (
            f"{kind}: {name}" if name else kind,
            f"{median(each, lambda m: m.rate) / MIB:,.0f} MiB/s",
            f"{statistics.median(own.rate / of.rate for own, of in zip(each, limit, strict=True)):.2f}",
            f"{median(each, lambda m: m.cpu) * GIB:.2f} s",
            f"{median(each, lambda m: m.memory) / MIB:,.1f} MiB",
            f"{median(each, lambda m: m.later) / MIB:,.1f} MiB",
        )
        for (kind, name), each in results.items()
    ]


HEADER = ("", "rate", "of nginx", "CPU per GiB", "memory over idle", "after all")


def report(results: Results, options: argparse.Namespace) -> str:
    packages = ("Django", "gunicorn", "granian", "uvicorn", "hypercorn")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return (
        f"{options.streams} at once, each of {options.size:,} MiB. Medians of {options.rounds} rounds, "
        f"{os.cpu_count()} processor cores, Python {platform.python_version()}, {versions}.\n\n"
        f"{table(HEADER, rows(results))}\n"
    )


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=2048, help="MiB of the file (%(default)s)")
    parser.add_argument("--streams", type=int, default=1, help="downloads at once (%(default)s)")
    parser.add_argument("--downloads", type=int, default=1, help="in a row; the first is measured (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="(%(default)s)")
    parser.add_argument("--servers", nargs="+", choices=SERVERS, default=KINDS)
    parser.add_argument("--output", type=Path, help="write the report to this file too")
    options = parser.parse_args(arguments)
    raise_on_termination()
    with tempfile.TemporaryDirectory() as folder:
        results = run(options, Path(folder))
    text = report(results, options)
    print(text)
    if options.output:
        options.output.write_text(text)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main(sys.argv[1:])
