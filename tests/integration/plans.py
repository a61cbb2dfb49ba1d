"""What the lists of the API and of the admin read of many rows, in PostgreSQL.

Run with the number of rows, over an empty database. One user owns most of them, and what is rare is also the oldest,
so that whoever goes through the newest to find it goes through all. It prints, for each request, how many rows of the
assets its queries examined, as a JSON object.
"""

from __future__ import annotations

import json
import sys
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import django

django.setup()

from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from django_largefiles.models import FileAsset

TABLE = FileAsset._meta.db_table
NEW, OLD = "2026-11-01T00:00:00Z", "2026-10-31T23:00:00Z"
"""When the newest row was created, and some time between the newest and the oldest. A second is between each two."""

ROWS = f"""
INSERT INTO {TABLE} (
    id, owner_id, created_at, updated_at, original_name, size, sha256, state, profile, media_type, reason,
    storage, file, attachment, kept_when_orphaned, session, sha512, expected_sha256, expected_sha512, client_fields,
    declared_type, detail, stage, stage_done, attempts, claims, link_generation, title, extra_attributes,
    extraction_error, confinement, scan_verdict, scan_detail
)
SELECT
    gen_random_uuid(),
    CASE WHEN n %% 10 < 6 THEN %(ada)s WHEN n %% 10 < 9 THEN %(bob)s END,
    timestamptz '{NEW}' - n * interval '1 second',
    now(), 'Holiday ' || n || '.png', n, repeat(md5(n::text), 2),
    CASE WHEN n > %(rare)s AND n %% 2 = 0 THEN 'failed' WHEN n %% 100 = 0 THEN 'rejected' ELSE 'ready' END,
    CASE WHEN n > %(rare)s AND n %% 3 = 0 THEN 'videos' ELSE 'default' END,
    CASE WHEN n > %(rare)s AND n %% 5 = 0 THEN 'audio/mpeg' WHEN n %% 3 = 0 THEN 'video/mp4' ELSE 'image/png' END,
    CASE WHEN n > %(rare)s AND n %% 2 = 0 THEN 'worker_lost' WHEN n %% 100 = 0 THEN 'infected' ELSE '' END,
    'default', '', 'standalone', false, '', '', '', '', '{{}}', '', '', '', 0, 1, 1, 0, '', '{{}}', '', '', '', '[]'
FROM generate_series(1, %(count)s) AS n
"""

API = {
    "first page": {},
    "largest page": {"page_size": "200"},
    "oldest first": {"ordering": "created_at"},
    "deep page": {"cursor": b64encode(urlencode({"p": OLD}).encode()).decode()},
    "deep page, backwards": {"cursor": b64encode(urlencode({"r": 1, "p": OLD}).encode()).decode()},
    "common state": {"state": "ready"},
    "rare state": {"state": "failed"},
    "state of none": {"state": "processing"},
    "common profile": {"profile": "default"},
    "rare profile": {"profile": "videos"},
    "profile of none": {"profile": "manuals"},
    "common type": {"type": "image/png"},
    "rare type": {"type": "audio/mpeg"},
    "type of none": {"type": "text/csv"},
    "common family of types": {"type": "video/*"},
    "rare family of types": {"type": "audio/*"},
    "family of types of none": {"type": "text/*"},
    "since": {"created_after": OLD},
    "until": {"created_before": OLD},
    "until, oldest first": {"created_before": OLD, "ordering": "created_at"},
    "digest": {"sha256": "c4ca4238a0b923820dcc509a6f75849b" * 2},
    "rare state and rare type": {"state": "failed", "type": "audio/*"},
    "common state and rare profile": {"state": "ready", "profile": "videos"},
}

ADMIN = {
    "first page": {},
    "last page": {"p": "100"},
    "oldest first": {"o": "6"},
    "oldest first, last page": {"o": "6", "p": "100"},
    "common state": {"state__exact": "ready"},
    "rare state": {"state__exact": "failed"},
    "reason": {"reason": "infected"},
    "rare reason": {"reason": "worker_lost"},
    "common profile": {"profile": "default"},
    "rare profile": {"profile": "videos"},
    "since": {"created_at__gte": OLD},
    "until": {"created_at__lt": OLD},
    "words": {"q": "holiday png"},
    "words of none": {"q": "winter"},
    "digest": {"q": "c4ca4238a0b923820dcc509a6f75849b" * 2},
    "id of none": {"q": "5d130477-bf36-4f6c-97e6-82134ca2d58a"},
}


@contextmanager
def recorded() -> Iterator[list[tuple[str, Any]]]:
    """The queries of the assets, with their parameters."""
    queries = list[tuple[str, Any]]()

    def record(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("SELECT") and TABLE in sql:
            queries.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(record):
        yield queries


def examined(sql: str, params: Any) -> int:
    """Return how many rows, or entries of an index, a query looks at."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}", params)
        (plan,) = cursor.fetchone()
    return _examined(plan[0]["Plan"])


def _examined(node: Mapping[str, Any]) -> int:
    below = sum(map(_examined, node.get("Plans", ())))
    if "Scan" not in node["Node Type"]:
        return below
    looked_at = sum(
        node.get(rows, 0) for rows in ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
    )
    return below + int(looked_at * node["Actual Loops"])


def measure(client: Client, url: str, query: Mapping[str, str]) -> int:
    with recorded() as queries:
        response = client.get(url, query)
    assert response.status_code == 200, (url, query, response.status_code, response.content[:500])
    assert queries, f"no query of {url} was recorded"
    return sum(examined(*each) for each in queries)


def fill(count: int) -> Mapping[str, User]:
    users = {
        "staff": User.objects.create_superuser("staff"),
        "ada, who has most": User.objects.create_user("ada"),
        "bob": User.objects.create_user("bob"),
        "eve, who has none": User.objects.create_user("eve"),
    }
    ids = {"ada": users["ada, who has most"].pk, "bob": users["bob"].pk}
    with connection.cursor() as cursor, without_indexes(cursor):
        cursor.execute(ROWS, {**ids, "count": count, "rare": count - 1000})
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM ANALYZE {TABLE}")
    return users


@contextmanager
def without_indexes(cursor: Any) -> Iterator[None]:
    """Make the indexes anew after the block: to sort a million keys takes less than to insert each."""
    cursor.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s AND indexname NOT LIKE '%%_pkey'", [TABLE]
    )
    indexes = cursor.fetchall()
    for name, _definition in indexes:
        cursor.execute(f'DROP INDEX "{name}"')
    yield
    for _name, definition in indexes:
        cursor.execute(definition)


def run(count: int) -> Iterator[tuple[str, int]]:
    client = Client()
    for user_name, user in fill(count).items():
        client.force_login(user)
        for name, query in API.items():
            yield f"API, {user_name}: {name}", measure(client, "/api/assets/", query)
        if user.is_staff:
            for name, query in ADMIN.items():
                yield f"admin: {name}", measure(client, "/admin/django_largefiles/fileasset/", query)
            yield "admin: overview", measure(client, "/admin/django_largefiles/fileasset/overview/", {})


if __name__ == "__main__":
    json.dump(dict(run(int(sys.argv[1]))), sys.stdout)
