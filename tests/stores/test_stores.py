from __future__ import annotations

from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage, InMemoryStorage, Storage, storages
from pytest_django.fixtures import Settings
from storages.backends.s3 import S3Storage

from django_largefiles.exceptions import InvalidSetting, NotImportable, StoreUnavailable
from django_largefiles.models import FileAsset
from django_largefiles.stores import configured_store, store_at, store_for, store_of
from django_largefiles.stores.filesystem import FilesystemStore
from django_largefiles.stores.memory import MemoryStore
from django_largefiles.stores.s3.store import S3Store
from django_largefiles.stores.staged import StagedStore
from tests.conftest import Largefiles
from tests.storages import RemoteStorage


class OwnStore(FilesystemStore):
    """A host's."""

    def __init__(self, storage: Storage) -> None:
        super().__init__(FileSystemStorage())
        self.made_with = storage


class FailingStorage(FileSystemStorage):
    """A host's, whose error may hold what a client must not see."""

    def __init__(self) -> None:
        raise ValueError("secret")


@pytest.fixture
def other(settings: Settings, tmp_path: Path) -> str:
    """The alias of a storage that is not the configured one."""
    options = {"location": str(tmp_path / "other")}
    settings.STORAGES = {**settings.STORAGES, "other": {**settings.STORAGES["default"], "OPTIONS": options}}
    return "other"


def test_a_file_system_storage_has_its_store() -> None:
    assert isinstance(store_for(FileSystemStorage("/somewhere")), FilesystemStore)
    assert isinstance(configured_store(), FilesystemStore)


def test_an_s3_storage_has_its_store_and_so_has_a_subclass() -> None:
    class Own(S3Storage):
        """A host's."""

    for made in (S3Storage, Own):
        assert isinstance(store_for(made(bucket_name="largefiles", region_name="eu-central-1")), S3Store)


def test_a_storage_in_memory_has_its_store() -> None:
    assert isinstance(store_for(InMemoryStorage()), MemoryStore)


def test_any_other_storage_is_staged(largefiles: Largefiles, tmp_path: Path) -> None:
    largefiles.set(STAGING_DIRECTORY=str(tmp_path))
    assert isinstance(store_for(RemoteStorage(str(tmp_path))), StagedStore)


def test_a_storage_that_cannot_be_staged_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match=r"STAGING_DIRECTORY.*RemoteStorage"):
        store_for(RemoteStorage(str(tmp_path)))


def test_a_host_names_its_own_store(largefiles: Largefiles) -> None:
    largefiles.set(STORE=f"{__name__}.OwnStore")
    store = configured_store()
    assert isinstance(store, OwnStore)
    assert store.made_with is storages["default"]


def test_a_store_that_is_named_is_not_used_for_other_storages(largefiles: Largefiles, other: str) -> None:
    largefiles.set(STORE=f"{__name__}.OwnStore")
    assert not isinstance(store_at(other), OwnStore)


def test_a_host_names_a_store_for_each_storage(largefiles: Largefiles, other: str) -> None:
    largefiles.set(STORE={other: f"{__name__}.OwnStore"})
    assert [type(store_at(alias)) for alias in (other, "default")] == [OwnStore, FilesystemStore]


def test_an_asset_has_the_store_of_its_own_storage(largefiles: Largefiles, other: str, tmp_path: Path) -> None:
    asset = FileAsset(storage=other)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x").write_bytes(b"abc")
    with store_of(asset).open_ranged("x") as file:
        assert file.read() == b"abc"


def test_an_alias_that_is_gone_is_named_and_so_is_the_setting() -> None:
    with pytest.raises(StoreUnavailable, match=r"'archive'.*STORAGES"):
        store_at("archive")


@pytest.mark.parametrize("backend", ["nowhere.Storage", f"{__name__}.FailingStorage"])
def test_a_storage_that_cannot_be_made_is_unavailable(backend: str, settings: Settings) -> None:
    settings.STORAGES = {**settings.STORAGES, "broken": {"BACKEND": backend}}
    with pytest.raises(StoreUnavailable, match=r"^the storage 'broken' of STORAGES cannot be made: [A-Za-z]+$"):
        store_at("broken")


def test_a_private_folder_without_a_place_is_a_matter_of_the_settings() -> None:
    with pytest.raises(InvalidSetting, match="BASE_DIR"):
        store_at("largefiles")


@pytest.mark.parametrize("path", ["nowhere.Store", f"{__name__}.Largefiles", "django_largefiles.stores.base.Store"])
def test_what_is_no_store_is_named(path: str, largefiles: Largefiles) -> None:
    largefiles.set(STORE=path)
    with pytest.raises(NotImportable, match="STORE: "):
        configured_store()
