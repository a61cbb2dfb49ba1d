"""After a takedown, URLs that the storage signed before lead nowhere."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
import requests
from django.contrib.auth.models import User
from django.db.models import F
from django.test import Client
from pytest_django.fixtures import Settings

from django_largefiles import lifecycle, sweeper
from django_largefiles.doors.ingest import ingest
from django_largefiles.exceptions import StoreUnavailable
from django_largefiles.models import FileAsset, PendingRemoval
from django_largefiles.outbox import removals
from django_largefiles.outbox.removals import GRACE
from django_largefiles.pipeline import moving, takedown
from django_largefiles.pipeline.processing import process
from django_largefiles.states import State
from django_largefiles.stores.s3.bucket import Bucket
from tests.conftest import IMMEDIATE, Largefiles, png
from tests.s3.servers import S3Bucket

pytestmark = pytest.mark.django_db(transaction=True)

SSE_C = {"object_parameters": {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}}


def use(settings: Settings, bucket: S3Bucket, **options: Any) -> None:
    backend = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": {**bucket.options, **options}}
    settings.STORAGES = {**settings.STORAGES, "default": backend}


@pytest.fixture
def asset(settings: Settings, bucket: S3Bucket, largefiles: Largefiles, owner: User) -> FileAsset:
    """A ready asset in a bucket."""
    settings.STORAGES = {**settings.STORAGES, "default": bucket.setting}
    # No child process for each asset.
    largefiles.set(EXTRACTORS={"image/*": None})
    return made_ready(owner)


def made_ready(owner: User) -> FileAsset:
    asset = ingest(BytesIO(png()), name="picture.png", owner=owner)
    process(asset.pk)
    asset.refresh_from_db()
    assert asset.state == State.READY
    return asset


def after_grace() -> None:
    """Let leases run out and notes fall due, as the database's clock sees it."""
    PendingRemoval.objects.update(due_at=F("due_at") - GRACE)
    FileAsset.objects.update(lease_expires_at=F("lease_expires_at") - GRACE)


def is_settled(asset: FileAsset) -> bool:
    asset.refresh_from_db()
    assert (asset.state, asset.reason) == (State.REJECTED, "blocked")
    return (asset.lease_expires_at, asset.stage) == (None, "")


def test_a_takedown_ends_the_urls_that_the_storage_signed(
    client: Client, asset: FileAsset, bucket: S3Bucket, largefiles: Largefiles
) -> None:
    largefiles.set(DISPATCHER=IMMEDIATE)
    answer = client.get(asset.signed_url())
    assert (answer.status_code, answer["Cross-Origin-Resource-Policy"]) == (302, "cross-origin")
    assert requests.get(answer["Location"], timeout=30).content == png()
    name = asset.file.name

    assert lifecycle.block(asset.pk)

    # S3 answers 403 for a missing key if the client may not list the bucket.
    assert requests.get(answer["Location"], timeout=30).status_code in {403, 404}
    assert is_settled(asset)
    assert asset.file.name != name
    assert bucket.keys() == [asset.file.name]
    assert asset.file.read() == png()
    asset.file.close()


def test_what_arrives_under_the_former_name_later_is_removed(asset: FileAsset, bucket: S3Bucket) -> None:
    name = asset.file.name
    lifecycle.block(asset.pk)
    process(asset.pk)
    bucket.client.put_object(Bucket=bucket.name, Key=name, Body=b"late")
    after_grace()
    assert sweeper.sweep().deleted_files_removed == 1
    assert is_settled(asset)
    assert bucket.keys() == [asset.file.name]


def test_a_file_without_signed_urls_stays_where_it_is(ready: FileAsset, stored: Callable[[], list[str]]) -> None:
    lifecycle.block(ready.pk)
    assert not is_settled(ready)
    process(ready.pk)
    assert is_settled(ready)
    assert stored() == [ready.file.name]


def test_a_bucket_that_can_sign_no_url_keeps_the_name(asset: FileAsset, settings: Settings, bucket: S3Bucket) -> None:
    use(settings, bucket, **SSE_C)
    lifecycle.block(asset.pk)
    process(asset.pk)
    assert is_settled(asset)
    assert bucket.keys() == [asset.file.name]


