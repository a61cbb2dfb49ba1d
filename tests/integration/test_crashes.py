"""Processing over real brokers and databases, with processes killed at random moments.

Two rounds without servers, and two over each server that is there. ``LARGEFILES_CHAOS_ROUNDS`` makes it so many for
each pair of a broker and a database, and ``LARGEFILES_CHAOS_SEED`` the same ones again.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from itertools import product
from pathlib import Path
from random import randrange
from typing import TypeAlias

import pytest
from _pytest.mark.structures import ParameterSet

from tests.conftest import png
from tests.integration import brokers, mariadb, postgresql, resumable
from tests.integration.brokers import Broker, needs_rabbitmq, needs_redis
from tests.integration.conftest import Example
from tests.integration.crashes import Crashes, Sample, Site
from tests.integration.mariadb import needs_mariadb
from tests.integration.postgresql import needs_postgresql

pytestmark = pytest.mark.integration

ROUNDS = os.environ.get("LARGEFILES_CHAOS_ROUNDS")
MAX_ATTEMPTS = 5

Brokers: TypeAlias = Callable[[Path], AbstractContextManager[Broker]]
Databases: TypeAlias = Callable[[Path], AbstractContextManager[Mapping[str, str]]]


@contextmanager
def sqlite(data_dir: Path) -> Iterator[Mapping[str, str]]:
    """The example's own."""
    yield {}


BROKERS = {
    "files": (brokers.files, ()),
    "Redis": (brokers.redis, (needs_redis,)),
    "RabbitMQ": (brokers.rabbitmq, (needs_rabbitmq,)),
}
DATABASES = {
    "SQLite": (sqlite, ()),
    "PostgreSQL": (postgresql.database, (needs_postgresql,)),
    "MariaDB": (mariadb.database, (needs_mariadb,)),
}
FEW = {("files", "SQLite"): 2, ("Redis", "MariaDB"): 2, ("RabbitMQ", "PostgreSQL"): 2}
PAIRS = dict.fromkeys(product(("Redis", "RabbitMQ"), DATABASES), int(ROUNDS)) if ROUNDS else FEW


def pair(broker: str, database: str, rounds: int) -> ParameterSet:
    (queue, needs_queue), (rows, needs_rows) = BROKERS[broker], DATABASES[database]
    marks = [*needs_queue, *needs_rows, pytest.mark.timeout(180 + 60 * rounds)]
    return pytest.param(queue, rows, rounds, marks=marks, id=f"{broker} and {database}")


@pytest.mark.parametrize(("broker", "database", "rounds"), [pair(*names, PAIRS[names]) for names in PAIRS])
def test_whoever_is_killed_each_asset_ends_as_it_should_and_nothing_is_left(
    broker: Brokers,
    database: Databases,
    rounds: int,
    example: Example,
    wait_for: Callable[..., None],
    record_property: Callable[[str, object], None],
) -> None:
    seed = int(os.environ.get("LARGEFILES_CHAOS_SEED") or randrange(2**32))
    with (
        broker(example.data_dir) as queue,
        database(example.data_dir) as env,
        closing(Site(example, queue, env)) as site,
    ):
        crashes = Crashes(site, seed=seed)
        crashes.run(rounds)
        record_property("signals sent twice", crashes.check_the_signals(wait_for))
        record_property("assets by executions", str(crashes.executions()))
        crashes.check_that_nothing_is_left(wait_for)


POISONS = {
    "killed": ("gave_up", "5 workers stopped without an answer"),
    "segfault": ("gave_up", "5 workers stopped without an answer"),
    "deaf": ("gave_up", "5 workers stopped without an answer"),
    "out_of_memory": ("gave_up", "MemoryError"),
    "too_long": ("gave_up", "SoftTimeLimitExceeded"),
}


@pytest.mark.timeout(300)  # needs_server
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
    wait_for: Callable[..., None],
    record_property: Callable[[str, object], None],
) -> None:
    with broker(example.data_dir) as queue, closing(Site(example, queue, {"HURRY_SOFT_TIME_LIMIT": "1"})) as site:
        sent = {poison: site.upload(poisoned(poison)) for poison in POISONS}
        for poison, expected in POISONS.items():
            asset = site.client.wait_until_settled(sent[poison], patience=150)
            assert (asset["state"], (asset["reason"], asset["detail"])) == ("failed", expected)
        site.beat.stop()
        wait_for(lambda: queue.messages() == 0)
        assert example.column("attempts") == [MAX_ATTEMPTS] * len(POISONS)
        for poison, asset_id in sent.items():
            executions = site.executions()[asset_id]
            record_property(f"executions of {poison}", executions)
            # Each attempt, and each message that came again and found nothing to do.
            assert MAX_ATTEMPTS <= executions <= 3 * MAX_ATTEMPTS
            assert [call.name for call in site.heard()[asset_id]] == ["received", "failed"]
        # They disturb nobody else.
        well = site.upload(Sample(name="well.png", head=png(1, 1)))
        assert site.client.wait_until_settled(well, patience=60)["state"] == "ready"


@pytest.mark.parametrize(
    ("poison", "heard"),
    [
        ("killed_before_the_signal", ["received", "ready"]),
        ("killed_after_the_signal", ["received", "ready", "ready"]),
    ],
)
def test_no_crash_loses_a_signal_and_only_one_that_was_heard_by_the_dead_comes_again(
    poison: str, heard: list[str], example: Example, wait_for: Callable[..., None]
) -> None:
    # A worker that must wait for its turn does not lose its lease, which would be another attempt.
    with brokers.files(example.data_dir) as queue, closing(Site(example, queue, {"HURRY_LEASE": "8"})) as site:
        asset_id = site.upload(poisoned(poison))
        wait_for(lambda: [call.name for call in site.heard()[asset_id]] == heard)
        wait_for(lambda: site.rows()["PendingSignal"] == 0)
        assert [call.name for call in site.heard()[asset_id]] == heard
        assert example.column("state") == ["ready"]
        assert example.column("attempts") == [1]


def poisoned(poison: str) -> Sample:
    return Sample(name="poison.png", head=png(1, 1) + f"poison: {poison}".encode())


def test_the_scheduler_has_a_worker_sweep(example: Example, wait_for: Callable[..., None]) -> None:
    with brokers.files(example.data_dir) as queue, closing(Site(example, queue, {})) as site:
        upload = resumable.Upload.create(site.server, 5000)
        assert upload.append(0, bytes(1000)).status == 204
        with closing(sqlite3.connect(example.data_dir / "db.sqlite3", timeout=20)) as database, database:
            database.execute("UPDATE django_largefiles_upload SET expires_at = '2000-01-01 00:00:00'")
        wait_for(lambda: example.stored() == [])
        assert site.rows()["Upload"] == 0
