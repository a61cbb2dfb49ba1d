from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import transaction
from django.utils import timezone

from django_largefiles import lifecycle
from django_largefiles.exceptions import (
    DigestMismatch,
    IncompleteBody,
    LargeFilesError,
    MalformedRequest,
    NotPermitted,
    OffsetMismatch,
    StoreUnavailable,
    TakenOver,
    TooLarge,
    TypeMismatch,
    TypeNotAllowed,
    UnknownProfile,
    UploadGone,
)
from django_largefiles.intake import progress
from django_largefiles.intake.creation import (
    Declaration,
    aborted_on_failure,
    authorize,
    begin_trusted,
    create_trusted,
    discarded_on_failure,
)
from django_largefiles.intake.progress import reload
from django_largefiles.intake.resuming import set_length, take_over
from django_largefiles.intake.writing import UploadWriter
from django_largefiles.models import FileAsset, Upload
from django_largefiles.states import State
from django_largefiles.stores.base import StoreState
from django_largefiles.stores.filesystem import FileAppender, FilesystemStore
from tests.conftest import EXECUTABLE, Largefiles, png

pytestmark = pytest.mark.django_db

Stored = Callable[[], list[str]]
PICTURE = png(padding=5000)


@pytest.fixture(autouse=True)
def immediate_commit(
    django_capture_on_commit_callbacks: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits for the commit happens at once: a test's transaction is never committed."""
    monkeypatch.setattr(transaction, "on_commit", lambda act, **options: act())


def writer(**declared: object) -> UploadWriter:
    return begin_trusted(Declaration(**{"name": "picture.png", **declared}))  # type: ignore[arg-type]


def test_a_file_arrives_whole(owner: User, stored: Stored) -> None:
    with writer(owner=owner, length=len(PICTURE), media_type="image/png") as incoming:
        for start in range(0, len(PICTURE), 700):
            incoming.write(PICTURE[start : start + 700])
        asset = incoming.finish()
    assert asset.state == State.RECEIVED
    assert (asset.size, asset.sha256) == (len(PICTURE), hashlib.sha256(PICTURE).hexdigest())
    assert (asset.media_type, asset.declared_type) == ("image/png", "image/png")
    assert asset.owner == owner
    assert asset.file.name == f"largefiles/{asset.pk.hex[:2]}/{asset.pk.hex[2:4]}/{asset.pk.hex}"
    assert stored() == [asset.file.name]
    with asset.file.open() as file:
        assert file.read() == PICTURE
    assert not Upload.objects.exists()


def test_while_it_arrives_its_records_tell_of_it() -> None:
    with writer(length=10) as incoming:
        upload = Upload.objects.select_related("asset").get(pk=incoming.asset_id)
        assert (upload.length, upload.asset.state) == (10, State.RECEIVING)
        assert upload.expires_at > timezone.now() + timedelta(hours=23)


def test_an_anonymous_owner_is_none() -> None:
    with writer(owner=AnonymousUser()) as incoming:
        assert FileAsset.objects.get(pk=incoming.asset_id).owner is None


def test_a_declared_type_that_is_none_is_dropped() -> None:
    with writer(media_type="image/png\x00<script>") as incoming:
        assert FileAsset.objects.get(pk=incoming.asset_id).declared_type == ""


def _write(*chunks: bytes) -> Callable[[UploadWriter], object]:
    def act(incoming: UploadWriter) -> object:
        for chunk in chunks:
            incoming.write(chunk)
        return incoming.finish()

    return act


@pytest.mark.parametrize(
    ("declared", "act", "refusal"),
    [
        ({}, _write(EXECUTABLE), TypeNotAllowed),
        ({"name": "picture.pdf"}, _write(PICTURE), TypeMismatch),
        ({}, _write(b""), TypeNotAllowed),
        ({}, _write(PICTURE, bytes(10_000)), TooLarge),
        ({"length": 100}, _write(PICTURE), TooLarge),
        ({"length": 10_000}, _write(PICTURE), IncompleteBody),
        ({"sha256": "0" * 64}, _write(PICTURE), DigestMismatch),
    ],
    ids=["type", "extension", "empty", "limit", "beyond length", "short of length", "digest"],
)
def test_a_refused_file_leaves_nothing_behind(
    declared: dict[str, object],
    act: Callable[[UploadWriter], object],
    refusal: type[LargeFilesError],
    stored: Stored,
    largefiles: Largefiles,
) -> None:
    largefiles.set(MAX_UPLOAD_SIZE=10_000)
    incoming = writer(**declared)
    with pytest.raises(refusal), aborted_on_failure(incoming):
        act(incoming)
    assert not FileAsset.objects.exists()
    assert stored() == []


@pytest.mark.parametrize(
    ("declared", "refusal"),
    [
        ({"length": 10_001}, TooLarge),
        ({"sha256": "nonsense"}, MalformedRequest),
        ({"profile": "unknown"}, UnknownProfile),
    ],
    ids=["length", "digest", "profile"],
)
def test_a_refused_declaration_makes_nothing(
    declared: dict[str, object], refusal: type[LargeFilesError], stored: Stored, largefiles: Largefiles
) -> None:
    largefiles.set(MAX_UPLOAD_SIZE=10_000)
    with pytest.raises(refusal):
        writer(**declared)
    assert not FileAsset.objects.exists()
    assert stored() == []


def test_the_wrong_type_is_refused_before_a_byte_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bytes] = []
    monkeypatch.setattr(FileAppender, "write", lambda self, chunk: written.append(chunk))
    with writer() as incoming:
        incoming.write(EXECUTABLE[:1000])
        with pytest.raises(TypeNotAllowed):
            incoming.write(EXECUTABLE[1000:])
    assert written == []


