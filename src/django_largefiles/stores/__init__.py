"""The store that goes with the host's storage."""

from __future__ import annotations

from collections.abc import Iterator

from django.core.files.storage import FileSystemStorage, Storage

from ..exceptions import DirectUnsupported, InvalidSetting
from ..registry import load_class
from ..storage import current_storage
from .base import Store
from .direct import DirectUploads
from .filesystem import FilesystemStore

S3_STORAGE = "storages.backends.s3.S3Storage"
S3_STORE = "django_largefiles.stores.s3.store.S3Store"
"""Named by its path: it imports boto3, which only those have who use it."""


def store_for(storage: Storage) -> Store:
    if isinstance(storage, FileSystemStorage):
        return FilesystemStore(storage)
    if S3_STORAGE in _class_paths(storage):
        return load_class(S3_STORE, Store, "STORAGE")(storage)  # type: ignore[call-arg]
    raise InvalidSetting(
        "STORAGE", f"no store is made for {type(storage).__qualname__}; use a FileSystemStorage or an S3Storage"
    )


def current_store() -> Store:
    return store_for(current_storage())


def direct_uploads() -> DirectUploads:
    """Those of the current store. Raises ``DirectUnsupported``."""
    direct = current_store().direct
    if direct is None:
        raise DirectUnsupported("the storage takes no bytes from clients; upload them to this site")
    return direct


def _class_paths(storage: Storage) -> Iterator[str]:
    return (f"{each.__module__}.{each.__qualname__}" for each in type(storage).__mro__)
