"""Lists of the API and the admin read no more of many rows than of few.

Of 50,000 rows; ``LARGEFILES_ROWS`` makes it so many.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from django_largefiles.admin.bounds import COUNTED_AT_MOST, NEWEST
from tests.integration import postgresql
from tests.integration.conftest import run_over
from tests.integration.postgresql import needs_postgresql

ROWS = int(os.environ.get("LARGEFILES_ROWS") or 50_000)

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120 + ROWS // 2000)]

LIMITS = {
    # Up to 200 rows of a page, and what is between them where the second of two conditions has no index.
    "API, ": 1000,
    # The newest are read to find where they end, counted twice and listed.
    "admin: words": 5 * (NEWEST + 100),
    "admin: reason": 2 * (NEWEST + 100),
    "admin: rare reason": 2 * (NEWEST + 100),
    # Counted, and the last page is found by its number.
    "admin: ": 2 * COUNTED_AT_MOST + 1000,
}
"""How many rows a request may examine, by how its name begins. The first that fits counts."""


@needs_postgresql
def test_how_many_rows_there_are_does_not_matter(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:  # needs_postgresql
    with postgresql.database(tmp_path) as env:
        output = run_over(env, "tests.integration.plans", str(ROWS), DJANGO_SETTINGS_MODULE="tests.settings")
    examined = json.loads(output)
    record_property("examined", examined)
    assert {name: rows for name, rows in examined.items() if rows > limit(name)} == {}


def limit(name: str) -> int:  # needs_postgresql
    return next(rows for beginning, rows in LIMITS.items() if name.startswith(beginning))
