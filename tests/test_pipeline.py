from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from django_largefiles import lifecycle, pipeline
from django_largefiles.doors.ingest import ingest
from django_largefiles.exceptions import StoreUnavailable
from django_largefiles.lifecycle import MAX_ATTEMPTS
from django_largefiles.models import FileAsset
from django_largefiles.pipeline import TryAgain, process
from django_largefiles.states import Reason, Stage, State
from django_largefiles.stores.filesystem import FilesystemStore
from tests.conftest import Largefiles, png

pytestmark = pytest.mark.django_db(transaction=True)

Stored = Callable[[], list[str]]


@pytest.fixture
def undigested(received: FileAsset) -> FileAsset:
    """As an asset arrives through a door that cannot make the digest."""
    FileAsset.objects.update(sha256="")
    return received


def processed(asset: FileAsset) -> FileAsset:
    process(asset.pk)
    asset.refresh_from_db()
    return asset


def test_a_picture_becomes_ready_and_described(received: FileAsset, stored: Stored) -> None:
    asset = processed(received)
    assert (asset.state, asset.reason, asset.stage) == (State.READY, "", "")
    assert (asset.media_type, asset.width, asset.height) == ("image/png", 3, 2)
    assert asset.extra_attributes["format"] == "PNG"
    assert (asset.attempts, asset.lease_expires_at) == (1, None)
    assert asset.processed_at
    assert stored() == [asset.file.name]


def test_processing_twice_changes_nothing(received: FileAsset) -> None:
    first = processed(received).processed_at
    assert processed(received).processed_at == first


