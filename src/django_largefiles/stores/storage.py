"""The host's storage, looked up at each use: a model field is made long before settings may be read."""

from __future__ import annotations

from typing import Any

from django.core.files.storage import Storage, storages

from ..conf import largefiles_settings


def current_storage() -> Storage:
    """The storage that ``LARGEFILES["STORAGE"]`` names in ``STORAGES``."""
    return storages[largefiles_settings.storage]


class AssetStorage(Storage):
    """Stands for ``current_storage()`` in a model field."""

    def __getattribute__(self, name: str) -> Any:
        if name in {"__class__", "deconstruct"}:
            return super().__getattribute__(name)
        return getattr(current_storage(), name)


def asset_storage() -> AssetStorage:
    """What migrations name as the storage of ``FileAsset.file``."""
    return AssetStorage()
