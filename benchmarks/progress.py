"""Measure streams of events: what many cost while nothing happens, and how soon a verdict reaches them.

Run from the root of a clone: ``make benchmark-progress``. It needs PostgreSQL, and Linux.
README.md in this folder explains what is measured, and how.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from example_project.processes import Server, raise_on_termination
from tests.integration import postgresql
from tests.integration.resumable import Upload

from .tables import table

ROOT = Path(__file__).resolve().parent.parent
KIB, MIB = 1024, 1024**2
TEXT = b"A text of no type that its name promises.\n" * 100
AT_ONCE = 50
NOTIFIER = "django_largefiles.progress.notifiers.postgresql.PostgresqlNotifier"
TRANSACTIONS = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()"


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """Of one server with its watchers. Times are in seconds."""

    memory: float
    """Bytes for each watcher."""
    cpu: float
    """Share of one processor, while nothing happens."""
    queries: float
    """Transactions of the database in a second, while nothing happens."""
    delays: Sequence[float]
    """From the answer that completes an upload to the event with its verdict, for each watcher of it."""


class Watchers:
    """Streams that are read, each of one upload."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._tasks: list[asyncio.Task[None]] = []
        self._limit = asyncio.Semaphore(AT_ONCE)
        self.arrivals: dict[str, list[float]] = defaultdict(list)

    async def open(self, asset_ids: Sequence[str]) -> None:
        """Return when each stream has told its first event."""
        self._tasks = await asyncio.gather(*map(self._open, asset_ids))

    async def end(self) -> None:
        await asyncio.gather(*self._tasks)

    async def _open(self, asset_id: str) -> asyncio.Task[None]:
        async with self._limit:
            reader, writer = await asyncio.open_connection(self._server.host, self._server.port)
            writer.write(
                f"GET /files/events/?asset={asset_id} HTTP/1.1\r\nHost: {self._server.host}:{self._server.port}\r\n"
                "Accept: text/event-stream\r\nConnection: close\r\n\r\n".encode()
            )
            await _next_state(reader)
        return asyncio.create_task(self._read(asset_id, reader, writer))

    async def _read(self, asset_id: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await _next_state(reader) != "rejected":
            pass
        self.arrivals[asset_id].append(time.monotonic())
        writer.close()


async def _next_state(reader: asyncio.StreamReader) -> str:
    while line := await reader.readline():
        if line.startswith(b"data: "):
            return str(json.loads(line.removeprefix(b"data: "))["state"])
    raise ConnectionError("the stream has ended")


@contextmanager
def serving(folder: Path, env: Mapping[str, str]) -> Iterator[tuple[Server, psycopg.Connection]]:
    with (
        postgresql.database(folder) as database,
        psycopg.connect(database["EXAMPLE_DATABASE_URL"], autocommit=True) as connection,
    ):
        settings = {
            "PYTHONPATH": str(ROOT),
            "DJANGO_SETTINGS_MODULE": "tests.integration.progress_settings",
            "EXAMPLE_ACCESS": "anyone",
            "EXAMPLE_ALLOWED_MIME_TYPES": "*/*",
            "EXAMPLE_DATABASE_POOL": "20",
            "PROGRESS_STREAMS": "100000",
        }
        with Server(data_dir=folder, kind="uvicorn", env={**settings, **database, **env}) as server:
            yield server, connection


def measure(folder: Path, options: argparse.Namespace, env: Mapping[str, str]) -> Measurement:
    with serving(folder, env) as (server, database):
        uploads = [Upload.create(server, len(TEXT)) for _ in range(options.assets)]
        return asyncio.run(_measure(server, database, uploads, options))


async def _measure(
    server: Server, database: psycopg.Connection, uploads: Sequence[Upload], options: argparse.Namespace
) -> Measurement:
    process = psutil.Process(server.pid)
    before = process.memory_info().rss
    watchers = Watchers(server)
    await watchers.open([uploads[number % len(uploads)].asset_id for number in range(options.watchers)])
    memory = (process.memory_info().rss - before) / options.watchers
    # Connections that have become idle report what they did before after ten seconds (PGSTAT_IDLE_INTERVAL).
    await asyncio.sleep(12)
    count, cpu, start = _transactions(database), sum(process.cpu_times()[:2]), time.monotonic()
    await asyncio.sleep(options.seconds)
    count, cpu, seconds = _transactions(database) - count, sum(process.cpu_times()[:2]) - cpu, time.monotonic() - start
    delays = [delay for upload in uploads for delay in await _complete(upload, watchers, options)]
    await watchers.end()
    return Measurement(memory=memory, cpu=cpu / seconds, queries=count / seconds, delays=delays)


async def _complete(upload: Upload, watchers: Watchers, options: argparse.Namespace) -> list[float]:
    """Return how long the watchers of an upload have waited for its verdict."""
    await asyncio.to_thread(upload.append, 0, TEXT)
    answered = time.monotonic()
    while len(watchers.arrivals[upload.asset_id]) < options.watchers // options.assets:
        await asyncio.sleep(0.01)
    return [max(0.0, arrival - answered) for arrival in watchers.arrivals[upload.asset_id]]


def _transactions(database: psycopg.Connection) -> int:
    row = database.execute(TRANSACTIONS).fetchone()
    assert row
    return int(row[0])


def report(results: Mapping[str, Measurement]) -> str:
    header = ("", "KiB each", "CPU %", "queries/s", "median ms", "95 % ms", "worst ms")
    return table(header, [_row(name, result) for name, result in results.items()])


def _row(name: str, result: Measurement) -> Sequence[str]:
    median, late = statistics.median(result.delays), statistics.quantiles(result.delays, n=20)[-1]
    return (
        name,
        f"{result.memory / KIB:.0f}",
        f"{result.cpu * 100:.0f}",
        f"{result.queries:.1f}",
        *(f"{delay * 1000:.0f}" for delay in (median, late, max(result.delays))),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--watchers", type=int, default=1000)
    parser.add_argument("--assets", type=int, default=50, help="uploads, each with the same number of watchers")
    parser.add_argument("--seconds", type=float, default=20, help="how long nothing happens")
    options = parser.parse_args()
    raise_on_termination()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    results = {}
    for name, env in {"by looks alone": {}, "with a notifier": {"PROGRESS_NOTIFIER": NOTIFIER}}.items():
        with tempfile.TemporaryDirectory() as folder:
            results[name] = measure(Path(folder), options, env)
    print(f"{options.watchers} streams of {options.assets} uploads, uvicorn, PostgreSQL")
    print(report(results))


if __name__ == "__main__":
    sys.exit(main())
