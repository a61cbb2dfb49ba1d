"""Processing over real brokers and databases, with processes killed at random moments.

Two rounds for each of three pairs; ``LARGEFILES_CHAOS_ROUNDS`` makes it so many for each of all six, and
``LARGEFILES_CHAOS_SEED`` the same ones again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from random import randrange
from typing import TypeAlias

import pytest

from tests.conftest import png
from tests.integration import brokers, mariadb, postgresql
from tests.integration.brokers import Broker, needs_rabbitmq, needs_redis
from tests.integration.conftest import Example
from tests.integration.crashes import Crashes, Sample, Site
from tests.integration.mariadb import needs_mariadb
from tests.integration.postgresql import needs_postgresql

pytestmark = pytest.mark.integration

ROUNDS = int(os.environ.get("LARGEFILES_CHAOS_ROUNDS", "2"))
MANY = "LARGEFILES_CHAOS_ROUNDS" in os.environ
MAX_ATTEMPTS = 5

Brokers: TypeAlias = Callable[[Path], AbstractContextManager[Broker]]
Databases: TypeAlias = Callable[[Path], AbstractContextManager[Mapping[str, str]]]


@contextmanager
def sqlite(data_dir: Path) -> Iterator[Mapping[str, str]]:
    """The example's own."""
    yield {}


BROKERS = {"Redis": (brokers.redis, needs_redis), "RabbitMQ": (brokers.rabbitmq, needs_rabbitmq)}
DATABASES = {
    "SQLite": (sqlite, ()),
    "PostgreSQL": (postgresql.database, (needs_postgresql,)),
    "MariaDB": (mariadb.database, (needs_mariadb,)),
}
FEW = [("Redis", "SQLite"), ("RabbitMQ", "PostgreSQL"), ("Redis", "MariaDB")]
ALL = [(broker, database) for broker in BROKERS for database in DATABASES]


@pytest.mark.timeout(180 + 60 * ROUNDS)
@pytest.mark.parametrize(
    ("broker", "database"),
    [
        pytest.param(
            BROKERS[broker][0],
            DATABASES[database][0],
            marks=[BROKERS[broker][1], *DATABASES[database][1]],
            id=f"{broker} and {database}",
        )
        for broker, database in (ALL if MANY else FEW)
    ],
)
def test_whoever_is_killed_each_asset_ends_as_it_should_and_nothing_is_left(
    broker: Brokers,
    database: Databases,
    example: Example,
    tmp_path: Path,
    wait_for: Callable[..., None],
    record_property: Callable[[str, object], None],
) -> None:
    with broker(tmp_path) as queue, database(example.data_dir) as env:
        crashes = Crashes(
            Site(example, queue, env), seed=int(os.environ.get("LARGEFILES_CHAOS_SEED") or randrange(2**32))
        )
        crashes.run(ROUNDS)
        record_property("signals sent twice", crashes.check_the_signals(wait_for))
        record_property("assets by executions", str(crashes.attempts()))
        crashes.check_that_nothing_is_left(wait_for)


POISONS = {
    "killed": ("gave_up", "5 workers stopped without an answer"),
    "segfault": ("gave_up", "5 workers stopped without an answer"),
    "deaf": ("gave_up", "5 workers stopped without an answer"),
    "out_of_memory": ("gave_up", "MemoryError"),
    "too_long": ("gave_up", "SoftTimeLimitExceeded"),
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "broker",
    [
        pytest.param(brokers.redis, id="Redis", marks=needs_redis),
        pytest.param(brokers.rabbitmq, id="RabbitMQ", marks=needs_rabbitmq),
    ],
)
def test_a_file_that_kills_its_workers_is_given_up_after_so_many_attempts(
    broker: Brokers,
    example: Example,
    tmp_path: Path,
    wait_for: Callable[..., None],
    record_property: Callable[[str, object], None],
) -> None:
    with broker(tmp_path) as queue:
        site = Site(example, queue, {"HURRY_SOFT_TIME_LIMIT": "1"})
        sent = {
            poison: site.upload(Sample(name="poison.png", head=png(1, 1) + f"poison: {poison}".encode()))
            for poison in POISONS
        }
        for poison, expected in POISONS.items():
            asset = site.client.wait_until_settled(sent[poison], patience=150)
            assert (asset["state"], (asset["reason"], asset["detail"])) == ("failed", expected)
        site.beat.stop()
        wait_for(lambda: queue.messages() == 0)
        attempts = example.rows("SELECT attempts FROM django_largefiles_fileasset")
        assert attempts == [(MAX_ATTEMPTS,)] * len(POISONS)
        executions = (example.data_dir / "executions.log").read_text().splitlines()
        for poison, asset_id in sent.items():
            count = executions.count(asset_id)
            record_property(f"executions of {poison}", count)
            # Each attempt, and each message that comes again and finds nothing to do.
            assert MAX_ATTEMPTS <= count <= 3 * MAX_ATTEMPTS
            assert [call.name for call in site.heard()[asset_id]] == ["received", "failed"]
        # They disturb nobody else.
        well = site.upload(Sample(name="well.png", head=png(1, 1)))
        assert site.client.wait_until_settled(well, patience=60)["state"] == "ready"