class Killed(BaseException):
    """The process is gone: nothing of what it would do at the end is done."""


def die(*args: Any, **kwargs: Any) -> Any:
    raise Killed


KILLED_AT: dict[str, tuple[Any, str]] = {
    "before the storage hears of it": (Bucket, "create_upload"),
    "before the copy is there": (Bucket, "complete"),
    "before the row names it": (moving, "_switch"),
    "in the transaction": (moving, "take_back"),
}


@pytest.mark.parametrize("moment", KILLED_AT)
def test_a_worker_that_is_killed_leaves_the_rest_to_the_next(
    moment: str, asset: FileAsset, bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch, largefiles: Largefiles
) -> None:
    name = asset.file.name
    lifecycle.block(asset.pk)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(removals, "_remove", lambda storage, state: None)
        patch.setattr(*KILLED_AT[moment], die)
        process(asset.pk)
    assert not is_settled(asset)
    assert asset.file.name == name

    after_grace()
    largefiles.set(DISPATCHER=IMMEDIATE)
    swept = sweeper.sweep()
    assert (swept.assets_handed_over, swept.deleted_files_removed) == (1, 1)
    assert is_settled(asset)
    assert (bucket.keys(), bucket.unfinished()) == ([asset.file.name], [])
    assert asset.file.name != name


def test_a_storage_that_is_down_is_asked_again(
    asset: FileAsset,
    bucket: S3Bucket,
    monkeypatch: pytest.MonkeyPatch,
    largefiles: Largefiles,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*args: Any) -> Any:
        raise StoreUnavailable("the storage does not answer")

    lifecycle.block(asset.pk)
    with monkeypatch.context() as patch:
        patch.setattr(Bucket, "complete", fail)
        process(asset.pk)
    assert f"blocked asset {asset.pk} could not be moved" in caplog.text
    assert not is_settled(asset)
    assert (bucket.keys(), bucket.unfinished()) == ([asset.file.name], [])
    after_grace()
    largefiles.set(DISPATCHER=IMMEDIATE)
    assert sweeper.sweep().assets_handed_over == 1
    assert is_settled(asset)


def test_one_worker_moves_it_at_a_time(asset: FileAsset) -> None:
    lifecycle.block(asset.pk)
    assert lifecycle.claim_blocked(asset.pk)
    assert lifecycle.claim_blocked(asset.pk) is None
    process(asset.pk)
    assert not is_settled(asset)


def in_between(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Have something happen while the storage copies the bytes."""
    complete = Bucket.complete

    def complete_and_act(bucket: Bucket, *args: Any) -> None:
        monkeypatch.setattr(Bucket, "complete", complete)
        bucket.complete(*args)
        act()

    monkeypatch.setattr(Bucket, "complete", complete_and_act)


def test_a_worker_that_was_too_slow_leaves_nothing(
    asset: FileAsset, bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtake() -> None:
        FileAsset.objects.update(lease_expires_at=F("lease_expires_at") - timedelta(hours=1))
        process(asset.pk)

    lifecycle.block(asset.pk)
    in_between(monkeypatch, overtake)
    process(asset.pk)
    assert is_settled(asset)
    assert bucket.keys() == [asset.file.name]


def test_an_asset_that_is_deleted_meanwhile_leaves_nothing(
    asset: FileAsset, bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    lifecycle.block(asset.pk)
    in_between(monkeypatch, asset.delete)
    process(asset.pk)
    assert bucket.keys() == []


def test_an_asset_that_was_just_deleted_is_left_alone(ready: FileAsset, monkeypatch: pytest.MonkeyPatch) -> None:
    claim_blocked = lifecycle.claim_blocked

    def claim_and_delete(asset_id: Any) -> Any:
        claim = claim_blocked(asset_id)
        FileAsset.objects.all().delete()
        return claim

    lifecycle.block(ready.pk)
    monkeypatch.setattr(lifecycle, "claim_blocked", claim_and_delete)
    takedown.settle(ready.pk)
    assert not FileAsset.objects.exists()


def test_a_deleted_asset_that_was_moved_leaves_nothing(asset: FileAsset, bucket: S3Bucket) -> None:
    lifecycle.block(asset.pk)
    process(asset.pk)
    asset.delete()
    assert bucket.keys() == []
