"""Assets over storages that are no file systems, from their first byte to their deletion."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import storages
from django.db import OperationalError
from django.db.models import F
from django.test import Client
from pytest_django.fixtures import Settings

from django_largefiles import lifecycle, sweeper
from django_largefiles.doors.ingest import ingest
from django_largefiles.intake.creation import Declaration, begin_trusted
from django_largefiles.lifecycle import MAX_ATTEMPTS
from django_largefiles.models import FileAsset, PendingRemoval
from django_largefiles.outbox import removals
from django_largefiles.outbox.removals import GRACE
from django_largefiles.pipeline import moving, processing
from django_largefiles.pipeline.processing import TryAgain, process
from django_largefiles.states import Reason, Stage, State
from django_largefiles.stores.staged import StagedStore
from tests.conftest import Largefiles, png
from tests.doors.resumable.tus_client import PICTURE, SHA256, SIZE, Tus, asset_at, metadata
from tests.multipart import END, CountingBody, file, post_arguments
from tests.storages import BreakingStorage

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def staging(largefiles: Largefiles, tmp_path: Path) -> Path:
    directory = tmp_path / "staging"
    largefiles.set(STAGING_DIRECTORY=directory)
    return directory


@pytest.fixture
def staged(staging: Path) -> Callable[[], list[str]]:
    """What is on local disk."""
    return lambda: sorted(str(path.relative_to(staging)) for path in staging.rglob("*") if path.is_file())


def use_storage(settings: Settings, backend: str, options: dict[str, Any]) -> None:
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": backend, "OPTIONS": options}}


@pytest.fixture
def breaking(settings: Settings, largefiles: Largefiles, staging: Path, tmp_path: Path) -> BreakingStorage:
    # No child process for each attempt.
    largefiles.set(EXTRACTORS={"image/*": None})
    use_storage(settings, "tests.storages.BreakingStorage", {"location": str(tmp_path / "remote")})
    storage = storages["default"]
    assert isinstance(storage, BreakingStorage)
    return storage


@pytest.fixture(
    params=["memory", "sftp", "tests.storages.RemoteStorage", "tests.storages.RenamingStorage"],
    ids=["in memory", "SFTP", "one-way", "renaming"],
)
def remote(
    request: pytest.FixtureRequest, settings: Settings, largefiles: Largefiles, staging: Path, tmp_path: Path
) -> Iterator[None]:
    if request.param == "memory":
        largefiles.set(STORE="django_largefiles.stores.staged.StagedStore")
        use_storage(settings, "django.core.files.storage.InMemoryStorage", {})
        yield
    elif request.param == "sftp":
        use_storage(settings, "storages.backends.sftpstorage.SFTPStorage", request.getfixturevalue("sftp_options"))
        yield
        storages["default"].close()  # type: ignore[attr-defined]
    else:
        use_storage(settings, request.param, {"location": str(tmp_path / "remote")})
        yield


@pytest.fixture
def client(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


def processed(asset: FileAsset) -> FileAsset:
    process(asset.pk)
    asset.refresh_from_db()
    return asset


def download(client: Client, asset: FileAsset, **headers: str) -> Any:
    return client.get(f"/files/assets/{asset.pk}/download/", headers=headers)


def test_a_resumable_upload_goes_all_the_way(client: Client, remote: None, staged: Callable[[], list[str]]) -> None:
    tus = Tus(client)
    url = tus.create(upload_metadata=metadata(filename="picture.png"))
    assert tus.patch(url, 0, PICTURE[:5000]).status_code == 204
    assert int(tus.head(url)["Upload-Offset"]) == 5000
    assert tus.patch(url, 5000, PICTURE[5000:]).status_code == 204
    key = asset_at(url).file.name
    assert staged() == [key]

    asset = processed(asset_at(url))
    assert (asset.state, asset.sha256, asset.size, asset.width) == (State.READY, SHA256, SIZE, 3)
    assert asset.file.name.startswith(f"{key}-")
    assert staged() == []

    whole, part = download(client, asset), download(client, asset, range="bytes=5000-5999")
    assert hashlib.sha256(b"".join(whole.streaming_content)).hexdigest() == SHA256
    assert (part.status_code, b"".join(part.streaming_content)) == (206, PICTURE[5000:6000])
    whole.close()
    part.close()

    assert lifecycle.reprocess(asset.pk)
    again = processed(asset)
    assert (again.state, again.file.name, again.sha256) == (State.READY, asset.file.name, SHA256)
    assert (again.width, again.extraction_error) == (3, "")

    asset.delete()
    assert not storages["default"].exists(again.file.name)
    assert staged() == []


@pytest.mark.urls("tests.doors.views")
def test_a_form_goes_all_the_way(client: Client, remote: None, staged: Callable[[], list[str]]) -> None:
    client.generic("POST", "/accept/", **post_arguments(CountingBody(file(PICTURE) + END)))
    asset = processed(FileAsset.objects.get())
    assert (asset.state, asset.sha256) == (State.READY, SHA256)
    with asset.file.storage.open(asset.file.name) as stored:
        assert stored.read() == PICTURE
    assert staged() == []


def test_a_digest_that_is_missing_is_made_of_what_was_moved(owner: User, remote: None) -> None:
    asset = processed(ingest(BytesIO(PICTURE), name="picture.png", owner=owner))
    FileAsset.objects.update(sha256="")
    lifecycle.reprocess(asset.pk)
    assert processed(asset).sha256 == SHA256


def test_what_is_deleted_while_it_arrives_leaves_nothing(
    breaking: BreakingStorage, staged: Callable[[], list[str]]
) -> None:
    writer = begin_trusted(Declaration(name="picture.png"))
    writer.write(PICTURE)
    writer.close()
    assert staged()
    lifecycle.discard(writer.asset_id)
    assert (staged(), breaking.objects()) == ([], [])


def test_what_is_deleted_before_it_is_moved_leaves_nothing(
    breaking: BreakingStorage, staged: Callable[[], list[str]]
) -> None:
    ingest(BytesIO(PICTURE), name="picture.png").delete()
    assert (staged(), breaking.objects()) == ([], [])


def test_a_rejected_file_never_leaves_the_machine(
    breaking: BreakingStorage, staged: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch, largefiles: Largefiles
) -> None:
    asset = ingest(BytesIO(PICTURE), name="picture.png")
    largefiles.set(ALLOWED_MIME_TYPES=["image/gif"])
    monkeypatch.delattr(BreakingStorage, "_save")
    assert processed(asset).state == State.REJECTED
    assert (staged(), breaking.objects()) == ([], [])


@pytest.mark.parametrize("step", ["before", "half", "after", "size", "short"])
def test_a_storage_that_fails_is_tried_again_and_then_given_up_with_the_bytes_kept(
    step: str, breaking: BreakingStorage, staged: Callable[[], list[str]], client: Client, owner: User
) -> None:
    asset = ingest(BytesIO(PICTURE), name="picture.png", owner=owner)
    breaking.broken = {step}
    for _ in range(MAX_ATTEMPTS - 1):
        with pytest.raises(TryAgain):
            process(asset.pk)
        assert staged() == [asset.file.name]
        assert breaking.objects() == []
    failed = processed(asset)
    assert (failed.state, failed.reason) == (State.FAILED, Reason.STORE_UNAVAILABLE)
    assert "secret" not in failed.detail
    assert (staged(), breaking.objects()) == ([asset.file.name], [])

    breaking.broken = set()
    assert lifecycle.reprocess(asset.pk)
    ready = processed(asset)
    assert ready.state == State.READY
    assert (staged(), breaking.objects()) == ([], [ready.file.name])
    assert b"".join(download(client, ready).streaming_content) == PICTURE


def test_what_a_failing_storage_does_not_delete_is_left_to_the_sweeper(
    breaking: BreakingStorage, staged: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    asset = ingest(BytesIO(PICTURE), name="picture.png")
    breaking.broken = {"half", "delete"}
    with pytest.raises(TryAgain):
        process(asset.pk)
    assert breaking.objects()
    breaking.broken = set()
    after_grace()
    assert sweeper.sweep().deleted_files_removed == 1
    assert (staged(), breaking.objects()) == ([asset.file.name], [])
    assert not PendingRemoval.objects.exists()


def after_grace() -> None:
    """Let the grace pass, as the database's clock sees it."""
    PendingRemoval.objects.update(due_at=F("due_at") - GRACE)
    FileAsset.objects.update(lease_expires_at=F("lease_expires_at") - GRACE)


