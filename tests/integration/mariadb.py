"""Databases of MariaDB for the example, where a server lets us in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import uuid4

import pymysql
import pytest

from example_project.processes import manage

URL = "mysql://root@127.0.0.1:3306/"
SETTINGS = {"DJANGO_SETTINGS_MODULE": "tests.integration.hurried_settings"}
"""Those that bring the driver."""


def connect() -> pymysql.Connection:
    return pymysql.connect(host="127.0.0.1", port=3306, user="root", connect_timeout=5)


def why_no_mariadb() -> str:  # needs_mariadb
    try:
        connect().close()
    except pymysql.MySQLError as error:
        return f"MariaDB does not let us in at {URL}: {error}"
    return ""


needs_mariadb = pytest.mark.skipif(bool(why_no_mariadb()), reason=why_no_mariadb() or "it is there")


@contextmanager
def database(data_dir: Path) -> Iterator[Mapping[str, str]]:  # needs_mariadb
    """A new one, migrated, as the example's environment names it. It is dropped in the end, whoever uses it."""
    name = f"largefiles_{uuid4().hex}"
    env = {**SETTINGS, "EXAMPLE_DATABASE_URL": URL + name}
    with closing(connect()) as connection, connection.cursor() as administration:
        administration.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        try:
            manage("migrate", "--verbosity", "0", data_dir=data_dir, env=env_with_path(env))
            yield env
        finally:
            administration.execute(f"DROP DATABASE {name}")


def env_with_path(env: Mapping[str, str]) -> Mapping[str, str]:  # needs_mariadb
    return {**env, "PYTHONPATH": str(Path(__file__).resolve().parent.parent.parent)}
