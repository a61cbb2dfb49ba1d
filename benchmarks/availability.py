"""Measure how long other requests wait while slow clients send and read.

Run from the root of a clone: ``make availability``. It needs PostgreSQL, and psycopg with its pool.
README.md in this folder explains what is measured, and how.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import psutil

from example_project.client import Client
from example_project.processes import Server, manage, raise_on_termination
from tests.integration import postgresql
from tests.integration.slow import SlowDownload, SlowUpload

from . import proc
from .tables import table

ROOT = Path(__file__).resolve().parent.parent
KIB = 1024
MIB = 1024 * KIB
STEP = 64 * KIB
PATIENCE = 60
PAGES = ("/", "/api/assets/")
FORK = multiprocessing.get_context("fork")


@contextmanager
def serving(folder: Path, options: argparse.Namespace) -> Iterator[tuple[Server, str]]:
    """Run a server that has one ready asset, and yield the two. No worker processes what is uploaded."""
    with postgresql.database(folder) as database:
        env = {
            "PYTHONPATH": str(ROOT),
            "EXAMPLE_ACCESS": "anyone",
            "EXAMPLE_ALLOWED_MIME_TYPES": "*/*",
            "EXAMPLE_DATABASE_POOL": str(options.pool),
            **database,
        }
        asset_id = ingested(folder, env, options.length * MIB)
        threads = ["--threads", str(options.threads)] if options.server == "gunicorn" else []
        with Server(data_dir=folder, kind=options.server, options=threads, env=env) as server:
            yield server, asset_id


def ingested(folder: Path, env: Mapping[str, str], length: int) -> str:
    """Return the id of an asset that is processed at once."""
    file = folder / "data.bin"
    file.write_bytes(bytes(length))
    immediate = {**env, "DJANGO_SETTINGS_MODULE": "tests.integration.immediate_settings"}
    return manage("largefiles_ingest", str(file), data_dir=folder, env=immediate).split()[0]


def steps(transfer: Callable[[int], object], length: int, seconds: float) -> None:
    """Move all bytes but the last, evenly over ``seconds``."""
    count = length // STEP - 1
    began = time.monotonic()
    for number in range(count):
        transfer(STEP)
        time.sleep(max(0.0, began + seconds * (number + 1) / count - time.monotonic()))


def upload(client: SlowUpload, length: int, seconds: float) -> bool:
    steps(client.send, length, seconds)
    return client.finish().status == 204


def download(client: SlowDownload, length: int, seconds: float) -> bool:
    steps(client.read, length, seconds)
    client.finish()
    return client.status == 200


def durations(clients: int, seconds: float) -> list[float]:
    """Return how long each client takes, up to half as long again: otherwise all would end in the same moment."""
    return [seconds * (1 + number / (2 * clients)) for number in range(clients)]


def times(server: Server, until: Event) -> list[float]:
    """Return the seconds that other requests took, one after the other. Raise ``AssertionError`` for an error."""
    client, taken = Client(host=server.host, port=server.port), list[float]()
    while not until.is_set():
        for page in PAGES:
            began = time.perf_counter()
            status = client.status(page)
            taken.append(time.perf_counter() - began)
            assert status == 200, f"{page} was answered {status}"
    return taken


def measure(server: Server, asset_id: str, options: argparse.Namespace) -> tuple[list[float], int]:
    """Return the seconds that other requests took, and how many slow clients were served."""
    # In a process of their own, the threads of the clients do not hold up the requests that are measured.
    served, all_began, all_ended = FORK.Value("i", 0), FORK.Event(), FORK.Event()
    clients = FORK.Process(target=serve_slowly, args=(server, asset_id, options, served, all_began, all_ended))
    clients.start()
    while not all_began.wait(1):
        assert clients.is_alive(), "the slow clients could not begin"
    taken = times(server, all_ended)
    clients.join()
    return taken, served.value


def serve_slowly(
    server: Server, asset_id: str, options: argparse.Namespace, served: Any, all_began: Event, all_ended: Event
) -> None:
    length = options.length * MIB
    try:
        with ExitStack() as stack, ThreadPoolExecutor(options.uploads + options.downloads) as pool:
            running = list[Future[bool]]()
            for seconds in durations(options.downloads, options.seconds):
                reader = stack.enter_context(SlowDownload(server, asset_id, patience=PATIENCE))
                running.append(pool.submit(download, reader, length, seconds))
            for seconds in durations(options.uploads, options.seconds):
                writer = stack.enter_context(SlowUpload(server, length, patience=PATIENCE))
                running.append(pool.submit(upload, writer, length, seconds))
            all_began.set()
            wait(running)
            served.value = sum(future.exception() is None and future.result() for future in running)
    finally:
        all_ended.set()


def resident(server: Server) -> int:
    own = psutil.Process(server.pid)
    return sum(proc.peak_resident(process.pid) for process in [own, *own.children(recursive=True)])


def report(name: str, taken: list[float], memory: float) -> str:
    quantiles = statistics.quantiles(taken, n=20)
    figures = (statistics.median(taken), quantiles[-1], max(taken))
    header = ["", "requests", "median ms", "95 % ms", "worst ms", "MiB a client"]
    row = [name, str(len(taken)), *(f"{1000 * figure:.0f}" for figure in figures), f"{memory / MIB:.2f}"]
    return table(header, [row])


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", choices=["gunicorn", "gunicorn-asgi", "uvicorn", "granian"], default="gunicorn")
    parser.add_argument("--threads", type=int, default=64, help="threads of gunicorn")
    parser.add_argument("--uploads", type=int, default=30)
    parser.add_argument("--downloads", type=int, default=30)
    parser.add_argument("--pool", type=int, default=10, help="connections to PostgreSQL")
    parser.add_argument("--length", type=int, default=12, help="MiB of each transfer (%(default)s)")
    parser.add_argument("--seconds", type=float, default=20, help="how long the fastest upload takes")
    return parser.parse_args()


def main() -> int:
    raise_on_termination()
    options = parse()
    with tempfile.TemporaryDirectory() as name, serving(Path(name), options) as (server, asset_id):
        idle = resident(server)
        taken, served = measure(server, asset_id, options)
        memory = (resident(server) - idle) / (options.uploads + options.downloads)
    clients = f"{options.uploads} uploads, {options.downloads} downloads, pool of {options.pool}"
    print(report(f"{options.server}: {clients}", taken, memory))
    print(f"{served} of {options.uploads + options.downloads} slow clients were served.")
    return 0 if served == options.uploads + options.downloads else 1


if __name__ == "__main__":
    sys.exit(main())
