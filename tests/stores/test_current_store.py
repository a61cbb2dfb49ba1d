from __future__ import annotations

import pytest
from django.core.files.storage import FileSystemStorage, InMemoryStorage

from django_largefiles.exceptions import InvalidSetting
from django_largefiles.stores import current_store, store_for
from django_largefiles.stores.filesystem import FilesystemStore


def test_a_file_system_storage_has_its_store() -> None:
    assert isinstance(store_for(FileSystemStorage("/somewhere")), FilesystemStore)
    assert isinstance(current_store(), FilesystemStore)


def test_a_storage_without_a_store_is_named() -> None:
    with pytest.raises(InvalidSetting, match=r"STORAGE.*InMemoryStorage"):
        store_for(InMemoryStorage())
