from __future__ import annotations

import pytest
from django.core.files.storage import FileSystemStorage, InMemoryStorage
from storages.backends.s3 import S3Storage

from django_largefiles.exceptions import InvalidSetting
from django_largefiles.stores import current_store, store_for
from django_largefiles.stores.filesystem import FilesystemStore
from django_largefiles.stores.s3.store import S3Store


def test_a_file_system_storage_has_its_store() -> None:
    assert isinstance(store_for(FileSystemStorage("/somewhere")), FilesystemStore)
    assert isinstance(current_store(), FilesystemStore)


def test_an_s3_storage_has_its_store_and_so_has_a_subclass() -> None:
    class Own(S3Storage):
        """A host's."""

    for made in (S3Storage, Own):
        assert isinstance(store_for(made(bucket_name="largefiles", region_name="eu-central-1")), S3Store)


def test_a_storage_without_a_store_is_named() -> None:
    with pytest.raises(InvalidSetting, match=r"STORAGE.*InMemoryStorage"):
        store_for(InMemoryStorage())