def test_a_promised_digest_may_come_after_the_bytes() -> None:
    with writer() as incoming:
        incoming.write(PICTURE)
        incoming.expect(hashlib.sha256(PICTURE).hexdigest().upper())
        assert incoming.finish().state == State.RECEIVED


def test_judging_twice_judges_once() -> None:
    with writer() as incoming:
        incoming.write(png())
        incoming.judge()
        incoming.judge()
        assert incoming.finish().size == len(png())


def test_a_store_that_fails_at_the_start_leaves_no_record(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: FilesystemStore, name: str, length: int | None) -> None:
        raise StoreUnavailable("down")

    monkeypatch.setattr(FilesystemStore, "begin", fail)
    with pytest.raises(StoreUnavailable):
        writer()
    assert not FileAsset.objects.exists()


def test_a_store_s_own_state_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = FilesystemStore.begin
    monkeypatch.setattr(FilesystemStore, "begin", lambda self, *told: {**begun(self, *told), "part": 1})
    with writer() as incoming:
        assert Upload.objects.get(pk=incoming.asset_id).store_state["part"] == 1


@pytest.fixture
def restless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "HEARTBEAT_SECONDS", -1.0)


def test_arriving_bytes_put_the_expiry_off(restless: None) -> None:
    with writer() as incoming:
        Upload.objects.update(expires_at=timezone.now())
        incoming.write(PICTURE)
        upload = Upload.objects.get()
    assert upload.offset == len(PICTURE)
    assert upload.expires_at > timezone.now() + timedelta(hours=23)


