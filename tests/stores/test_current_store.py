from __future__ import annotations

from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage, InMemoryStorage, Storage
from storages.backends.s3 import S3Storage

from django_largefiles.exceptions import InvalidSetting, NotImportable
from django_largefiles.stores import current_store, store_for
from django_largefiles.stores.filesystem import FilesystemStore
from django_largefiles.stores.s3.store import S3Store
from django_largefiles.stores.staged import StagedStore
from tests.conftest import Largefiles


class OwnStore(FilesystemStore):
    """A host's."""

    def __init__(self, storage: Storage) -> None:
        super().__init__(FileSystemStorage())
        self.made_with = storage


def test_a_file_system_storage_has_its_store() -> None:
    assert isinstance(store_for(FileSystemStorage("/somewhere")), FilesystemStore)
    assert isinstance(current_store(), FilesystemStore)


def test_an_s3_storage_has_its_store_and_so_has_a_subclass() -> None:
    class Own(S3Storage):
        """A host's."""

    for made in (S3Storage, Own):
        assert isinstance(store_for(made(bucket_name="largefiles", region_name="eu-central-1")), S3Store)


def test_any_other_storage_is_staged(largefiles: Largefiles, tmp_path: Path) -> None:
    largefiles.set(STAGING_DIRECTORY=str(tmp_path))
    assert isinstance(store_for(InMemoryStorage()), StagedStore)


def test_a_storage_that_cannot_be_staged_is_named() -> None:
    with pytest.raises(InvalidSetting, match=r"STAGING_DIRECTORY.*InMemoryStorage"):
        store_for(InMemoryStorage())


def test_a_host_names_its_own_store(largefiles: Largefiles) -> None:
    largefiles.set(STORE=f"{__name__}.OwnStore")
    storage = InMemoryStorage()
    store = store_for(storage)
    assert isinstance(store, OwnStore)
    assert store.made_with is storage


@pytest.mark.parametrize("path", ["nowhere.Store", f"{__name__}.Largefiles", "django_largefiles.stores.base.Store"])
def test_what_is_no_store_is_named(path: str, largefiles: Largefiles) -> None:
    largefiles.set(STORE=path)
    with pytest.raises(NotImportable, match="STORE: "):
        store_for(FileSystemStorage())
