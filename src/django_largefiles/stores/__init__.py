"""The store that goes with the host's storage."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.core.files.storage import FileSystemStorage, Storage

from ..conf import largefiles_settings
from ..exceptions import DirectUnsupported
from ..registry import load_class
from .base import Store
from .direct import DirectUploads
from .filesystem import FilesystemStore
from .staged import StagedStore
from .storage import current_storage

S3_STORAGE = "storages.backends.s3.S3Storage"
S3_STORE = "django_largefiles.stores.s3.store.S3Store"
"""Named by its path: it imports boto3, which only those have who use it."""


def store_for(storage: Storage) -> Store:
    """The one that ``STORE`` names, or else the one of ours that fits.

    Raises ``NotImportable``, and ``InvalidSetting`` where the store needs a setting that is not there.
    """
    if largefiles_settings.store:
        return _made(largefiles_settings.store, "STORE", storage)
    if isinstance(storage, FileSystemStorage):
        return FilesystemStore(storage)
    if S3_STORAGE in _class_paths(storage):
        return _made(S3_STORE, "STORAGE", storage)
    return StagedStore(storage)


def current_store() -> Store:
    return store_for(current_storage())


def direct_uploads() -> DirectUploads:
    """Those of the current store. Raises ``DirectUnsupported``."""
    direct = current_store().direct
    if direct is None:
        raise DirectUnsupported("the storage takes no bytes from clients; upload them to this site")
    return direct


def _made(path: str, setting: str, storage: Storage) -> Store:
    made_with: Callable[[Storage], Store] = load_class(path, Store, setting)
    return made_with(storage)


def _class_paths(storage: Storage) -> Iterator[str]:
    return (f"{each.__module__}.{each.__qualname__}" for each in type(storage).__mro__)