def test_many_uploads_have_fewer_heartbeats_each(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, arrived = [0.0], iter([PICTURE[:3000], b"a", b"b", b"c"])
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(progress, "UPLOADS_AT_FULL_RATE", 2)

    def offset_at(seconds: float) -> int:
        clock[0] = seconds
        incoming.write(next(arrived))
        return Upload.objects.get(pk=incoming.asset_id).offset

    with writer() as incoming:
        with ExitStack() as stack:
            for _ in range(3):
                stack.enter_context(writer())
            assert [offset_at(3), offset_at(5)] == [0, 3001]
        assert [offset_at(6), offset_at(8)] == [3001, 3003]


def test_the_offset_is_not_at_the_end_before_the_file_is_complete(restless: None) -> None:
    with writer(length=len(PICTURE)) as incoming:
        incoming.write(PICTURE[:4000])
        incoming.write(PICTURE[4000:])
        assert Upload.objects.get().offset == 4000


def test_a_writer_finds_out_that_its_upload_was_removed(restless: None, stored: Stored) -> None:
    with writer() as incoming:
        incoming.write(PICTURE[:3000])
        lifecycle.discard(incoming.asset_id)
        with pytest.raises(UploadGone):
            incoming.write(PICTURE[3000:])
    assert stored() == []


def meanwhile(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Have ``act`` happen between the store's end of an upload and the database's."""
    finish = FilesystemStore.finish

    def finish_and_act(self: FilesystemStore, state: StoreState, token: UUID) -> str:
        name = finish(self, state, token)
        act()
        return name

    monkeypatch.setattr(FilesystemStore, "finish", finish_and_act)


def test_an_upload_removed_just_before_its_end_does_not_come_back(
    stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    with writer() as incoming:
        incoming.write(PICTURE)
        meanwhile(monkeypatch, lambda: lifecycle.discard(incoming.asset_id))
        with pytest.raises(UploadGone):
            incoming.finish()
    assert stored() == []


def test_an_upload_removed_before_its_end_is_gone_and_no_failure_of_the_store(stored: Stored) -> None:
    with writer() as incoming:
        incoming.write(PICTURE)
        lifecycle.discard(incoming.asset_id)
        with pytest.raises(UploadGone):
            incoming.finish()
    assert stored() == []


def test_a_store_that_fails_at_the_end_keeps_the_upload(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: FilesystemStore, state: StoreState, token: UUID) -> None:
        raise StoreUnavailable("down")

    upload = create_trusted(Declaration(name="picture.png"))
    incoming = take_over(upload, 0)
    incoming.write(PICTURE)
    monkeypatch.setattr(FilesystemStore, "finish", fail)
    with pytest.raises(StoreUnavailable):
        incoming.finish()
    assert reload(upload).offset == 0


def test_an_upload_taken_over_just_before_its_end_is_its_new_writer_s(monkeypatch: pytest.MonkeyPatch) -> None:
    upload = create_trusted(Declaration(name="picture.png"))
    first = take_over(upload, 0)
    first.write(PICTURE)
    later: list[UploadWriter] = []
    meanwhile(monkeypatch, lambda: later.append(take_over(reload(upload), 0)))
    with pytest.raises(TakenOver):
        first.finish()
    monkeypatch.undo()
    later[0].write(PICTURE[:4000])
    later[0].write(PICTURE[4000:])
    assert later[0].finish().sha256 == hashlib.sha256(PICTURE).hexdigest()


def test_an_upload_completed_by_its_new_writer_is_left_to_it(
    stored: Stored, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = create_trusted(Declaration(name="picture.png"))
    first = take_over(upload, 0)
    first.write(PICTURE)

    def complete_it() -> None:
        monkeypatch.undo()
        later = take_over(reload(upload), 0)
        later.write(PICTURE)
        later.finish()

    meanwhile(monkeypatch, complete_it)
    with pytest.raises(TakenOver):
        first.finish()
    assert [(media / name).read_bytes() for name in stored()] == [PICTURE]


def test_who_cannot_take_an_upload_over_leaves_it_to_its_writer(monkeypatch: pytest.MonkeyPatch) -> None:
    upload = create_trusted(Declaration(name="picture.png"))
    first = take_over(upload, 0)
    with monkeypatch.context() as patch:
        patch.setattr(FilesystemStore, "append", Mock(side_effect=StoreUnavailable("down")))
        with pytest.raises(StoreUnavailable):
            take_over(reload(upload), 0)
    first.write(PICTURE)
    assert first.pause() == len(PICTURE)


def test_few_bytes_are_judged_with_the_rest_after_a_crash_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    upload = create_trusted(Declaration(name="picture.png"))
    first = take_over(upload, 0)
    first.write(PICTURE[:100])
    first.pause()
    crashing = take_over(reload(upload), 100)
    crashing.write(PICTURE[100:])
    with monkeypatch.context() as patch:
        patch.setattr(lifecycle, "complete", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            crashing.finish()
    again = take_over(reload(upload), 100)
    again.write(PICTURE[100:])
    assert again.finish().media_type == "image/png"


def test_deleting_an_arriving_asset_removes_its_bytes(stored: Stored) -> None:
    incoming = writer()
    incoming.write(PICTURE)
    FileAsset.objects.all().delete()
    incoming.abort()
    assert stored() == []


def test_deleting_a_received_asset_removes_its_bytes(stored: Stored) -> None:
    with writer() as incoming:
        incoming.write(PICTURE)
        incoming.finish().delete()
    assert stored() == []


def test_deleting_an_asset_without_bytes_asks_nothing_of_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(FilesystemStore, "abort")
    FileAsset.objects.create(original_name="emptied.png", state=State.REJECTED, size=1).delete()
    assert not FileAsset.objects.exists()


def test_uploading_is_asked_of_the_access_policy(owner: User) -> None:
    authorize(owner, "default")
    with pytest.raises(NotPermitted):
        authorize(AnonymousUser(), "default")
    with pytest.raises(UnknownProfile):
        authorize(owner, "unknown")


def deferred(**declared: object) -> Upload:
    return create_trusted(Declaration(**{"name": "picture.png", **declared}))  # type: ignore[arg-type]


def test_a_paused_upload_goes_on_where_it_was() -> None:
    upload = deferred(length=len(PICTURE))
    first = take_over(upload, 0)
    first.write(PICTURE[:4000])
    assert first.pause() == 4000
    second = take_over(reload(upload), 4000)
    second.write(PICTURE[4000:])
    assert second.finish().sha256 == hashlib.sha256(PICTURE).hexdigest()


def test_a_paused_upload_of_a_few_bytes_is_judged_by_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    upload = deferred()
    first = take_over(upload, 0)
    first.write(EXECUTABLE[:1000])
    first.pause()
    second = take_over(reload(upload), 1000)
    with pytest.raises(TypeNotAllowed):
        second.write(EXECUTABLE[1000:2048])
    second.abort()


@pytest.mark.parametrize("state", [None, b"nonsense"], ids=["lost", "damaged"])
def test_without_its_digest_s_state_an_upload_has_no_digest(state: bytes | None) -> None:
    upload = deferred()
    first = take_over(upload, 0)
    first.write(PICTURE[:4000])
    first.pause()
    Upload.objects.update(digest_state=state)
    second = take_over(reload(upload), 4000)
    second.write(PICTURE[4000:])
    assert second.pause() == len(PICTURE)
    third = take_over(reload(upload), len(PICTURE))
    assert (third.finish().sha256, reload_asset(upload).size) == ("", len(PICTURE))
    assert reload_asset(upload).crc32 is None


def test_the_crc32_is_made_over_all_requests_of_an_upload() -> None:
    pytest.importorskip("rehashes")
    upload = deferred()
    first = take_over(upload, 0)
    first.write(PICTURE[:4000])
    first.pause()
    second = take_over(reload(upload), 4000)
    second.write(PICTURE[4000:])
    second.finish()
    asset = reload_asset(upload)
    assert (asset.sha256, asset.crc32) == (hashlib.sha256(PICTURE).hexdigest(), zlib.crc32(PICTURE))


def reload_asset(upload: Upload) -> FileAsset:
    return FileAsset.objects.get(pk=upload.pk)


def test_another_offset_changes_nothing() -> None:
    upload = deferred()
    token = upload.lease_token
    with pytest.raises(OffsetMismatch) as caught:
        take_over(upload, 5)
    assert (caught.value.limit, caught.value.value) == (0, 5)
    assert reload(upload).lease_token == token


def test_an_upload_that_has_gone_cannot_be_resumed() -> None:
    upload = deferred()
    lifecycle.discard(upload.pk)
    with pytest.raises(UploadGone):
        take_over(upload, 0)


def test_an_upload_whose_bytes_were_lost_is_removed(media: Path, stored: Stored) -> None:
    upload = deferred()
    with take_over(upload, 0) as first:
        first.write(PICTURE[:4000])
        first.pause()
    os.truncate(media / ".incoming" / upload.pk.hex, 3999)
    with pytest.raises(UploadGone, match="3999 bytes, not 4000"):
        take_over(reload(upload), 4000)
    assert not FileAsset.objects.exists()
    assert stored() == []


def test_an_upload_taken_over_cannot_be_paused() -> None:
    upload = deferred()
    first = take_over(upload, 0)
    second = take_over(reload(upload), 0)
    with pytest.raises(TakenOver):
        first.pause()
    first.close()
    second.close()
    assert reload(upload).lease_token == second._token


def test_an_upload_that_is_just_being_taken_over_cannot_be_paused() -> None:
    upload = deferred()
    incoming = take_over(upload, 0)
    incoming.write(PICTURE)
    Upload.objects.update(lease_token=uuid4())
    with pytest.raises(TakenOver):
        incoming.pause()
    incoming.close()
    assert reload(upload).offset == 0


def test_an_upload_that_another_request_is_just_finishing_has_been_taken_over_and_no_store_has_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    upload = create_trusted(Declaration(name="picture.png", length=len(PICTURE)))
    incoming = take_over(upload, 0)
    incoming.write(PICTURE)

    def lost(self: FilesystemStore, state: StoreState, token: UUID) -> str:
        Upload.objects.update(lease_token=uuid4())
        raise StoreUnavailable("the bytes have been moved")

    monkeypatch.setattr(FilesystemStore, "finish", lost)
    with pytest.raises(TakenOver):
        incoming.finish()
    incoming.close()


def test_a_store_that_fails_the_request_that_holds_the_upload_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    upload = create_trusted(Declaration(name="picture.png", length=len(PICTURE)))
    incoming = take_over(upload, 0)
    incoming.write(PICTURE)

    def broken(self: FilesystemStore, state: StoreState, token: UUID) -> str:
        raise StoreUnavailable("broken")

    monkeypatch.setattr(FilesystemStore, "finish", broken)
    with pytest.raises(StoreUnavailable, match="broken"):
        incoming.finish()
    incoming.close()


def test_an_arrival_tells_its_profile(largefiles: Largefiles) -> None:
    largefiles.set(PROFILES={"photos": {}})
    with writer(profile="photos") as incoming:
        assert incoming.profile == "photos"


def test_without_checkpoints_no_byte_counts_before_the_pause(restless: None) -> None:
    upload = deferred()
    incoming = take_over(upload, 0, checkpoints=False)
    Upload.objects.update(expires_at=timezone.now())
    incoming.write(PICTURE)
    assert reload(upload).offset == 0
    assert reload(upload).expires_at > timezone.now() + timedelta(hours=23)
    incoming.pause()
    assert reload(upload).offset == len(PICTURE)


def test_without_checkpoints_a_writer_finds_out_too_that_its_upload_was_removed(restless: None) -> None:
    incoming = take_over(deferred(), 0, checkpoints=False)
    lifecycle.discard(incoming.asset_id)
    with pytest.raises(UploadGone):
        incoming.write(PICTURE)
    incoming.close()


def test_a_length_that_comes_late_counts() -> None:
    upload = deferred()
    set_length(upload, 5)
    assert (upload.length, reload(upload).length, reload(upload).reserved, reload_asset(upload).size) == (5, 5, 5, 5)


def test_a_length_that_is_reached_already_is_saved_before_the_completion() -> None:
    upload = deferred()
    incoming = take_over(upload, 0)
    incoming.write(PICTURE)
    incoming.pause()
    upload = reload(upload)
    set_length(upload, len(PICTURE))
    # After a crash the sweeper completes it, though its client sends nothing more.
    assert reload(upload).length == len(PICTURE)
    take_over(upload, len(PICTURE)).finish()
    assert reload_asset(upload).size == len(PICTURE)


def test_the_length_of_a_part_is_saved_when_it_is_told() -> None:
    upload = create_trusted(Declaration(name=""), kind=Upload.Kind.PARTIAL)
    set_length(upload, 0)
    assert reload(upload).length == 0


def test_a_length_may_be_told_again() -> None:
    upload = deferred(length=5)
    set_length(upload, 5)
    assert reload(upload).length == 5


def test_a_length_does_not_change() -> None:
    upload = deferred(length=5)
    with pytest.raises(MalformedRequest) as caught:
        set_length(upload, 6)
    assert (caught.value.limit, caught.value.value, reload(upload).length) == (5, 6, 5)


def test_a_length_does_not_cut_what_is_there() -> None:
    upload = deferred()
    incoming = take_over(upload, 0)
    incoming.write(PICTURE)
    incoming.pause()
    with pytest.raises(MalformedRequest) as caught:
        set_length(reload(upload), 5)
    assert (caught.value.limit, reload(upload).length) == (len(PICTURE), None)


def test_a_late_length_above_the_limit_is_refused(largefiles: Largefiles) -> None:
    largefiles.set(MAX_UPLOAD_SIZE=10_000)
    upload = deferred()
    with pytest.raises(TooLarge):
        set_length(upload, 10_001)
    assert reload(upload).length is None


def test_of_two_requests_that_tell_the_length_the_first_counts() -> None:
    upload = deferred()
    set_length(reload(upload), 5)
    with pytest.raises(MalformedRequest):
        set_length(upload, 6)
    assert (reload(upload).length, reload_asset(upload).size) == (5, 5)


def test_of_two_requests_that_tell_the_same_length_both_are_right() -> None:
    upload = deferred()
    set_length(reload(upload), 5)
    set_length(upload, 5)
    assert upload.length == 5


def test_a_length_that_was_told_since_the_upload_was_read_counts() -> None:
    upload = deferred()
    set_length(reload(upload), 10)
    with take_over(upload, 0) as later, pytest.raises(TooLarge, match="the declared 10"):
        later.write(PICTURE)
    assert reload(upload).offset == 0


def test_a_length_does_not_cut_what_has_come_since_the_upload_was_read() -> None:
    upload = deferred()
    with take_over(reload(upload), 0) as first:
        first.write(PICTURE[:4000])
        first.pause()
    with pytest.raises(MalformedRequest):
        set_length(upload, 10)
    assert (reload(upload).length, reload(upload).offset) == (None, 4000)


def test_a_request_that_does_not_know_the_length_writes_no_further() -> None:
    upload = deferred()
    with take_over(upload, 0) as first:
        first.write(PICTURE[:4000])
        set_length(reload(upload), 10)
        with pytest.raises(TakenOver):
            first.pause()
    assert (reload(upload).length, reload(upload).offset) == (10, 0)


def test_what_fails_before_the_client_knows_of_it_is_discarded(stored: Stored) -> None:
    upload = deferred()
    with pytest.raises(ZeroDivisionError), discarded_on_failure(upload):
        raise ZeroDivisionError
    assert not FileAsset.objects.exists()
    assert stored() == []
