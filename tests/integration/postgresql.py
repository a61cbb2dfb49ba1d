"""Databases of PostgreSQL for the example, where a server lets us in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from example_project.processes import manage

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
        try:
            manage("migrate", "--verbosity", "0", data_dir=data_dir, env=env)
            yield env
        finally:
            administration.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