class Killed(BaseException):
    """The process is gone: nothing of what it would do at the end is done."""


def die(*args: Any, **kwargs: Any) -> Any:
    raise Killed


KILLED_AT: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "before the storage hears of it": lambda patch: patch.setattr(BreakingStorage, "get_available_name", die),
    "in the middle": lambda patch: patch.setattr(
        BreakingStorage, "_at_step", lambda self, step: die() if step == "half" else None
    ),
    "before the storage has answered": lambda patch: patch.setattr(
        BreakingStorage, "_at_step", lambda self, step: die() if step == "after" else None
    ),
    "before the asset is ready": lambda patch: patch.setattr(moving, "_switch", die),
    "in the transaction": lambda patch: patch.setattr(moving, "take_back", die),
}


@pytest.mark.parametrize("moment", KILLED_AT)
def test_a_worker_that_is_killed_loses_nothing_and_leaves_nothing(
    moment: str,
    breaking: BreakingStorage,
    staged: Callable[[], list[str]],
    monkeypatch: pytest.MonkeyPatch,
    client: Client,
    owner: User,
) -> None:
    asset = ingest(BytesIO(PICTURE), name="picture.png", owner=owner)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(removals, "_remove", lambda storage, state: None)
        KILLED_AT[moment](patch)
        process(asset.pk)
    assert staged() == [asset.file.name]

    after_grace()
    sweeper.sweep()
    ready = processed(asset)
    assert (ready.state, ready.attempts) == (State.READY, 2)
    assert (staged(), breaking.objects()) == ([], [ready.file.name])
    assert b"".join(download(client, ready).streaming_content) == PICTURE


