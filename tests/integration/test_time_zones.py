"""A site without ``USE_TZ``, on each database: the tests that are about it, as each stores times in its own way."""

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
TESTS = ["tests/doors/test_authorisation.py", "tests/api/test_assets.py"]


@pytest.mark.parametrize(
    "url",
    [
        pytest.param(postgresql.URL, id="PostgreSQL", marks=needs_postgresql),
        pytest.param(mariadb.URL, id="MariaDB", marks=needs_mariadb),
    ],
)
def test_files_are_created_and_listed_without_time_zones(url: str) -> None:
    name = f"largefiles_{uuid4().hex}"
    env = {**os.environ, "TEST_DATABASE_URL": url + name, "TEST_DATABASE_NAME": name}
    chosen = ["-n", "0", "-m", "not integration", "-k", "time_zones or cursor"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *chosen, *TESTS]
    run = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr
