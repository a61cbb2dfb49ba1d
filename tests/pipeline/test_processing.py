from __future__ import annotations

import hashlib
import threading
import zlib
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import BinaryIO
from zipfile import ZIP_LZMA

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from django_largefiles import lifecycle
from django_largefiles.doors.ingest import ingest
from django_largefiles.exceptions import StoreUnavailable
from django_largefiles.extractors.base import Metadata
from django_largefiles.lifecycle import MAX_ATTEMPTS
from django_largefiles.models import FileAsset
from django_largefiles.pipeline import examination, extraction
from django_largefiles.pipeline.processing import TryAgain, process
from django_largefiles.pipeline.rejection import discard_rejected
from django_largefiles.sandbox.probe import lacking, machine
from django_largefiles.sandbox.runner import Extraction, ExtractionFailed, ExtractionInterrupted
from django_largefiles.scanners import read_pass, running
from django_largefiles.scanners.base import Sample, ScanResult, Unpacking
from django_largefiles.scanners.selftest import eicar
from django_largefiles.states import Reason, ScanVerdict, Stage, State
from django_largefiles.stores.filesystem import FilesystemStore
from django_largefiles.testing.scanners import FakeScanner
from tests.archives import zip_of
from tests.conftest import Largefiles, png

pytestmark = pytest.mark.django_db(transaction=True)

Stored = Callable[[], list[str]]


@pytest.fixture
def undigested(received: FileAsset) -> FileAsset:
    """As an asset arrives through a door that cannot make the digest."""
    FileAsset.objects.update(sha256="", crc32=None)
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
    monkeypatch.delattr(hashlib, "sha256")
    assert processed(received).state == State.READY


def test_a_missing_digest_is_made(undigested: FileAsset) -> None:
    asset = processed(undigested)
    assert (asset.sha256, asset.crc32) == (hashlib.sha256(png()).hexdigest(), zlib.crc32(png()))


def test_a_crc32_that_was_made_on_the_way_in_is_kept(received: FileAsset) -> None:
    assert processed(received).crc32 == zlib.crc32(png())


def test_reading_tells_its_progress_at_most_so_often(
    undigested: FileAsset, monkeypatch: pytest.MonkeyPatch, largefiles: Largefiles
) -> None:
    largefiles.set(CHUNK_SIZE=10)
    told: list[tuple[Stage, int]] = []
    renew = lifecycle.renew

    def tell(claim: lifecycle.Claim, stage: Stage, *, done: int = 0, lease: timedelta | None = None) -> None:
        told.append((stage, done))
        renew(claim, stage, done=done, lease=lease)

    monkeypatch.setattr(lifecycle, "renew", tell)
    process(undigested.pk)
    assert told == [(Stage.SNIFFING, 0), (Stage.READING, 10), (Stage.EXTRACTING, 0)]


