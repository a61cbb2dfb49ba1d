"""Databases of PostgreSQL for the example, where a server lets us in."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from example_project.processes import free_port, manage

URL = "postgres://postgres@127.0.0.1:5432/"


def why_no_postgresql() -> str:  # needs_postgresql
    try:
        psycopg.connect(f"{URL}postgres", connect_timeout=5).close()
    except psycopg.OperationalError as error:
        return f"PostgreSQL does not let us in at {URL}: {error}"
    return ""


needs_postgresql = pytest.mark.skipif(bool(why_no_postgresql()), reason=why_no_postgresql() or "it is there")


@contextmanager
def database(data_dir: Path) -> Iterator[Mapping[str, str]]:  # needs_postgresql
    """A new one, migrated, as the example's environment names it. It is dropped in the end, whoever uses it."""
    name = f"largefiles_{uuid4().hex}"
    env = {"EXAMPLE_DATABASE_URL": URL + name}
    with psycopg.connect(f"{URL}postgres", autocommit=True) as administration:
        administration.execute(f'CREATE DATABASE "{name}"')
        # The tests kill processes and not the server, which then need not wait for its disk.
        administration.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
        try:
            manage("migrate", "--verbosity", "0", data_dir=data_dir, env=env)
            yield env
        finally:
            administration.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def programs() -> Path | None:
    """The folder of the server's programs, which Debian does not put on the path."""
    found = shutil.which("initdb")
    if found:  # needs_postgresql
        return Path(found).parent
    return next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)  # needs_initdb


needs_own_postgresql = pytest.mark.skipif(
    programs() is None or os.geteuid() != 0, reason="PostgreSQL is not installed, or tests may not run it as its user"
)


@contextmanager
def own_server(folder: Path, *settings: str) -> Iterator[str]:  # needs_postgresql
    """A server with its data in ``folder``, which must not exist, and the URL of its database."""
    bin_folder, port = programs(), free_port()
    assert bin_folder
    folder.mkdir(mode=0o700)
    shutil.chown(folder, "postgres", "postgres")
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    as_its_user = {"user": "postgres", "group": "postgres", "cwd": "/", **silent}
    command = [bin_folder / "initdb", "--pgdata", folder, "--username", "postgres", "--wal-segsize", "1"]
    subprocess.run([*command, "--auth", "trust", "--encoding", "UTF8"], check=True, **as_its_user)  # type: ignore[call-overload]
    options = ["listen_addresses=127.0.0.1", f"port={port}", "unix_socket_directories=", "fsync=off", *settings]
    server = subprocess.Popen(  # type: ignore[call-overload]
        [bin_folder / "postgres", "-D", folder, *(word for option in options for word in ("-c", option))],
        **as_its_user,
    )
    url = f"postgres://postgres@127.0.0.1:{port}/postgres"
    try:
        _wait_for(url)
        yield url
    finally:
        # A fast shutdown: it does not wait for the connections of clients.
        server.send_signal(signal.SIGINT)
        server.wait(30)


def _wait_for(url: str) -> None:  # needs_postgresql
    deadline = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.OperationalError:
            assert time.monotonic() < deadline, f"{url} did not answer"
            time.sleep(0.1)
        else:
            return