def test_a_digest_that_was_made_on_the_way_in_is_not_made_again(
    received: FileAsset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(pipeline, "RunningSHA256")
    assert processed(received).state == State.READY


def test_a_missing_digest_is_made(undigested: FileAsset) -> None:
    assert processed(undigested).sha256 == hashlib.sha256(png()).hexdigest()


def test_reading_tells_its_progress_at_most_so_often(
    undigested: FileAsset, monkeypatch: pytest.MonkeyPatch, largefiles: Largefiles
) -> None:
    largefiles.set(CHUNK_SIZE=10)
    told: list[tuple[Stage, int]] = []
    renew = lifecycle.renew

    def tell(claim: lifecycle.Claim, stage: Stage, *, done: int = 0, lease: timedelta = lifecycle.LEASE) -> bool:
        told.append((stage, done))
        return renew(claim, stage, done=done, lease=lease)

    monkeypatch.setattr(lifecycle, "renew", tell)
    process(undigested.pk)
    assert told == [(Stage.READING, 10), (Stage.SNIFFING, 0), (Stage.EXTRACTING, 0)]


@pytest.mark.parametrize(
    ("columns", "rules", "reason"),
    [
        ({"sha256": "", "expected_sha256": "0" * 64}, {}, Reason.DIGEST_MISMATCH),
        ({"original_name": "picture.pdf"}, {}, Reason.TYPE_MISMATCH),
        ({}, {"ALLOWED_MIME_TYPES": ["image/gif"]}, Reason.TYPE_NOT_ALLOWED),
        ({}, {"MAX_UPLOAD_SIZE": 10}, Reason.TOO_LARGE),
        (
            {},
            {"EXTRACTORS": {"image/*": "tests.example_extractors.Failing"}, "ON_EXTRACTION_FAILURE": "reject"},
            Reason.EXTRACTION_FAILED,
        ),
    ],
    ids=["digest", "extension", "type", "size", "metadata"],
)
def test_a_bad_file_is_rejected_and_its_bytes_removed(
    columns: dict[str, str],
    rules: dict[str, object],
    reason: Reason,
    received: FileAsset,
    largefiles: Largefiles,
    stored: Stored,
) -> None:
    FileAsset.objects.update(**columns)
    largefiles.set(**rules)
    asset = processed(received)
    assert (asset.state, asset.reason) == (State.REJECTED, reason)
    assert asset.detail
    assert not asset.file
    assert stored() == []


def test_what_the_first_bytes_hid_is_found_in_the_whole(owner: User, largefiles: Largefiles) -> None:
    largefiles.set(ALLOWED_MIME_TYPES=["text/plain"])
    asset = ingest(BytesIO(b"plain text\n" * 200), name="notes.txt", owner=owner)
    Path(asset.file.path).write_bytes(png(padding=2200 - len(png())))
    assert processed(asset).reason == Reason.TYPE_NOT_ALLOWED


def test_bytes_that_were_cut_off_in_the_storage_are_noticed(owner: User) -> None:
    asset = ingest(BytesIO(png(padding=10)), name="picture.png", owner=owner)
    Path(asset.file.path).write_bytes(png(padding=9))
    assert processed(asset).reason == Reason.SIZE_MISMATCH


def test_metadata_that_cannot_be_read_is_recorded_and_the_file_ready(
    received: FileAsset, largefiles: Largefiles
) -> None:
    largefiles.set(EXTRACTORS={"image/*": "tests.example_extractors.Failing"})
    asset = processed(received)
    assert (asset.state, asset.width) == (State.READY, None)
    assert "this file is odd" in asset.extraction_error


def test_a_host_s_extractor_replaces_ours_by_one_line(received: FileAsset, largefiles: Largefiles) -> None:
    largefiles.set(EXTRACTORS={"image/png": "tests.example_extractors.Describing"})
    asset = processed(received)
    assert (asset.title, asset.page_count, asset.extra_attributes) == ("image/png", 7, {"first": "89504e47"})


def test_a_type_without_an_extractor_is_not_described(received: FileAsset, largefiles: Largefiles) -> None:
    largefiles.set(EXTRACTORS={"image/*": None})
    asset = processed(received)
    assert (asset.state, asset.width, asset.extra_attributes) == (State.READY, None, {})


def test_reprocessing_clears_what_is_no_longer_found(received: FileAsset, largefiles: Largefiles) -> None:
    processed(received)
    lifecycle.reprocess(received.pk)
    largefiles.set(EXTRACTORS={"image/*": None})
    assert processed(received).width is None


def test_a_store_that_is_down_is_tried_again_later(received: FileAsset, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: FilesystemStore, name: str) -> None:
        raise StoreUnavailable("the storage does not answer")

    monkeypatch.setattr(FilesystemStore, "open_ranged", fail)
    for attempt in range(1, MAX_ATTEMPTS):
        with pytest.raises(TryAgain) as caught:
            process(received.pk)
        assert caught.value.delay == timedelta(seconds=5) * 2 ** (attempt - 1)
        received.refresh_from_db()
        assert (received.state, received.attempts) == (State.RECEIVED, attempt)
        assert received.lease_expires_at and received.lease_expires_at > timezone.now()
    assert processed(received).state == State.FAILED
    assert (received.reason, received.detail) == (Reason.STORE_UNAVAILABLE, "the storage does not answer")


def test_an_unforeseen_error_tells_clients_no_more_than_its_name(
    received: FileAsset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(file: BinaryIO) -> str:
        raise ZeroDivisionError("/secret/path")

    monkeypatch.setattr(pipeline, "sniff_file", fail)
    with pytest.raises(TryAgain):
        process(received.pk)
    received.refresh_from_db()
    assert received.detail == "ZeroDivisionError"


def test_a_profile_that_the_host_took_away_fails_the_asset(received: FileAsset) -> None:
    FileAsset.objects.update(profile="gone", attempts=MAX_ATTEMPTS - 1)
    assert processed(received).state == State.FAILED
    assert received.reason == Reason.GAVE_UP


def test_a_worker_that_was_replaced_stops_quietly(received: FileAsset, monkeypatch: pytest.MonkeyPatch) -> None:
    def replace(file: BinaryIO) -> str:
        FileAsset.objects.update(attempts=2)
        return "image/png"

    monkeypatch.setattr(pipeline, "sniff_file", replace)
    asset = processed(received)
    assert (asset.state, asset.attempts) == (State.PROCESSING, 2)


def test_an_asset_deleted_under_the_worker_does_not_come_back(
    received: FileAsset, monkeypatch: pytest.MonkeyPatch, stored: Stored
) -> None:
    def delete(file: BinaryIO) -> str:
        FileAsset.objects.all().delete()
        return "image/png"

    monkeypatch.setattr(pipeline, "sniff_file", delete)
    process(received.pk)
    assert not FileAsset.objects.exists()
    assert stored() == []


def test_an_asset_deleted_just_after_the_claim_is_let_go(received: FileAsset, monkeypatch: pytest.MonkeyPatch) -> None:
    claim = lifecycle.claim

    def claim_and_delete(asset_id: object) -> lifecycle.Claim | None:
        claimed = claim(received.pk)
        FileAsset.objects.all().delete()
        return claimed

    monkeypatch.setattr(lifecycle, "claim", claim_and_delete)
    process(received.pk)
    assert not FileAsset.objects.exists()


def test_a_loser_s_failure_is_not_tried_again(received: FileAsset, monkeypatch: pytest.MonkeyPatch) -> None:
    def replace(file: BinaryIO) -> str:
        FileAsset.objects.update(attempts=2)
        raise ZeroDivisionError

    monkeypatch.setattr(pipeline, "sniff_file", replace)
    process(received.pk)
    assert FileAsset.objects.get().state == State.PROCESSING


def test_a_blocked_asset_keeps_its_bytes(ready: FileAsset, stored: Stored) -> None:
    lifecycle.block(ready.pk)
    ready.refresh_from_db()
    pipeline.discard_rejected(ready)
    assert stored() == [ready.file.name]
