"""The store of each asset: the one that fits the storage in which its bytes are.

Only new assets are stored under ``LARGEFILES["STORAGE"]``. All that concerns an existing one asks ``store_of(asset)``,
so that a change of the setting leaves no file unreachable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from django.conf import settings
from django.core.files.storage import FileSystemStorage, InMemoryStorage, Storage

from ..conf import largefiles_settings
from ..exceptions import ConfigurationError, DirectUnsupported, StoreUnavailable
from ..options import PRIVATE_ALIAS
from ..registry import load_class
from .base import Store
from .direct import DirectUploads
from .filesystem import FilesystemStore
from .memory import MemoryStore
from .staged import StagedStore
from .storage import configured_alias, storage_at

S3_STORAGE = "storages.backends.s3.S3Storage"
S3_STORE = "django_largefiles.stores.s3.store.S3Store"
"""A path and not an import: the module needs boto3, which is installed only where S3 is used."""


class Stored(Protocol):
    """An asset, or anything else that knows the alias of its storage."""

    @property
    def storage(self) -> str: ...


def store_of(asset: Stored) -> Store:
    """Return the store in which the asset's bytes are. Raise what ``store_at`` raises."""
    return store_at(asset.storage)


def configured_store() -> Store:
    """Return the store of new assets. Raise what ``store_at`` raises."""
    return store_at(configured_alias())


def store_at(alias: str) -> Store:
    """Return the store over the storage of an alias of ``STORAGES``.

    Raise ``StoreUnavailable`` if the alias is unknown or its storage cannot be made, and what ``store_for`` raises.
    """
    return store_for(_usable_storage(alias), class_path(alias))


def store_for(storage: Storage, path: str = "") -> Store:
    """Return the store at the dotted ``path``, or else the built-in one that fits the storage.

    Raise ``NotImportable``, and ``InvalidSetting`` if the store lacks a setting.
    """
    if path:
        return _made(path, "STORE", storage)
    if isinstance(storage, FileSystemStorage):
        return FilesystemStore(storage)
    if isinstance(storage, InMemoryStorage):
        return MemoryStore(storage)
    if S3_STORAGE in _class_paths(storage):
        return _made(S3_STORE, "STORAGE", storage)
    return StagedStore(storage)


def class_path(alias: str) -> str:
    """Return the dotted path that ``STORE`` gives for an alias; empty for the built-in store that fits."""
    named = largefiles_settings.store
    if isinstance(named, str):
        # A single path was written for the storage of new assets, and may not fit an earlier one.
        return named if alias == configured_alias() else ""
    return named.get(alias, "")


def direct_uploads(alias: str) -> DirectUploads:
    """Return the direct uploads of the store of an alias. Raise ``DirectUnsupported`` if it has none."""
    direct = store_at(alias).direct
    if direct is None:
        raise DirectUnsupported
    return direct


def _usable_storage(alias: str) -> Storage:
    if alias not in {*settings.STORAGES, PRIVATE_ALIAS}:
        raise StoreUnavailable(
            f"the files of the storage {alias!r} are out of reach: STORAGES has no such alias; define it again",
            value=alias,
        )
    try:
        return storage_at(alias)
    except ConfigurationError:
        raise
    except Exception as error:
        # Making a storage runs the project's code. The text of its error may hold what a client must not see.
        raise StoreUnavailable(
            f"the storage {alias!r} of STORAGES cannot be made: {type(error).__name__}", value=alias
        ) from error


def _made(path: str, setting: str, storage: Storage) -> Store:
    made_with: Callable[[Storage], Store] = load_class(path, Store, setting)
    return made_with(storage)


def _class_paths(storage: Storage) -> Iterator[str]:
    return (f"{each.__module__}.{each.__qualname__}" for each in type(storage).__mro__)
