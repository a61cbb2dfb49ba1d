"""Files are scanned by a real clamd, whatever becomes of it and of the worker meanwhile."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sqlite3 import connect

import psutil
import pytest

from django_largefiles.lifecycle import LEASE
from django_largefiles.options import MIB
from django_largefiles.scanners.selftest import eicar
from example_project.memory import MemoryWatch
from tests.integration.conftest import ANYTHING, Example, client_of, io_counters
from tests.scanners.clamd import Clamd, needs_clamd, running

pytestmark = [pytest.mark.integration, needs_clamd]

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is not there: Linux only")

SIZE = 256 * MIB
SETTINGS = {"DJANGO_SETTINGS_MODULE": "tests.integration.settings"}


@pytest.fixture
def clamd() -> Iterator[Clamd]:  # needs_clamd
    with running(StreamMaxLength="1500M", MaxFileSize="1500M", MaxScanSize="3000M") as clamd:
        yield clamd


@pytest.fixture
def env(clamd: Clamd) -> Mapping[str, str]:  # needs_clamd
    return {**SETTINGS, **ANYTHING, "EXAMPLE_CLAMD": clamd.socket, "EXAMPLE_CLAMD_MAX_SIZE": str(1500 * MIB)}


def lease(example: Example) -> datetime:  # needs_clamd
    (expires,) = example.column("lease_expires_at")
    return datetime.fromisoformat(expires).replace(tzinfo=UTC)


def family(pid: int) -> list[int]:  # needs_clamd
    return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]


def forget_digest(example: Example) -> None:  # needs_clamd
    """As if the file had come through a door that cannot make it."""
    with closing(connect(example.data_dir / "db.sqlite3", timeout=20)) as database, database:
        database.execute("UPDATE django_largefiles_fileasset SET sha256 = '' WHERE size > 1000000")


@linux
@pytest.mark.timeout(300)
def test_a_large_file_is_hashed_and_scanned_in_one_read(
    example: Example,
    env: Mapping[str, str],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:  # needs_clamd
    server = example.server(env=env)
    client = client_of(server)
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(SIZE)
    asset_id = client.upload(large, media_type="application/octet-stream").body["id"]
    (sha256,) = example.column("sha256")
    forget_digest(example)
    worker = example.worker(env=env)
    read_before = io_counters(family(worker.pid), "rchar")
    with MemoryWatch(worker.pid) as watch:
        asset = client.wait_until_settled(asset_id, patience=240)
    read = io_counters(family(worker.pid), "rchar") - read_before
    assert (asset["state"], asset["scan_verdict"], asset["sha256"]) == ("ready", "clean", sha256)
    record_property("read / size", read / SIZE)
    record_property("rise of the worker, MiB", watch.rise / MIB)
    assert read <= 1.05 * SIZE
    assert watch.rise < 100 * MIB


def test_an_infected_file_is_never_served(
    example: Example, env: Mapping[str, str], tmp_path: Path
) -> None:  # needs_clamd
    server = example.server(env=env)
    example.worker(env=env)
    client = client_of(server)
    (tmp_path / "eicar.txt").write_bytes(eicar())
    asset_id = client.upload(tmp_path / "eicar.txt", media_type="text/plain").body["id"]
    asset = client.wait_until_settled(asset_id, patience=60)
    assert (asset["state"], asset["reason"], asset["scan_verdict"]) == ("rejected", "infected", "infected")
    assert client.get(f"/api/assets/{asset_id}/download/").status == 409
    assert example.stored() == []
    assert example.signals() == ["received", "rejected"]


@pytest.mark.timeout(300)
def test_a_worker_killed_in_the_middle_of_a_scan_leaves_nothing_clean(
    example: Example, env: Mapping[str, str], clamd: Clamd, picture: Path, wait_for: Callable[..., None]
) -> None:  # needs_clamd
    server, worker = example.server(env=env), example.worker(env=env)
    client = client_of(server)
    with clamd.stopped():
        asset_id = client.upload(picture, media_type="image/png").body["id"]
        wait_for(lambda: example.column("stage") == ["scanning"])
        worker.kill()
        assert example.rows("SELECT state, scan_verdict FROM django_largefiles_fileasset") == [("processing", "")]
        example.worker(name="successor", env=env)
        wait_for(lambda: example.column("attempts") == [2], patience=90)
        assert client.get(f"/api/assets/{asset_id}/download/").status == 409
    asset = client.wait_until_settled(asset_id, patience=90)
    assert (asset["state"], asset["scan_verdict"]) == ("ready", "clean")
    assert example.signals() == ["received", "ready"]


@pytest.mark.timeout(300)
def test_a_scan_that_outlasts_the_lease_is_not_begun_again(
    example: Example, env: Mapping[str, str], clamd: Clamd, picture: Path, wait_for: Callable[..., None]
) -> None:  # needs_clamd
    server = example.server(env=env)
    example.worker(env=env)
    client = client_of(server)
    with clamd.stopped():
        asset_id = client.upload(picture, media_type="image/png").body["id"]
        wait_for(lambda: example.column("stage") == ["scanning"])
        first = lease(example)
        wait_for(lambda: lease(example) > first + LEASE + timedelta(seconds=5))
        assert example.rows("SELECT state, attempts FROM django_largefiles_fileasset") == [("processing", 1)]
    asset = client.wait_until_settled(asset_id, patience=60)
    assert (asset["state"], asset["scan_verdict"]) == ("ready", "clean")
    assert example.column("attempts") == [1]


@pytest.mark.timeout(300)
def test_a_clamd_that_is_down_holds_files_back_and_loses_none(
    example: Example, env: Mapping[str, str], clamd: Clamd, picture: Path, wait_for: Callable[..., None]
) -> None:  # needs_clamd
    server = example.server(env=env)
    example.worker(env=env)
    client = client_of(server)
    clamd.kill()
    asset_id = client.upload(picture, media_type="image/png").body["id"]
    wait_for(lambda: example.column("scan_verdict") == ["error"])
    assert example.column("state") == ["received"]
    clamd.start_again()
    asset = client.wait_until_settled(asset_id, patience=120)
    assert (asset["state"], asset["scan_verdict"], asset["detail"]) == ("ready", "clean", "")
    assert example.column("attempts") == [2]