def test_a_worker_that_is_killed_when_the_asset_is_ready_leaves_its_original_to_the_sweeper(
    breaking: BreakingStorage, staged: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    asset = ingest(BytesIO(PICTURE), name="picture.png")
    with monkeypatch.context() as patch:
        patch.setattr(removals, "_remove", lambda storage, state: None)
        ready = processed(asset)
    assert (ready.state, len(staged())) == (State.READY, 1)
    after_grace()
    sweeper.sweep()
    assert (staged(), breaking.objects()) == ([], [ready.file.name])
    assert not PendingRemoval.objects.exists()


def while_moving(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """``act`` when the bytes are in the storage and the worker does not know yet."""
    move = StagedStore.move

    def moved(self: StagedStore, *args: Any) -> str:
        name = move(self, *args)
        monkeypatch.setattr(StagedStore, "move", move)
        act()
        return name

    monkeypatch.setattr(StagedStore, "move", moved)


def test_an_asset_that_is_deleted_while_it_is_moved_leaves_nothing(
    breaking: BreakingStorage, staged: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    asset = ingest(BytesIO(PICTURE), name="picture.png")
    while_moving(monkeypatch, lambda: FileAsset.objects.all().delete())
    process(asset.pk)
    assert not FileAsset.objects.exists()
    assert (staged(), breaking.objects()) == ([], [])


def test_a_worker_that_comes_back_late_harms_nothing(
    breaking: BreakingStorage, staged: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    asset = ingest(BytesIO(PICTURE), name="picture.png")

    def another_worker() -> None:
        FileAsset.objects.update(state=State.RECEIVED)
        process(asset.pk)

    while_moving(monkeypatch, another_worker)
    ready = processed(asset)
    assert (ready.state, ready.attempts) == (State.READY, 2)
    assert (staged(), breaking.objects()) == ([], [ready.file.name])


def test_a_worker_that_loses_its_claim_meanwhile_leaves_the_asset_to_the_next(
    breaking: BreakingStorage, staged: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    asset = ingest(BytesIO(PICTURE), name="picture.png")
    while_moving(monkeypatch, lambda: FileAsset.objects.update(claims=2))
    process(asset.pk)
    asset.refresh_from_db()
    assert (asset.state, asset.claims) == (State.PROCESSING, 2)
    assert (staged(), breaking.objects()) == ([asset.file.name], [])


def test_a_worker_that_loses_its_claim_at_the_last_moment_does_not_accept(
    breaking: BreakingStorage, staged: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    asset = ingest(BytesIO(PICTURE), name="picture.png")

    def lose(claim: lifecycle.Claim, **columns: object) -> None:
        raise lifecycle.ClaimLost

    monkeypatch.setattr(lifecycle, "accept", lose)
    process(asset.pk)
    asset.refresh_from_db()
    assert asset.state == State.PROCESSING
    assert (staged(), breaking.objects()) == ([asset.file.name], [])


def test_a_commit_whose_answer_is_lost_keeps_what_the_row_names(
    breaking: BreakingStorage, staged: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    switch = moving._switch

    def switch_unheard(*args: Any) -> None:
        switch(*args)
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(moving, "_switch", switch_unheard)
    ready = processed(ingest(BytesIO(PICTURE), name="picture.png"))
    assert ready.state == State.READY
    assert (staged(), breaking.objects()) == ([], [ready.file.name])


def test_a_database_that_is_gone_after_a_failure_leaves_the_rest_to_the_sweeper(
    breaking: BreakingStorage,
    staged: Callable[[], list[str]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    asset = ingest(BytesIO(PICTURE), name="picture.png")
    breaking.broken = {"half"}

    def gone(note: PendingRemoval) -> bool:
        raise OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as patch, pytest.raises(TryAgain):
        patch.setattr(removals, "put_off", gone)
        process(asset.pk)
    assert breaking.objects()
    assert "left to the sweeper" in caplog.text
    after_grace()
    sweeper.sweep()
    assert (staged(), breaking.objects()) == ([asset.file.name], [])


@pytest.mark.parametrize("lost", ["put_off", "take_back"])
def test_a_worker_whose_copy_the_sweeper_has_removed_does_not_make_it_the_asset_s(
    lost: str, breaking: BreakingStorage, staged: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    asset = ingest(BytesIO(PICTURE), name="picture.png")
    monkeypatch.setattr(moving, lost, lambda note: False)
    process(asset.pk)
    asset.refresh_from_db()
    assert asset.state == State.PROCESSING
    assert (staged(), breaking.objects()) == ([asset.file.name], [])


def test_the_lease_is_renewed_and_the_note_put_off_while_the_storage_is_silent(
    breaking: BreakingStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    beats: list[int] = []

    class Heartbeat:
        def __init__(self, renew: Callable[[int], None]) -> None:
            self._renew = renew

        def tell(self, done: int) -> None: ...

        def __enter__(self) -> Heartbeat:
            return self

        def __exit__(self, *exception: object) -> None:
            due = PendingRemoval.objects.get().due_at
            self._renew(7)
            assert PendingRemoval.objects.get().due_at > due
            asset = FileAsset.objects.get()
            assert asset.stage == Stage.STORING
            beats.append(asset.stage_done)

    monkeypatch.setattr(moving, "Heartbeat", Heartbeat)
    assert processed(ingest(BytesIO(PICTURE), name="picture.png")).state == State.READY
    assert beats == [7]


def test_a_file_that_is_fetched_whole_keeps_its_lease(
    breaking: BreakingStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    asset = processed(ingest(BytesIO(png()), name="picture.png"))
    lifecycle.reprocess(asset.pk)
    stages: list[str] = []

    class Heartbeat:
        def __init__(self, renew: Callable[[int], None]) -> None:
            renew(0)
            stages.append(FileAsset.objects.get().stage)

        def __enter__(self) -> None: ...

        def __exit__(self, *exception: object) -> None: ...

    monkeypatch.setattr(processing, "Heartbeat", Heartbeat)
    process(asset.pk)
    assert stages == [Stage.READING]
