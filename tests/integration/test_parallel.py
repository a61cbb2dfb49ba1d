"""The tests that need a database with several connections, on each of them, at every level of isolation."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from tests.integration import mariadb, postgresql
from tests.integration.mariadb import needs_mariadb
from tests.integration.postgresql import needs_postgresql

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("sqlite://:memory:", id="SQLite"),
        pytest.param(postgresql.URL, id="PostgreSQL", marks=needs_postgresql),
        pytest.param(mariadb.URL, id="MariaDB", marks=needs_mariadb),
    ],
)
@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    "selected",
    [
        pytest.param(("tests/test_usage.py", "-k", "parallel"), id="quota"),
        pytest.param(("tests/fields/test_races.py",), id="attachments"),
    ],
)
def test_several_at_once_agree(selected: tuple[str, ...], url: str, tmp_path: Path) -> None:
    name = f"largefiles_{uuid4().hex}"
    memory = url.startswith("sqlite")
    env = {
        **os.environ,
        "TEST_DATABASE_URL": url if memory else url + name,
        "TEST_DATABASE_NAME": str(tmp_path / "database.sqlite3") if memory else name,
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *selected]
    run = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=360)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "skipped" not in run.stdout
