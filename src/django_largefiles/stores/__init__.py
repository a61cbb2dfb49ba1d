"""The store that goes with the host's storage."""

from __future__ import annotations

from django.core.files.storage import FileSystemStorage, Storage

from ..exceptions import InvalidSetting
from ..storage import current_storage
from .base import Store
from .filesystem import FilesystemStore


def store_for(storage: Storage) -> Store:
    if isinstance(storage, FileSystemStorage):
        return FilesystemStore(storage)
    raise InvalidSetting("STORAGE", f"no store is made for {type(storage).__qualname__}; use a FileSystemStorage")


def current_store() -> Store:
    return store_for(current_storage())
