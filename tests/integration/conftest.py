"""The example project as its users run it: a web server and a worker, each in processes of its own."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rest_framework", reason="Django REST framework is not installed")

from example_project.client import Client
from example_project.processes import Beat, Process, Server, Worker, manage
from tests.conftest import png

REPOSITORY = Path(__file__).resolve().parent.parent.parent
ANYTHING = {"EXAMPLE_ALLOWED_MIME_TYPES": "*/*"}


class Example:
    """One data folder, and the processes that work on it. They are killed in the end: nobody waits for them."""

    def __init__(self, data_dir: Path, stack: ExitStack) -> None:
        self.data_dir = data_dir
        self.media = data_dir / "media"
        self.env = {"EXAMPLE_ACCESS": "anyone", "PYTHONPATH": str(REPOSITORY)}
        self._stack = stack

    def server(
        self, *, kind: str = "gunicorn", options: Sequence[str] = (), env: Mapping[str, str] | None = None
    ) -> Server:
        server = Server(data_dir=self.data_dir, kind=kind, options=options, env={**self.env, **(env or {})})
        self._start(server)
        return server

    def worker(
        self, *, name: str = "worker", beat: bool = True, concurrency: int = 2, env: Mapping[str, str] | None = None
    ) -> Worker:
        worker = Worker(
            data_dir=self.data_dir, name=name, beat=beat, concurrency=concurrency, env={**self.env, **(env or {})}
        )
        self._start(worker)
        return worker

    def beat(self, *, env: Mapping[str, str] | None = None) -> Beat:
        beat = Beat(data_dir=self.data_dir, env={**self.env, **(env or {})})
        self._start(beat)
        return beat

    def stored(self) -> list[str]:
        return sorted(str(path.relative_to(self.media)) for path in self.media.rglob("*") if path.is_file())

    def incoming(self) -> int:
        """Bytes of uploads that are not complete."""
        return sum(path.stat().st_size for path in self.media.glob(".incoming/*") if path.suffix != ".fence")

    def column(self, name: str) -> list[Any]:
        """One column of all assets, straight from the database."""
        return [row[0] for row in self.rows(f"SELECT {name} FROM django_largefiles_fileasset")]

    def rows(self, query: str) -> list[Any]:
        with closing(sqlite3.connect(self.data_dir / "db.sqlite3", timeout=20)) as database:
            return list(database.execute(query))

    def leases(self) -> list[Any]:
        """The tokens of the requests that write to uploads."""
        return self.rows("SELECT lease_token FROM django_largefiles_upload")

    def signals(self) -> list[str]:
        """The names of those that were sent, where ``tests.integration.settings`` are in use."""
        return [line.split()[0] for line in (self.data_dir / "signals.log").read_text().splitlines()]

    def _start(self, process: Process) -> None:
        self._stack.callback(process.kill)
        process.start()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data_dir = tmp_path_factory.mktemp("migrated")
    manage("migrate", "--verbosity", "0", data_dir=data_dir)
    return data_dir


@pytest.fixture
def example(tmp_path: Path, migrated: Path) -> Iterator[Example]:
    data_dir = shutil.copytree(migrated, tmp_path / "data")
    with ExitStack() as stack:
        yield Example(data_dir, stack)
    # Gigabytes; pytest keeps the folders of the last three runs.
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    path.write_bytes(png(padding=5000))
    return path


def client_of(server: Server) -> Client:
    return Client(host=server.host, port=server.port)


def io_counters(pids: list[int], counter: str) -> int:
    """A sum over ``/proc/PID/io``: ``rchar`` and ``wchar`` are the bytes that passed through read and write calls."""
    total = 0
    for pid in pids:
        lines = Path(f"/proc/{pid}/io").read_text().splitlines()
        total += next(int(line.split()[1]) for line in lines if line.startswith(counter))
    return total


@pytest.fixture
def wait_for() -> Callable[..., None]:
    """Polls what other processes do; fails when ``condition`` does not come true within ``patience`` seconds."""

    def wait_for(condition: Callable[[], object], *, patience: float = 60) -> None:
        deadline = time.monotonic() + patience
        while not condition():
            assert time.monotonic() < deadline, f"not within {patience} s"
            time.sleep(0.05)

    return wait_for


def run_over(env: Mapping[str, str], module: str, *arguments: str, **environment: str) -> str:
    """Run a module of the tests over a database, as the example's environment names it, and return what it prints."""
    environment = {**os.environ, "TEST_DATABASE_URL": env["EXAMPLE_DATABASE_URL"], **environment}
    for command in (["django", "migrate", "-v", "0"], [module, *arguments]):
        run = subprocess.run(
            [sys.executable, "-m", *command], cwd=REPOSITORY, env=environment, capture_output=True, text=True
        )
        assert run.returncode == 0, f"{command}\n{run.stdout}{run.stderr}"
    return run.stdout
