"""Rows and their files, saved, changed and deleted by processes that are killed at random moments.

Three rounds over each database; ``LARGEFILES_CHAOS_ROUNDS`` makes it so many, and ``LARGEFILES_CHAOS_SEED`` the same
ones again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from random import randrange

import pytest

from tests.integration import mariadb, postgresql
from tests.integration.conftest import run_over
from tests.integration.mariadb import needs_mariadb
from tests.integration.postgresql import needs_postgresql

ROUNDS = int(os.environ.get("LARGEFILES_CHAOS_ROUNDS") or 3)

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180 + 10 * ROUNDS)]


@contextmanager
def sqlite(data_dir: Path) -> Iterator[Mapping[str, str]]:
    yield {"EXAMPLE_DATABASE_URL": f"sqlite:///{data_dir / 'rows.sqlite3'}"}


@pytest.mark.parametrize(
    "database",
    [
        pytest.param(sqlite, id="SQLite"),
        pytest.param(postgresql.database, id="PostgreSQL", marks=needs_postgresql),
        pytest.param(mariadb.database, id="MariaDB", marks=needs_mariadb),
    ],
)
def test_whoever_is_killed_no_row_loses_its_file_and_nothing_else_is_left(
    database: Callable[[Path], AbstractContextManager[Mapping[str, str]]],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    seed = os.environ.get("LARGEFILES_CHAOS_SEED") or randrange(2**32)
    media = tmp_path / "media"
    media.mkdir()
    with database(tmp_path) as env:
        settings = {"DJANGO_SETTINGS_MODULE": "tests.integration.rows_settings", "ROWS_MEDIA_ROOT": str(media)}
        made = run_over(env, "tests.integration.rows", str(ROUNDS), str(seed), **settings)
    record_property("made", made.strip())
