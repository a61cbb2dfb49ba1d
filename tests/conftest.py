from __future__ import annotations

import os
import sys

# Before anything else is imported: compiling all modules in each process takes longer than half of the tests.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

import subprocess
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from threading import current_thread, main_thread
from typing import Any

import imageio_ffmpeg
import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.storage import storages
from django.core.management.color import no_style
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.sqlite3.base import DatabaseWrapper as SQLiteDatabase
from django.test import TransactionTestCase
from PIL import Image
from pytest_django.fixtures import Settings

from django_largefiles import housekeeping
from django_largefiles.doors.ingest import ingest
from django_largefiles.intake import takeover
from django_largefiles.models import FileAsset
from tests.s3.servers import S3Bucket, find_weed, moto, reset_moto, seaweedfs
from tests.sftp import sftp_server

IMMEDIATE = "django_largefiles.dispatch.immediate.ImmediateDispatcher"


S3_SERVERS = {"moto_endpoint", "seaweedfs_endpoint"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not S3_SERVERS.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.s3)
    items.sort(key=_rank)


WAITING = ("test_crashes", "test_staged", "test_scanning", "test_recovery")
"""Modules whose tests wait for leases and for brokers that are down, up to half a minute each."""


def _rank(item: pytest.Item) -> int:
    """Those that take longest come first: at the end, other processes would wait for one that runs them in a row."""
    if item.get_closest_marker("integration") is None:
        return 2
    return 0 if item.path.stem in WAITING else 1


class Largefiles:
    """``settings.LARGEFILES``, one key at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def set(self, **values: Any) -> None:
        self._settings.LARGEFILES = {**getattr(self._settings, "LARGEFILES", {}), **values}


@pytest.fixture(autouse=True)
def largefiles(settings: Settings, tmp_path: Path) -> Largefiles:
    """Every test has a storage of its own, and nobody to hand its assets to unless it says so."""
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"}}
    configured = Largefiles(settings)
    configured.set(STORAGE="default", DISPATCHER="tests.dispatchers.NobodyDispatcher")
    return configured


@pytest.fixture(autouse=True)
def _without_housekeeping(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test but its own expects a request to repair what others left."""
    monkeypatch.setattr(housekeeping.Turns, "take", lambda turns: False)


@pytest.fixture
def media(largefiles: Largefiles) -> Path:
    """The root of the storage."""
    return Path(storages["default"].path(""))


@pytest.fixture
def files(media: Path) -> Callable[[], list[str]]:
    """The files in the storage, incoming ones too, relative to its root."""
    return lambda: sorted(str(path.relative_to(media)) for path in media.rglob("*") if path.is_file())


@pytest.fixture
def stored(files: Callable[[], list[str]]) -> Callable[[], list[str]]:
    return files


@pytest.fixture(scope="session", autouse=True)
def _connections_of_threads() -> Iterator[None]:
    """Django leaves a connection to SQLite's memory open, which would end it; for that the main thread's will do."""
    close = SQLiteDatabase.close

    def close_in_a_thread(connection: SQLiteDatabase) -> None:
        (close if current_thread() is main_thread() else BaseDatabaseWrapper.close)(connection)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SQLiteDatabase, "close", close_in_a_thread)
        yield


@pytest.fixture(autouse=True)
def _no_looks_for_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that reads SQLite's memory would lock tables that tests write to."""
    monkeypatch.setattr(takeover, "INTERVAL", 3600)


KEPT_TABLES = {"django_content_type", "auth_permission"}


def _empty_tables(case: TransactionTestCase) -> None:
    """Delete the rows of a transactional test, but keep those that the migrations have made.

    Django deletes them too and makes them again after each test, which takes longer than most tests.
    """
    for alias in case._databases_names(include_mirrors=False):  # type: ignore[attr-defined]
        connection = connections[alias]
        tables = connection.introspection.django_table_names(include_views=False)
        connection.ops.execute_sql_flush(
            connection.ops.sql_flush(no_style(), [table for table in tables if table not in KEPT_TABLES])
        )