@pytest.mark.parametrize(
    ("columns", "rules", "reason"),
    [
        ({"sha256": "", "expected_sha256": "0" * 64}, {}, Reason.DIGEST_MISMATCH),
        ({"expected_sha512": "0" * 128}, {}, Reason.DIGEST_MISMATCH),
        ({"original_name": "picture.pdf"}, {}, Reason.TYPE_MISMATCH),
        ({}, {"ALLOWED_MIME_TYPES": ["image/gif"]}, Reason.TYPE_NOT_ALLOWED),
        ({}, {"MAX_UPLOAD_SIZE": 10}, Reason.TOO_LARGE),
        (
            {},
            {"EXTRACTORS": {"image/*": "tests.example_extractors.Failing"}, "ON_EXTRACTION_FAILURE": "reject"},
            Reason.EXTRACTION_FAILED,
        ),
    ],
    ids=["digest", "SHA-512", "extension", "type", "size", "metadata"],
)
def test_a_bad_file_is_rejected_and_its_deleted_files_removed(
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


@pytest.mark.parametrize("extractor", ["Describing", "Failing"])
def test_the_layers_that_held_an_extraction_are_recorded(
    received: FileAsset, largefiles: Largefiles, extractor: str
) -> None:
    largefiles.set(EXTRACTORS={"image/*": f"tests.example_extractors.{extractor}"})
    assert lacking(processed(received).confinement.split()) == machine().lacking


def test_a_rejection_for_its_metadata_keeps_the_record_of_them(received: FileAsset, largefiles: Largefiles) -> None:
    largefiles.set(EXTRACTORS={"image/*": "tests.example_extractors.Failing"}, ON_EXTRACTION_FAILURE="reject")
    asset = processed(received)
    assert lacking(asset.confinement.split()) == machine().lacking
    assert "this file is odd" in asset.extraction_error


def test_an_extraction_that_the_store_breaks_off_is_tried_again(
    received: FileAsset, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(BytesIO):
        """Lets libmagic see what it wants, and answers no child."""

        def read(self, size: int | None = -1) -> bytes:
            if threading.current_thread() is not threading.main_thread():
                raise StoreUnavailable("the storage does not answer")
            return super().read(size)

    monkeypatch.setattr(FilesystemStore, "open_ranged", lambda store, name: Failing(png()))
    with pytest.raises(TryAgain):
        process(received.pk)
    received.refresh_from_db()
    assert (received.state, received.detail) == (State.RECEIVED, "the storage does not answer")


def runs(monkeypatch: pytest.MonkeyPatch, *ends: Metadata | Exception) -> list[str]:
    """Have extractions end so, one after the other; gives the stages in which they will have been started."""
    stages: list[str] = []
    left = iter(ends)

    def run(*_: object) -> Extraction:
        stages.append(FileAsset.objects.get().stage)
        end = next(left)
        if isinstance(end, Exception):
            raise end
        return Extraction(metadata=end, confinement=())

    monkeypatch.setattr(extraction, "run", run)
    return stages


def test_an_interrupted_extraction_is_tried_again(received: FileAsset, monkeypatch: pytest.MonkeyPatch) -> None:
    stages = runs(monkeypatch, ExtractionInterrupted("killed by signal 9"), Metadata(width=3))
    asset = processed(received)
    assert (asset.state, asset.width, asset.extraction_error, asset.attempts) == (State.READY, 3, "", 1)
    assert stages == [Stage.EXTRACTING] * 2


def test_an_extraction_is_tried_again_once(received: FileAsset, monkeypatch: pytest.MonkeyPatch) -> None:
    stages = runs(monkeypatch, ExtractionInterrupted("killed by signal 9"), ExtractionInterrupted("took longer"))
    asset = processed(received)
    assert (asset.state, asset.width, asset.extraction_error) == (State.READY, None, "took longer")
    assert len(stages) == 2


def test_an_extraction_that_would_fail_again_is_not_tried_again(
    received: FileAsset, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = runs(monkeypatch, ExtractionFailed("MemoryError"))
    assert processed(received).extraction_error == "MemoryError"
    assert len(stages) == 1


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

    monkeypatch.setattr(examination, "sniff_file", fail)
    with pytest.raises(TryAgain):
        process(received.pk)
    received.refresh_from_db()
    assert received.detail == "ZeroDivisionError"


@pytest.mark.parametrize("error", [SoftTimeLimitExceeded, MemoryError, RecursionError])
def test_an_exception_that_the_worker_survives_is_a_failed_attempt(
    error: type[Exception], received: FileAsset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(file: BinaryIO) -> str:
        raise error

    monkeypatch.setattr(examination, "sniff_file", fail)
    FileAsset.objects.update(attempts=MAX_ATTEMPTS - 1)
    assert processed(received).state == State.FAILED
    assert (received.reason, received.detail) == (Reason.GAVE_UP, error.__name__)


def test_a_profile_that_the_host_took_away_fails_the_asset(received: FileAsset) -> None:
    FileAsset.objects.update(profile="gone", attempts=MAX_ATTEMPTS - 1)
    assert processed(received).state == State.FAILED
    assert received.reason == Reason.GAVE_UP


def test_a_worker_that_was_replaced_stops_quietly(received: FileAsset, monkeypatch: pytest.MonkeyPatch) -> None:
    def replace(file: BinaryIO) -> str:
        FileAsset.objects.update(claims=2)
        return "image/png"

    monkeypatch.setattr(examination, "sniff_file", replace)
    asset = processed(received)
    assert (asset.state, asset.claims) == (State.PROCESSING, 2)


def test_an_asset_deleted_under_the_worker_does_not_come_back(
    received: FileAsset, monkeypatch: pytest.MonkeyPatch, stored: Stored
) -> None:
    def delete(file: BinaryIO) -> str:
        FileAsset.objects.all().delete()
        return "image/png"

    monkeypatch.setattr(examination, "sniff_file", delete)
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
        FileAsset.objects.update(claims=2)
        raise ZeroDivisionError

    monkeypatch.setattr(examination, "sniff_file", replace)
    process(received.pk)
    assert FileAsset.objects.get().state == State.PROCESSING


def test_a_blocked_asset_keeps_its_bytes(ready: FileAsset, stored: Stored) -> None:
    lifecycle.block(ready.pk)
    ready.refresh_from_db()
    discard_rejected(ready)
    assert stored() == [ready.file.name]


FAKE = "django_largefiles.testing.scanners.FakeScanner"


def scanner(backend: str = FAKE, **options: object) -> dict[str, object]:
    return {"BACKEND": backend, "OPTIONS": options}


@pytest.fixture
def infected(received: FileAsset) -> FileAsset:
    """A picture with the test string behind its end."""
    path = Path(received.file.path)
    path.write_bytes(path.read_bytes() + eicar())
    FileAsset.objects.update(size=path.stat().st_size)
    return received


def test_without_scanners_there_is_no_verdict(infected: FileAsset) -> None:
    asset = processed(infected)
    assert (asset.state, asset.scan_verdict, asset.scan_detail) == (State.READY, "", [])


def test_what_all_scanners_call_clean_becomes_ready(received: FileAsset, largefiles: Largefiles) -> None:
    largefiles.set(SCANNERS=[scanner(), scanner()])
    asset = processed(received)
    assert (asset.state, asset.scan_verdict) == (State.READY, ScanVerdict.CLEAN)
    assert [scan["verdict"] for scan in asset.scan_detail] == ["clean", "clean"]


def test_an_infected_file_is_rejected_and_its_deleted_files_removed(
    infected: FileAsset, largefiles: Largefiles, stored: Stored
) -> None:
    largefiles.set(SCANNERS=[scanner(), scanner(verdict="clean")])
    asset = processed(infected)
    assert (asset.state, asset.reason, asset.detail) == (State.REJECTED, Reason.INFECTED, "FakeScanner found EICAR")
    assert (asset.scan_verdict, len(asset.scan_detail)) == (ScanVerdict.INFECTED, 2)
    assert stored() == []


def test_an_infected_file_that_is_not_the_promised_one_either_is_recorded_as_infected(
    infected: FileAsset, largefiles: Largefiles
) -> None:
    FileAsset.objects.update(expected_sha256="0" * 64)
    largefiles.set(SCANNERS=[scanner()])
    asset = processed(infected)
    assert (asset.reason, asset.scan_verdict) == (Reason.DIGEST_MISMATCH, ScanVerdict.INFECTED)


@pytest.mark.parametrize(
    ("policy", "state", "kept"),
    [("quarantine", State.REJECTED, True), ("reject", State.REJECTED, False), ("allow", State.READY, True)],
)
def test_what_cannot_be_scanned_goes_where_the_profile_says(
    policy: str, state: State, kept: bool, received: FileAsset, largefiles: Largefiles, stored: Stored
) -> None:
    largefiles.set(SCANNERS=[scanner(verdict="unscannable")], ON_UNSCANNABLE=policy)
    asset = processed(received)
    assert (asset.state, asset.scan_verdict) == (state, ScanVerdict.UNSCANNABLE)
    assert asset.reason == ("" if policy == "allow" else Reason.UNSCANNABLE)
    assert (stored(), bool(asset.file)) == ([asset.file.name] if kept else [], kept)


@pytest.fixture
def archive(owner: User, largefiles: Largefiles) -> FileAsset:
    largefiles.set(ALLOWED_MIME_TYPES=["application/zip"])
    return ingest(BytesIO(zip_of({"a.txt": "a" * 1000}, packed=ZIP_LZMA)), name="a.zip", owner=owner)


@pytest.mark.parametrize(
    ("policy", "state", "kept"),
    [("quarantine", State.REJECTED, True), ("reject", State.REJECTED, False), ("allow", State.READY, True)],
)
def test_a_clean_archive_of_which_not_all_can_have_been_scanned_goes_there_too(
    policy: str, state: State, kept: bool, archive: FileAsset, largefiles: Largefiles, stored: Stored
) -> None:
    known = Unpacking(methods=frozenset({"deflate"}), member_size=10**6, total_size=10**6, members=10)
    largefiles.set(SCANNERS=[scanner(), scanner(unpacking=known)], ON_UNSCANNABLE=policy)
    asset = processed(archive)
    assert (asset.state, asset.scan_verdict) == (state, ScanVerdict.UNSCANNABLE)
    assert [scan["verdict"] for scan in asset.scan_detail] == ["clean", "unscannable"]
    assert "packed by lzma" in asset.scan_detail[1]["detail"]
    assert stored() == ([asset.file.name] if kept else [])


def test_an_archive_without_scanners_is_not_judged_by_what_they_read(archive: FileAsset) -> None:
    asset = processed(archive)
    assert (asset.state, asset.extra_attributes["archive"]["methods"]) == (State.READY, ["lzma"])


def test_nothing_else_of_what_may_not_be_scanned_is_allowed(infected: FileAsset, largefiles: Largefiles) -> None:
    largefiles.set(SCANNERS=[scanner(verdict="unscannable"), scanner()], ON_UNSCANNABLE="allow")
    assert processed(infected).reason == Reason.INFECTED


def test_quarantine_ends_with_a_scan(received: FileAsset, largefiles: Largefiles) -> None:
    largefiles.set(SCANNERS=[scanner(max_size=1)])
    assert processed(received).state == State.REJECTED
    assert lifecycle.reprocess(received.pk)
    assert processed(received).reason == Reason.UNSCANNABLE
    largefiles.set(SCANNERS=[scanner()])
    assert lifecycle.reprocess(received.pk)
    assert processed(received).state == State.READY


@pytest.mark.parametrize("policy", ["quarantine", "reject", "allow"])
@pytest.mark.parametrize("failing", ["Raising", "WithoutEngine", "Lying", "RaisingAtOnce"])
def test_a_scanner_that_fails_is_asked_again_and_then_the_file_failed(
    failing: str,
    policy: str,
    received: FileAsset,
    largefiles: Largefiles,
    stored: Stored,
    caplog: pytest.LogCaptureFixture,
) -> None:
    largefiles.set(SCANNERS=[scanner(), scanner(f"tests.scanners.odd.{failing}")], ON_UNSCANNABLE=policy)
    for attempt in range(1, MAX_ATTEMPTS):
        with pytest.raises(TryAgain) as caught:
            process(received.pk)
        assert caught.value.delay == timedelta(seconds=30) * 2 ** (attempt - 1)
        received.refresh_from_db()
        assert (received.state, received.scan_verdict) == (State.RECEIVED, ScanVerdict.ERROR)
    assert processed(received).state == State.FAILED
    assert (received.reason, received.detail) == (Reason.SCANNER_UNAVAILABLE, f"{failing} gave no verdict")
    assert [scan["verdict"] for scan in received.scan_detail] == ["clean", "error"]
    assert stored() == [received.file.name]
    alerts = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(alerts) == MAX_ATTEMPTS


def test_once_the_scanner_is_back_the_file_becomes_ready(received: FileAsset, largefiles: Largefiles) -> None:
    largefiles.set(SCANNERS=[scanner("tests.scanners.odd.Raising")])
    with pytest.raises(TryAgain):
        process(received.pk)
    largefiles.set(SCANNERS=[scanner()])
    asset = processed(received)
    assert (asset.state, asset.scan_verdict, asset.detail) == (State.READY, ScanVerdict.CLEAN, "")


def test_a_digest_is_not_made_again_because_a_scanner_failed(undigested: FileAsset, largefiles: Largefiles) -> None:
    largefiles.set(SCANNERS=[scanner("tests.scanners.odd.Raising")])
    with pytest.raises(TryAgain):
        process(undigested.pk)
    undigested.refresh_from_db()
    assert undigested.sha256 == hashlib.sha256(png()).hexdigest()


def test_a_scanner_that_cannot_be_loaded_lets_nothing_through(received: FileAsset, largefiles: Largefiles) -> None:
    largefiles.set(SCANNERS=[scanner("nowhere.Scanner")])
    with pytest.raises(TryAgain):
        process(received.pk)
    received.refresh_from_db()
    assert received.state == State.RECEIVED


def test_a_ready_file_is_scanned_anew_when_it_is_reprocessed(ready: FileAsset, largefiles: Largefiles) -> None:
    largefiles.set(SCANNERS=[scanner(verdict="infected")])
    assert lifecycle.reprocess(ready.pk)
    assert processed(ready).reason == Reason.INFECTED


def test_a_file_in_quarantine_cannot_be_had(received: FileAsset, largefiles: Largefiles, client: Client) -> None:
    largefiles.set(SCANNERS=[scanner(verdict="unscannable")])
    processed(received)
    client.force_login(received.owner)
    answers = [client.get(f"/files/{path}/") for path in (f"assets/{received.pk}/download", f"uploads/{received.pk}")]
    assert [answer.status_code for answer in answers] == [409, 409]


def test_the_lease_is_renewed_while_a_scanner_thinks(
    received: FileAsset, largefiles: Largefiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Stage] = []
    renew = lifecycle.renew

    def tell(claim: lifecycle.Claim, stage: Stage, *, done: int = 0, lease: timedelta | None = None) -> None:
        told.append(stage)
        if len(told) == 4:
            released.set()
        renew(claim, stage, done=done, lease=lease)

    class Thinking(FakeScanner):
        def scan(self, sample: Sample) -> ScanResult:
            result = super().scan(sample)
            released.wait()
            return result

    released = threading.Event()
    monkeypatch.setattr(lifecycle, "renew", tell)
    monkeypatch.setattr(read_pass, "TELL_SECONDS", 0)
    monkeypatch.setattr(running, "BEAT_SECONDS", 0.01)
    monkeypatch.setattr(examination, "load_scanners", lambda choices: (Thinking(),))
    assert processed(received).state == State.READY
    assert told[:4] == [Stage.SNIFFING, Stage.READING, Stage.SCANNING, Stage.SCANNING]


def test_a_worker_that_was_replaced_while_it_scans_says_nothing(
    received: FileAsset, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Replaced(FakeScanner):
        def scan(self, sample: Sample) -> ScanResult:
            sample_seen.set()
            return super().scan(sample)

    def lose(claim: lifecycle.Claim, stage: Stage, **other: object) -> None:
        if stage != Stage.SNIFFING:
            FileAsset.objects.update(claims=2)
            raise lifecycle.ClaimLost

    sample_seen = threading.Event()
    monkeypatch.setattr(lifecycle, "renew", lose)
    monkeypatch.setattr(examination, "load_scanners", lambda choices: (Replaced(),))
    asset = processed(received)
    assert (asset.state, asset.claims, asset.scan_verdict) == (State.PROCESSING, 2, "")
    assert sample_seen.wait(10)
