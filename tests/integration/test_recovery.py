"""Crashes and outages: every asset ends in its right state, once, without help from anyone."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import psutil
import pytest

from example_project.processes import Worker, free_port
from tests.integration import postgresql
from tests.integration.brokers import needs_redis, redis
from tests.integration.conftest import ANYTHING, Example, client_of
from tests.integration.postgresql import needs_postgresql
from tests.integration.resumable import Upload

pytestmark = pytest.mark.integration

SETTINGS = {"DJANGO_SETTINGS_MODULE": "tests.integration.settings"}


def sandboxes(worker: Worker) -> list[psutil.Process]:
    return [child for child in psutil.Process(worker.pid).children(recursive=True) if "-I" in child.cmdline()]


@pytest.mark.parametrize("victim", ["whole worker", "pool process"])
def test_a_worker_killed_in_the_middle_loses_nothing(
    victim: str, example: Example, picture: Path, wait_for: Callable[..., None]
) -> None:
    server, worker = example.server(env=SETTINGS), example.worker(env=SETTINGS)
    client = client_of(server)
    asset_id = client.upload(picture, media_type="image/png").body["id"]
    wait_for(lambda: example.column("stage") == ["extracting"])
    if victim == "whole worker":
        worker.kill()
        example.worker(name="successor", env=SETTINGS)
    else:
        wait_for(lambda: sandboxes(worker))
        extracting = sandboxes(worker)[0].parent()
        assert extracting
        extracting.send_signal(signal.SIGKILL)
    asset = client.wait_until_settled(asset_id, patience=90)
    assert (asset["state"], asset["width"]) == ("ready", 1)
    assert example.column("attempts") == [2]
    assert example.signals() == ["received", "ready"]
    assert len(example.stored()) == 1


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_a_broker_that_is_down_does_not_hold_up_the_upload(
    scheme: str, example: Example, picture: Path, wait_for: Callable[..., None]
) -> None:
    server = example.server(env={**SETTINGS, "EXAMPLE_BROKER_URL": f"{scheme}://127.0.0.1:{free_port()}//"})
    client = client_of(server)
    answer = client.upload(picture, media_type="image/png")
    assert (answer.status, answer.body["state"]) == (201, "received")
    # A worker whose broker is there finds what the server could not hand over.
    example.worker(env=SETTINGS)
    assert client.wait_until_settled(answer.body["id"], patience=60)["state"] == "ready"
    assert example.column("attempts") == [1]
    assert example.signals() == ["received", "ready"]


@needs_redis
def test_a_broker_that_comes_back_is_found_again(example: Example, picture: Path, tmp_path: Path) -> None:
    port = free_port()
    env = {**SETTINGS, "EXAMPLE_BROKER_URL": f"redis://127.0.0.1:{port}/0"}
    client = client_of(example.server(env=env))
    asset_id = client.upload(picture, media_type="image/png").body["id"]
    with redis(tmp_path, port):
        example.worker(env=env)
        assert client.wait_until_settled(asset_id, patience=60)["state"] == "ready"
    assert example.signals() == ["received", "ready"]


@needs_postgresql
def test_the_main_job_is_done_over_postgresql_too(example: Example, picture: Path) -> None:
    with postgresql.database(example.data_dir) as env:
        server = example.server(env=env)
        example.worker(env=env)
        client = client_of(server)
        asset_id = client.upload(picture, media_type="image/png").body["id"]
        assert client.wait_until_settled(asset_id, patience=60)["state"] == "ready"
        assert client.download_sha256(asset_id) == sha256(picture.read_bytes()).hexdigest()


@pytest.mark.parametrize("kind", ["gunicorn", "uvicorn", "granian"])
def test_without_a_sweeper_requests_repair_what_a_crash_has_left(
    kind: str, example: Example, wait_for: Callable[..., None]
) -> None:
    server = example.server(kind=kind, env=ANYTHING)
    left = Upload.create(server, 1000)
    server.kill()
    with closing(sqlite3.connect(example.data_dir / "db.sqlite3", timeout=20)) as database, database:
        database.execute("UPDATE django_largefiles_upload SET expires_at = '2020-01-01 00:00:00'")
    another = Upload.create(example.server(kind=kind, env=ANYTHING), 1000)
    wait_for(lambda: example.column("id") == [another.asset_id.replace("-", "")], patience=20)
    assert left.asset_id != another.asset_id
