"""Takedowns over a real S3 server: URLs that it signed before, of a file of several parts."""

from __future__ import annotations

from io import BytesIO

import pytest
import requests
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import Settings

from django_largefiles import lifecycle
from django_largefiles.doors.ingest import ingest
from django_largefiles.models import FileAsset
from django_largefiles.options import MIB
from django_largefiles.stores.s3 import copying
from tests.conftest import IMMEDIATE, Largefiles, png
from tests.s3.servers import S3Bucket

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

CONTENT = png(padding=18 * MIB)


@pytest.fixture
def asset(settings: Settings, seaweedfs_bucket: S3Bucket, largefiles: Largefiles, owner: User) -> FileAsset:
    settings.STORAGES = {**settings.STORAGES, "default": seaweedfs_bucket.setting}
    largefiles.set(DISPATCHER=IMMEDIATE, EXTRACTORS={"image/*": None})
    asset = ingest(BytesIO(CONTENT), name="picture.png", owner=owner)
    asset.refresh_from_db()
    return asset


def test_a_takedown_ends_the_urls_that_the_server_accepts(
    client: Client, asset: FileAsset, seaweedfs_bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = asset.file.name
    location = client.get(asset.signed_url())["Location"]
    assert requests.get(location, headers={"Range": "bytes=-9"}, timeout=30).content == CONTENT[-9:]
    monkeypatch.setattr(
        copying,
        "copied_ranges",
        lambda start, end: [(at, min(6 * MIB, end - at)) for at in range(start, end, 6 * MIB)],
    )

    assert lifecycle.block(asset.pk)

    assert requests.get(location, headers={"Range": "bytes=-9"}, timeout=30).status_code in {403, 404}
    asset.refresh_from_db()
    assert seaweedfs_bucket.keys() == [asset.file.name] != [name]
    assert seaweedfs_bucket.content(asset.file.name) == CONTENT
    assert seaweedfs_bucket.unfinished() == []
