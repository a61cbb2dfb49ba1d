"""A test of the door runs over the file system, and one that is marked ``each_storage`` over S3 too."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import Settings

from django_largefiles.intake import progress
from tests.conformance import _described_answers as _described_answers
from tests.conftest import Largefiles
from tests.doors.resumable.storages import left_in
from tests.doors.resumable.tus_client import PICTURE, Tus
from tests.s3.servers import S3Bucket

KINDS = [
    "filesystem",
    pytest.param("moto", marks=pytest.mark.s3),
    pytest.param("seaweedfs", marks=[pytest.mark.s3, pytest.mark.integration]),
]
BUCKETS = {"moto": "bucket", "seaweedfs": "seaweedfs_bucket"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.definition.get_closest_marker("each_storage"):
        metafunc.parametrize("storage", KINDS, indirect=True)


@pytest.fixture(autouse=True)
def storage(request: pytest.FixtureRequest, largefiles: Largefiles, settings: Settings) -> S3Bucket | None:
    kind = getattr(request, "param", "filesystem")
    if kind not in BUCKETS:
        return None
    bucket: S3Bucket = request.getfixturevalue(BUCKETS[kind])
    settings.STORAGES = {**settings.STORAGES, "default": bucket.setting}
    # A redirect would be the storage's answer, not the door's.
    largefiles.set(DELIVERY="stream")
    return bucket


@pytest.fixture
def stored(storage: S3Bucket | None, request: pytest.FixtureRequest) -> Callable[[], list[str]]:
    """The names of all that is in the storage, incoming ones too."""
    if storage is None:
        files: Callable[[], list[str]] = request.getfixturevalue("files")
        return files
    return lambda: left_in(storage)


@pytest.fixture
def tus(client: Client, owner: User) -> Tus:
    """A client of tus that is logged in as ``owner``."""
    client.force_login(owner)
    return Tus(client)


@pytest.fixture
def url(tus: Tus) -> str:
    """An upload of ``PICTURE`` that has 4000 bytes."""
    url = tus.create()
    tus.patch(url, 0, PICTURE[:4000])
    return url


@pytest.fixture
def restless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Arriving bytes are made safe at each chunk."""
    monkeypatch.setattr(progress, "HEARTBEAT_SECONDS", -1.0)


@pytest.fixture(autouse=True)
def _conformance(_described_answers: None) -> None:
    """The door keeps what its description promises, in every test."""
