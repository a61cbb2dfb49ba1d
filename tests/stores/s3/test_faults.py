"""An S3 server that fails: nothing is lost, nothing is damaged, and nothing stays behind."""

from __future__ import annotations

import hashlib
import random
from collections import defaultdict
from collections.abc import Iterator
from itertools import chain, cycle, repeat

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import Settings

from django_largefiles.models import FileAsset, Upload
from django_largefiles.options import MIB
from django_largefiles.pipeline.processing import process
from django_largefiles.states import State
from django_largefiles.stores.s3 import client as clients, retries
from django_largefiles.sweeper import sweep
from tests.conftest import png
from tests.doors.resumable.tus_client import Tus, asset_at, problem, upload_at
from tests.s3.faults import Asked, Fault, Proxy
from tests.s3.servers import S3Bucket

pytestmark = pytest.mark.django_db(transaction=True)

CONTENT = png() + random.Random(1).randbytes(20 * MIB)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
FAULTS = ["500", "503", "200", "reset", "lost", "hang"]
EVERYTHING = {
    "CompleteMultipartUpload",
    "CreateMultipartUpload",
    "DeleteObject",
    "GetObject",
    "HeadObject",
    "ListMultipartUploads",
    "ListObjectsV2",
    "ListParts",
    "PutObject",
    "UploadPart",
    "UploadPartCopy",
}


@pytest.fixture
def silence() -> float:
    """Seconds after which the server is given up: long for one on the same machine, however busy that is."""
    return 0.7


@pytest.fixture
def proxy(bucket: S3Bucket, silence: float, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """Before the storage; nobody waits long for it."""
    monkeypatch.setattr(clients, "READ_TIMEOUT_SECONDS", silence)
    monkeypatch.setattr(retries, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(retries, "PATIENCE_SECONDS", 20.0)
    proxy = Proxy(bucket.endpoint)
    with proxy.running() as endpoint:
        settings.STORAGES = {**settings.STORAGES, "default": bucket.through(endpoint).setting}
        yield proxy


@pytest.fixture
def tus(client: Client, owner: User, proxy: Proxy) -> Tus:
    client.force_login(owner)
    return Tus(client)


def send(tus: Tus, url: str, *, piece: int) -> None:
    for offset in range(0, len(CONTENT), piece):
        answer = tus.patch(url, offset, CONTENT[offset : offset + piece])
        assert answer.status_code == 204, answer.content


def every_other(fault: Fault) -> Iterator[Fault | None]:
    return cycle([fault, None])


def once(fault: Fault) -> Iterator[Fault | None]:
    """For a fault that costs time."""
    return chain([fault], repeat(None))


@pytest.mark.parametrize(
    "fault",
    [
        "500",
        "lost",
        *(pytest.param(fault, marks=pytest.mark.integration) for fault in ("503", "200", "reset", "hang")),
    ],
)
def test_a_client_hears_nothing_of_what_passes(fault: Fault, tus: Tus, proxy: Proxy, bucket: S3Bucket) -> None:
    check_that_a_client_hears_nothing(fault, tus, proxy, bucket)


def check_that_a_client_hears_nothing(fault: Fault, tus: Tus, proxy: Proxy, bucket: S3Bucket) -> None:
    come = once if fault == "hang" else every_other
    turns: dict[str, Iterator[Fault | None]] = defaultdict(lambda: come(fault))
    proxy.choose = lambda asked: next(turns[asked.operation])
    url = tus.create(len(CONTENT))
    send(tus, url, piece=9 * MIB)
    asset = asset_at(url)
    process(asset.pk)
    asset.refresh_from_db()
    assert (asset.state, asset.sha256) == (State.READY, SHA256)
    assert bucket.content(asset.file.name) == CONTENT
    assert (bucket.keys(), bucket.unfinished()) == ([asset.file.name], [])
    assert {each.partition(" ")[0] for each in proxy.faults} >= EVERYTHING


def test_every_twentieth_request_fails(tus: Tus, proxy: Proxy, bucket: S3Bucket) -> None:
    def choose(asked: Asked) -> Fault | None:
        return None if asked.number % 20 else FAULTS[asked.number // 20 % len(FAULTS)]

    proxy.choose = choose
    urls = [tus.create(len(CONTENT)) for _ in range(2)]
    for url, piece in zip(urls, (2 * MIB, len(CONTENT)), strict=True):
        send(tus, url, piece=piece)
        process(asset_at(url).pk)
    assert [(asset_at(url).state, asset_at(url).sha256) for url in urls] == [(State.READY, SHA256)] * 2
    names = sorted(asset_at(url).file.name for url in urls)
    assert [bucket.content(name) for name in names] == [CONTENT] * 2
    assert (bucket.keys(), bucket.unfinished()) == (names, [])
    assert proxy.faults.total() >= 3


@pytest.mark.parametrize("operation", ["UploadPart", "PutObject", "UploadPartCopy", "CompleteMultipartUpload"])
def test_a_request_that_is_refused_loses_nothing(operation: str, tus: Tus, proxy: Proxy, bucket: S3Bucket) -> None:
    proxy.choose = lambda asked: "403" if asked.operation == operation else None
    url = tus.create(len(CONTENT))
    refused = tus.patch(url, 0, CONTENT)
    assert problem(refused) == (503, "store_unavailable")
    assert operation in refused.json()["detail"]
    proxy.choose = lambda asked: None
    offset = int(tus.head(url)["Upload-Offset"])
    assert tus.patch(url, offset, CONTENT[offset:]).status_code == 204
    assert bucket.content(asset_at(url).file.name) == CONTENT
    assert asset_at(url).sha256 == SHA256


def test_trouble_that_does_not_pass_is_told_in_the_end(
    tus: Tus, proxy: Proxy, bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = tus.create(len(CONTENT))
    send_first = tus.patch(url, 0, CONTENT[: 9 * MIB])
    assert send_first["Upload-Offset"] == str(9 * MIB)
    proxy.choose = lambda asked: "503"
    with monkeypatch.context() as impatient:
        impatient.setattr(retries, "PATIENCE_SECONDS", 0.05)
        answer = tus.patch(url, 9 * MIB, CONTENT[9 * MIB :])
    assert problem(answer) == (503, "store_unavailable")
    proxy.choose = lambda asked: None
    assert upload_at(url).offset == 9 * MIB
    assert tus.patch(url, 9 * MIB, CONTENT[9 * MIB :]).status_code == 204
    assert bucket.content(asset_at(url).file.name) == CONTENT


def test_an_expired_upload_leaves_nothing(tus: Tus, proxy: Proxy, bucket: S3Bucket) -> None:
    proxy.choose = lambda asked: "500" if asked.number % 3 == 0 else None
    tus.patch(tus.create(len(CONTENT)), 0, CONTENT[: 9 * MIB])
    assert (len(bucket.keys()), len(bucket.unfinished())) == (1, 1)
    Upload.objects.update(expires_at="2000-01-01T00:00Z")
    assert sweep().uploads_expired == 1
    assert (bucket.keys(), bucket.unfinished(), FileAsset.objects.count()) == ([], [], 0)
