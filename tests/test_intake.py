from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import connection, transaction
from django.utils import timezone

from django_largefiles import intake, lifecycle
from django_largefiles.exceptions import (
    DigestMismatch,
    IncompleteBody,
    LargeFilesError,
    MalformedRequest,
    NotPermitted,
    StoreUnavailable,
    TakenOver,
    TooLarge,
    TypeMismatch,
    TypeNotAllowed,
    UnknownProfile,
    UploadGone,
)
from django_largefiles.intake import Arrival, Declaration, authorize, begin, create, reload, resume
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


def arrival(**declared: object) -> Arrival:
    return begin(Declaration(**{"name": "picture.png", **declared}))  # type: ignore[arg-type]


def test_a_file_arrives_whole(owner: User, stored: Stored) -> None:
    with arrival(owner=owner, length=len(PICTURE), media_type="image/png") as incoming:
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
    with arrival(length=10) as incoming:
        upload = Upload.objects.select_related("asset").get(pk=incoming.asset_id)
        assert (upload.length, upload.asset.state) == (10, State.RECEIVING)
        assert upload.expires_at > timezone.now() + timedelta(hours=23)


def test_an_anonymous_owner_is_none() -> None:
    with arrival(owner=AnonymousUser()) as incoming:
        assert FileAsset.objects.get(pk=incoming.asset_id).owner is None


def test_a_declared_type_that_is_none_is_dropped() -> None:
    with arrival(media_type="image/png\x00<script>") as incoming:
        assert FileAsset.objects.get(pk=incoming.asset_id).declared_type == ""


def _write(*chunks: bytes) -> Callable[[Arrival], object]:
    def act(incoming: Arrival) -> object:
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
        ({"length": 100}, _write(PICTURE), MalformedRequest),
        ({"length": 10_000}, _write(PICTURE), IncompleteBody),
        ({"sha256": "0" * 64}, _write(PICTURE), DigestMismatch),
    ],
    ids=["type", "extension", "empty", "limit", "beyond length", "short of length", "digest"],
)
def test_a_refused_file_leaves_nothing_behind(
    declared: dict[str, object],
    act: Callable[[Arrival], object],
    refusal: type[LargeFilesError],
    stored: Stored,
    largefiles: Largefiles,
) -> None:
    largefiles.set(MAX_UPLOAD_SIZE=10_000)
    with pytest.raises(refusal), arrival(**declared) as incoming:
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
        arrival(**declared)
    assert not FileAsset.objects.exists()
    assert stored() == []


def test_the_wrong_type_is_refused_before_a_byte_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bytes] = []
    monkeypatch.setattr(FileAppender, "write", lambda self, chunk: written.append(chunk))
    with arrival() as incoming:
        incoming.write(EXECUTABLE[:1000])
        with pytest.raises(TypeNotAllowed):
            incoming.write(EXECUTABLE[1000:])
    assert written == []


def test_a_promised_digest_may_come_after_the_bytes() -> None:
    with arrival() as incoming:
        incoming.write(PICTURE)
        incoming.expect(hashlib.sha256(PICTURE).hexdigest().upper())
        assert incoming.finish().state == State.RECEIVED


def test_judging_twice_judges_once() -> None:
    with arrival() as incoming:
        incoming.write(png())
        incoming.judge()
        incoming.judge()
        assert incoming.finish().size == len(png())


def test_a_store_that_fails_at_the_start_leaves_no_record(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: FilesystemStore, name: str) -> None:
        raise StoreUnavailable("down")

    monkeypatch.setattr(FilesystemStore, "begin", fail)
    with pytest.raises(StoreUnavailable):
        arrival()
    assert not FileAsset.objects.exists()


def test_a_store_s_own_state_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = FilesystemStore.begin
    monkeypatch.setattr(FilesystemStore, "begin", lambda self, name: {**begun(self, name), "part": 1})
    with arrival() as incoming:
        assert Upload.objects.get(pk=incoming.asset_id).store_state["part"] == 1


@pytest.fixture
def restless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "HEARTBEAT_SECONDS", -1.0)


def test_arriving_bytes_put_the_expiry_off(restless: None) -> None:
    with arrival() as incoming:
        Upload.objects.update(expires_at=timezone.now())
        incoming.write(PICTURE)
        upload = Upload.objects.get()
    assert upload.offset == len(PICTURE)
    assert upload.expires_at > timezone.now() + timedelta(hours=23)


def test_a_writer_finds_out_that_its_upload_was_removed(restless: None, stored: Stored) -> None:
    with arrival() as incoming:
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
    with arrival() as incoming:
        incoming.write(PICTURE)
        meanwhile(monkeypatch, lambda: lifecycle.discard(incoming.asset_id))
        with pytest.raises(UploadGone):
            incoming.finish()
    assert stored() == []


def test_an_upload_taken_over_just_before_its_end_is_its_new_writer_s(monkeypatch: pytest.MonkeyPatch) -> None:
    upload = create(Declaration(name="picture.png"))
    first = resume(upload, 0)
    first.write(PICTURE)
    later: list[Arrival] = []
    meanwhile(monkeypatch, lambda: later.append(resume(reload(upload), 0)))
    with pytest.raises(TakenOver):
        first.finish()
    monkeypatch.undo()
    later[0].write(PICTURE[:4000])
    later[0].write(PICTURE[4000:])
    assert later[0].finish().sha256 == hashlib.sha256(PICTURE).hexdigest()


@pytest.mark.django_db(transaction=True)
def test_the_database_connection_is_given_back_while_bytes_stream(
    restless: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[bool] = []
    with arrival() as incoming:
        monkeypatch.setattr(connection, "close", lambda: closed.append(True))
        incoming.write(PICTURE)
        monkeypatch.undo()
    assert closed == [True]


def test_deleting_an_arriving_asset_removes_its_bytes(stored: Stored) -> None:
    incoming = arrival()
    incoming.write(PICTURE)
    FileAsset.objects.all().delete()
    incoming.abort()
    assert stored() == []


def test_deleting_a_received_asset_removes_its_bytes(stored: Stored) -> None:
    with arrival() as incoming:
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
