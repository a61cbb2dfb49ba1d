from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage

from django_largefiles.exceptions import InvalidSetting, StoreFull, StoreUnavailable
from django_largefiles.stores.base import Store, StoreState
from django_largefiles.stores.staged import StagedStore
from django_largefiles.testing.stores import ArrivingUpload, StoreContract
from tests.conftest import Largefiles
from tests.storages import BreakingStorage, RemoteStorage, RenamingStorage, UnrelatedStorage

KEY = "largefiles/ab/cd/abcd"


@pytest.fixture(autouse=True)
def staging(largefiles: Largefiles, tmp_path: Path) -> Path:
    directory = tmp_path / "staging"
    largefiles.set(STAGING_DIRECTORY=directory)
    return directory


class TestContractInMemory(StoreContract):
    @pytest.fixture
    def store(self) -> Store:
        return StagedStore(InMemoryStorage())


@pytest.mark.parametrize("kind", [RemoteStorage, RenamingStorage, UnrelatedStorage])
class TestContractWithAwkwardStorages(StoreContract):
    @pytest.fixture
    def store(self, kind: type[RemoteStorage], tmp_path: Path) -> Store:
        return StagedStore(kind(str(tmp_path / "remote")))


class TestContractOverSftp(StoreContract):
    @pytest.fixture
    def store(self, sftp_options: dict[str, Any]) -> Iterator[Store]:
        from storages.backends.sftpstorage import SFTPStorage

        with SFTPStorage(**sftp_options) as storage:
            yield StagedStore(storage)


def arrived(store: Store, content: bytes = b"0123456789abcdef") -> None:
    ArrivingUpload(store, KEY).finish(0, content)


def move(store: Store, destination: StoreState) -> str:
    return store.move(KEY, destination, lambda done: None)


@pytest.fixture
def breaking(tmp_path: Path) -> BreakingStorage:
    return BreakingStorage(str(tmp_path / "remote"))


@pytest.fixture
def store(breaking: BreakingStorage) -> StagedStore:
    return StagedStore(breaking)


@pytest.fixture
def destination(store: StagedStore) -> StoreState:
    """Of bytes that have arrived."""
    arrived(store)
    destination = store.destination(KEY)
    assert destination
    return destination


def test_without_a_directory_there_is_no_store(largefiles: Largefiles) -> None:
    largefiles.set(STAGING_DIRECTORY=None)
    with pytest.raises(InvalidSetting, match=r"STAGING_DIRECTORY: must be set for InMemoryStorage"):
        StagedStore(InMemoryStorage())


def test_arriving_bytes_are_local_and_private(store: StagedStore, staging: Path, breaking: BreakingStorage) -> None:
    arrived(store)
    assert (staging / KEY).read_bytes() == b"0123456789abcdef"
    assert (staging / KEY).stat().st_mode & 0o777 == 0o600
    assert breaking.objects() == []


def test_the_reserve_is_left_free_where_bytes_arrive(store: StagedStore, largefiles: Largefiles) -> None:
    largefiles.set(RESERVED_BYTES=2**62)
    with pytest.raises(StoreFull):
        store.check_room(1)


def test_the_name_is_made_of_the_key(store: StagedStore, destination: StoreState, breaking: BreakingStorage) -> None:
    moved = move(store, destination)
    assert moved.startswith(f"{KEY}-")
    assert breaking.objects() == [moved]


@pytest.mark.parametrize("step", ["before", "half", "after", "size", "short"])
def test_a_move_that_fails_leaves_nothing_when_it_is_aborted(
    step: str, store: StagedStore, destination: StoreState, breaking: BreakingStorage
) -> None:
    breaking.broken = {step}
    with pytest.raises(StoreUnavailable) as raised:
        move(store, destination)
    assert "secret" not in raised.value.detail
    breaking.broken = set()
    store.abort(destination)
    assert breaking.objects() == []
    assert move(store, destination)


def test_what_progress_raises_is_not_taken_for_an_error_of_the_storage(
    store: StagedStore, destination: StoreState
) -> None:
    def stop(done: int) -> None:
        raise KeyError("lost")

    with pytest.raises(KeyError, match="lost"):
        store.move(KEY, destination, stop)


def test_progress_is_told_how_far_the_move_is(store: StagedStore, destination: StoreState) -> None:
    told: list[int] = []
    store.move(KEY, destination, told.append)
    assert told == [0, 10]


def test_bytes_that_the_storage_does_not_delete_are_not_forgotten(
    store: StagedStore, destination: StoreState, breaking: BreakingStorage
) -> None:
    moved = move(store, destination)
    breaking.broken = {"delete"}
    with pytest.raises(StoreUnavailable, match="did not delete"):
        store.delete(moved)


def test_an_upload_that_never_left_is_aborted_without_the_storage(
    store: StagedStore, breaking: BreakingStorage, staging: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(RemoteStorage, "exists")
    upload = ArrivingUpload(store, KEY)
    upload.add(0, b"unwanted")
    store.abort(upload.state)
    store.abort(upload.state)
    assert not [path for path in staging.rglob("*") if path.is_file()]


@pytest.mark.parametrize("kind", [RenamingStorage, BreakingStorage])
def test_a_copy_whose_name_was_not_returned_is_found(
    kind: type[RemoteStorage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = kind(str(tmp_path / "remote"))
    store = StagedStore(remote)
    arrived(store)
    kept, lost = store.destination(KEY), store.destination(KEY)
    assert kept and lost
    moved = move(store, kept)
    move(store, lost)
    store.abort(lost)
    assert remote.objects() == [moved]


def test_a_storage_that_cannot_list_has_only_the_names_it_was_told(
    store: StagedStore, destination: StoreState, breaking: BreakingStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(RemoteStorage, "listdir")
    move(store, destination)
    store.abort(destination)
    assert breaking.objects() == []


def test_files_that_were_there_under_the_same_name_are_read(store: StagedStore, breaking: BreakingStorage) -> None:
    """Of a host that has carried its files over from a file system."""
    breaking.save(KEY, ContentFile(b"carried over"))
    assert store.destination(KEY) is None
    with store.open_ranged(KEY) as file:
        assert file.read() == b"carried over"


def test_no_web_server_finds_the_files_of_a_storage_elsewhere() -> None:
    assert StagedStore(InMemoryStorage()).folder is None
