"""Files that a worker moves to a storage that is no file system, and the deaths it may die while it does."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from django_largefiles.options import MIB
from example_project.memory import MemoryWatch
from example_project.processes import manage
from tests.conftest import png
from tests.integration.conftest import ANYTHING, Example, client_of

pytestmark = pytest.mark.integration

SETTINGS = {"DJANGO_SETTINGS_MODULE": "tests.integration.staged_settings"}
PICTURE = png(padding=200_000)
SHA256 = sha256(PICTURE).hexdigest()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    path.write_bytes(PICTURE)
    return path


@pytest.fixture
def remote(example: Example) -> Path:
    folder = example.data_dir / "remote"
    folder.mkdir()
    return folder


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def let_notes_be_due(example: Example) -> None:
    with closing(sqlite3.connect(example.data_dir / "db.sqlite3", timeout=20)) as database, database:
        database.execute("UPDATE django_largefiles_pendingremoval SET due_at = '2020-01-01 00:00:00'")


@pytest.mark.parametrize("step", ["half", "after"])
def test_a_worker_that_is_killed_while_it_moves_a_file_loses_nothing_and_leaves_nothing(
    step: str, example: Example, remote: Path, picture: Path, wait_for: Callable[..., None]
) -> None:
    (remote / "pause").write_text(step)
    server, worker = example.server(env=SETTINGS), example.worker(env=SETTINGS)
    client = client_of(server)
    asset_id = client.upload(picture, media_type="image/png").body["id"]
    wait_for((remote / "paused").exists)
    worker.kill()
    (remote / "pause").unlink()
    (original,) = example.column("file")
    assert files(example.data_dir / "staging") == [original]

    example.worker(name="successor", env=SETTINGS)
    assert client.wait_until_settled(asset_id, patience=90)["state"] == "ready"
    assert example.column("attempts") == [2]
    let_notes_be_due(example)
    wait_for(lambda: not example.rows("SELECT 1 FROM django_largefiles_pendingremoval"))
    assert files(example.data_dir / "staging") == []
    assert files(remote / "objects") == example.column("file")
    assert client.download_sha256(asset_id) == SHA256


def test_a_storage_that_is_silent_for_longer_than_a_lease_is_waited_for(
    example: Example, remote: Path, picture: Path, wait_for: Callable[..., None]
) -> None:
    (remote / "pause").write_text("half")
    server = example.server(env=SETTINGS)
    example.worker(env=SETTINGS)
    client = client_of(server)
    asset_id = client.upload(picture, media_type="image/png").body["id"]
    wait_for((remote / "paused").exists)
    (ends,) = example.column("lease_expires_at")
    wait_for(lambda: example.rows(f"SELECT 1 WHERE strftime('%Y-%m-%d %H:%M:%f', 'now', '-5 seconds') > '{ends}'"))
    assert example.column("stage") == ["storing"]
    (remote / "pause").unlink()
    assert client.wait_until_settled(asset_id, patience=30)["state"] == "ready"
    assert example.column("attempts") == [1]
    assert client.download_sha256(asset_id) == SHA256


def test_a_file_that_is_deleted_while_it_is_moved_leaves_nothing(
    example: Example, remote: Path, picture: Path, wait_for: Callable[..., None]
) -> None:
    (remote / "pause").write_text("half")
    server = example.server(env=SETTINGS)
    example.worker(env=SETTINGS)
    client = client_of(server)
    client.upload(picture, media_type="image/png")
    wait_for((remote / "paused").exists)
    deletion = "from django_largefiles.models import FileAsset; FileAsset.objects.all().delete()"
    manage("shell", "-c", deletion, data_dir=example.data_dir, env={**example.env, **SETTINGS})
    (remote / "pause").unlink()
    wait_for(lambda: not files(remote / "objects") and not files(example.data_dir / "staging"))
    let_notes_be_due(example)
    wait_for(lambda: not example.rows("SELECT 1 FROM django_largefiles_pendingremoval"))
    assert (files(remote / "objects"), files(example.data_dir / "staging")) == ([], [])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is not there: Linux only")
def test_a_large_file_is_moved_and_downloaded_without_memory(
    example: Example, remote: Path, picture: Path, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    server, worker = example.server(env={**SETTINGS, **ANYTHING}), example.worker(env={**SETTINGS, **ANYTHING})
    client = client_of(server)
    warm = client.upload(picture, media_type="image/png").body["id"]
    client.wait_until_settled(warm, patience=60)
    client.download_sha256(warm)
    large = tmp_path / "data.bin"
    with large.open("wb") as content:
        content.truncate(512 * MIB)
    with MemoryWatch(server.pid) as web, MemoryWatch(worker.pid) as work:
        asset = client.upload(large, media_type="application/octet-stream").body
        assert client.wait_until_settled(asset["id"], patience=90)["state"] == "ready"
        assert client.download_sha256(asset["id"]) == asset["sha256"]
    record_property("rise of the web server, MiB", web.rise / MIB)
    record_property("rise of the worker, MiB", work.rise / MIB)
    assert web.rise < 32 * MIB
    assert work.rise < 32 * MIB
    assert files(example.data_dir / "staging") == []
