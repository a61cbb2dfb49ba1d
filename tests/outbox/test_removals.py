from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from io import BytesIO

import pytest
from django.core.files.storage import storages
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from pytest_django.fixtures import Settings

from django_largefiles import lifecycle, sweeper
from django_largefiles.doors.ingest import ingest
from django_largefiles.exceptions import StoreUnavailable
from django_largefiles.intake.creation import Declaration, begin_trusted
from django_largefiles.models import FileAsset, PendingRemoval
from django_largefiles.outbox import removals
from django_largefiles.outbox.removals import GRACE
from django_largefiles.states import State
from django_largefiles.stores.base import StoreState
from django_largefiles.stores.filesystem import FilesystemStore
from tests.conftest import png

pytestmark = pytest.mark.django_db(transaction=True)

Stored = Callable[[], list[str]]


@pytest.fixture
def asset() -> FileAsset:
    return ingest(BytesIO(png()), name="picture.png")


def delete_and_die(asset: FileAsset, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a process does that is killed right after the commit of a deletion."""
    with monkeypatch.context() as patched:
        patched.setattr(removals, "_remove", lambda storage, state: None)
        asset.delete()


def after_grace() -> None:
    """Let the grace pass, as the database's clock sees it."""
    PendingRemoval.objects.update(due_at=F("due_at") - GRACE)


def test_the_bytes_go_with_their_asset(asset: FileAsset, stored: Stored) -> None:
    asset.delete()
    assert stored() == []


def test_bytes_that_were_moved_after_the_asset_was_read_go_too(asset: FileAsset, stored: Stored) -> None:
    storage = storages["default"]
    with storage.open(asset.file.name) as file:
        FileAsset.objects.update(file=storage.save("largefiles/moved", file))
    storage.delete(asset.file.name)
    asset.delete()
    assert stored() == []


def test_a_deletion_that_is_rolled_back_removes_nothing(asset: FileAsset, stored: Stored) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        FileAsset.objects.all().delete()
        raise ZeroDivisionError
    assert stored() == [asset.file.name]
    assert not PendingRemoval.objects.exists()


def test_bytes_that_a_crash_left_are_removed_by_the_sweeper(
    asset: FileAsset, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete_and_die(asset, monkeypatch)
    assert stored() == [asset.file.name]
    after_grace()
    assert [sweeper.sweep().deleted_files_removed, sweeper.sweep().deleted_files_removed] == [1, 0]
    assert stored() == []


def test_so_are_those_of_an_upload_that_had_not_ended(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = begin_trusted(Declaration(name="picture.png"))
    writer.write(png(padding=5000))
    writer.close()
    delete_and_die(FileAsset.objects.get(), monkeypatch)
    after_grace()
    assert sweeper.sweep().deleted_files_removed == 1
    assert stored() == []


def test_what_was_still_being_written_goes_the_second_time(
    asset: FileAsset, stored: Stored, monkeypatch: pytest.MonkeyPatch, media: object
) -> None:
    name = asset.file.name
    asset.delete()
    storages["default"].save(name, BytesIO(b"late"))
    assert sweeper.sweep().deleted_files_removed == 0
    after_grace()
    sweeper.sweep()
    assert stored() == []


def test_an_asset_without_bytes_leaves_nothing_to_remove() -> None:
    FileAsset.objects.create(original_name="a.png", state=State.REJECTED, size=1).delete()
    assert not PendingRemoval.objects.exists()


def test_a_store_that_is_down_fails_no_deletion(
    asset: FileAsset, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(FilesystemStore, "abort", fail)
        asset.delete()
    assert not FileAsset.objects.exists()
    after_grace()
    sweeper.sweep()
    assert stored() == []


def test_a_store_that_is_still_down_is_asked_once_a_sweep_each_time_for_another(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[str] = []

    def note_and_fail(self: FilesystemStore, state: StoreState) -> None:
        asked.append(state["name"])
        fail()

    PendingRemoval.objects.bulk_create(
        PendingRemoval(storage="default", store_state={"name": name}, due_at=timezone.now() - timedelta(minutes=age))
        for age, name in ((1, "newer"), (2, "older"))
    )
    monkeypatch.setattr(FilesystemStore, "abort", note_and_fail)
    assert [
        sweeper.sweep().deleted_files_removed,
        sweeper.sweep().deleted_files_removed,
        sweeper.sweep().deleted_files_removed,
    ] == [0, 0, 0]
    assert asked == ["older", "newer"]
    assert "still in storage 'default', as older" in caplog.text


def test_a_storage_that_is_gone_holds_up_no_other(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[str] = []
    PendingRemoval.objects.bulk_create(
        PendingRemoval(storage=storage, store_state={"name": name}, due_at=timezone.now() - timedelta(minutes=age))
        for age, storage, name in ((4, "gone", "first"), (3, "gone", "second"), (2, "default", "third"))
    )
    monkeypatch.setattr(FilesystemStore, "abort", lambda self, state: asked.append(state["name"]))
    assert removals.remove_leftovers(1) == 1
    assert asked == ["third"]
    assert "still in storage 'gone', as first" in caplog.text
    settings.STORAGES = {**settings.STORAGES, "gone": settings.STORAGES["default"]}
    assert removals.remove_leftovers(9) == 1
    assert asked == ["third", "second"]
    after_grace()
    assert removals.remove_leftovers(9) == 1
    assert not PendingRemoval.objects.exists()


def fail(*args: object) -> None:
    raise StoreUnavailable("the storage does not answer")


def test_discarding_an_upload_removes_its_bytes_too(stored: Stored) -> None:
    writer = begin_trusted(Declaration(name="picture.png"))
    writer.write(png(padding=5000))
    writer.close()
    lifecycle.discard(writer.asset_id)
    assert stored() == []


def test_two_sweepers_do_not_remove_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def ask(self: FilesystemStore, state: StoreState) -> None:
        asked.append(state["name"])
        if len(asked) == 1:
            sweeper.sweep()

    PendingRemoval.objects.bulk_create(
        PendingRemoval(storage="default", store_state={"name": name}, due_at=timezone.now() - timedelta(minutes=age))
        for age, name in ((2, "older"), (1, "newer"))
    )
    monkeypatch.setattr(FilesystemStore, "abort", ask)
    assert sweeper.sweep().deleted_files_removed == 1
    assert asked == ["older", "newer"]
    assert not PendingRemoval.objects.exists()


@pytest.fixture
def note() -> PendingRemoval:
    """Of bytes that somebody is about to write."""
    return removals.note("default", {"name": "new"}, "default")


def test_what_is_put_off_is_not_removed(note: PendingRemoval) -> None:
    after_grace()
    assert removals.put_off(note)
    assert sweeper.sweep().deleted_files_removed == 0
    assert removals.take_back(note)
    assert not PendingRemoval.objects.exists()


def test_a_note_that_another_process_acts_on_is_not_withdrawn(note: PendingRemoval) -> None:
    another = PendingRemoval.objects.get()
    after_grace()
    assert removals.put_off(another)
    assert not removals.put_off(note)
    assert not removals.take_back(note)
    assert PendingRemoval.objects.get().version == another.version


@pytest.mark.parametrize("fails", [True, False], ids=["rolled back", "committed"])
def test_bytes_of_an_upload_that_was_rolled_back_are_removed(fails: bool, stored: Stored) -> None:
    with suppress(ZeroDivisionError), transaction.atomic():
        writer = begin_trusted(Declaration(name="a.png"))
        writer.write(png())
        writer.finish()
        if fails:
            raise ZeroDivisionError
    removals.remove_if_rolled_back(writer.upload)
    assert len(stored()) == (not fails)


def test_a_database_that_cannot_be_asked_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        writer = begin_trusted(Declaration(name="a.png"))
        transaction.set_rollback(True)
        removals.remove_if_rolled_back(writer.upload)
        writer.close()
        raise ZeroDivisionError
    assert "Bytes may be left in storage 'default'" in caplog.text