@pytest.fixture(scope="session", autouse=True)
def _quick_flush() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", _empty_tables)
        yield


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a second of sound, ``a.mp3``, and of film, ``a.mp4``."""
    folder = tmp_path_factory.mktemp("samples")
    sources = ("-f", "lavfi", "-i", "sine=d=1", "-f", "lavfi", "-i", "testsrc=d=1:s=64x48:r=5")
    sound = ("-map", "0:a", "-b:a", "64k", "-write_xing", "0", "-id3v2_version", "0", str(folder / "a.mp3"))
    picture = ("-map", "0:a", "-map", "1:v", "-pix_fmt", "yuv420p", str(folder / "a.mp4"))
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *sources, *sound, *picture]
    subprocess.run(command, check=True)
    return folder


@pytest.fixture(scope="session")
def moto_endpoint() -> Iterator[str]:
    """The address of an S3 server of this process's own."""
    with moto() as endpoint:
        yield endpoint


@pytest.fixture
def bucket(moto_endpoint: str) -> Iterator[S3Bucket]:
    """An empty bucket, with nothing else on the server."""
    yield S3Bucket.made(moto_endpoint, "largefiles")
    reset_moto(moto_endpoint)


@pytest.fixture(scope="session")
def sftp_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with sftp_server(tmp_path_factory.mktemp("sftp")) as port:
        yield port


@pytest.fixture
def sftp_options(sftp_port: int, tmp_path: Path) -> dict[str, Any]:
    """What makes django-storages' ``SFTPStorage``."""
    known_hosts = tmp_path / "known_hosts"
    known_hosts.touch()
    params = {"port": sftp_port, "username": "anyone", "password": "", "allow_agent": False, "look_for_keys": False}
    return {
        "host": "127.0.0.1",
        "params": params,
        "known_host_file": str(known_hosts),
        "root_path": f"/{tmp_path.name}",
    }


@pytest.fixture(scope="session")
def seaweedfs_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:  # needs_seaweedfs
    """The address of a real S3 server of this process's own."""
    if find_weed() is None:
        pytest.skip("SeaweedFS is not installed")
    with seaweedfs(tmp_path_factory.mktemp("seaweedfs")) as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def seaweedfs_shared(seaweedfs_endpoint: str) -> S3Bucket:  # needs_seaweedfs
    return S3Bucket.made(seaweedfs_endpoint)


@pytest.fixture
def seaweedfs_bucket(seaweedfs_shared: S3Bucket) -> Iterator[S3Bucket]:  # needs_seaweedfs
    """An empty bucket."""
    yield seaweedfs_shared
    seaweedfs_shared.empty()


@pytest.fixture
def owner(db: None) -> User:
    return User.objects.create_user("owner", password="secret")


@pytest.fixture
def stranger(db: None) -> User:
    return User.objects.create_user("stranger", password="secret")


@pytest.fixture
def staff(db: None) -> User:
    """A member of the staff with all permissions on assets."""
    staff = User.objects.create_user("staff", password="secret", is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(content_type__app_label="django_largefiles"))
    return staff


def create_asset(*, file: str = "", **values: Any) -> FileAsset:
    """Create the row of an asset as the worker may have left it. A new row takes no ``file``."""
    asset = FileAsset.objects.create(**{"original_name": "picture.png", "size": 7, **values})
    if file:
        FileAsset.objects.filter(pk=asset.pk).update(file=file)
        asset.refresh_from_db()
    return asset


def png(width: int = 3, height: int = 2, *, padding: int = 0) -> bytes:
    """A picture; ``padding`` bytes behind its end make it larger."""
    buffer = BytesIO()
    Image.new("RGB", (width, height), "teal").save(buffer, "PNG")
    return buffer.getvalue() + bytes(padding)


EXECUTABLE = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\x3e\x00\x01\x00\x00\x00" + bytes(8192)


@pytest.fixture
def received(owner: User) -> FileAsset:
    """An asset of ``owner``'s whose bytes have arrived and which no worker has seen."""
    return ingest(BytesIO(png()), name="picture.png", owner=owner)


@pytest.fixture
def ready(owner: User, received: FileAsset) -> Iterator[FileAsset]:
    from django_largefiles.pipeline.processing import process

    process(received.pk)
    received.refresh_from_db()
    return received
