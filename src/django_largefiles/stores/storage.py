"""The Django storages of assets, looked up at each use, because model fields are made before settings may be read."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import FileSystemStorage, Storage, storages

from ..conf import largefiles_settings
from ..exceptions import InvalidSetting
from ..options import PRIVATE_ALIAS


class PrivateStorage(FileSystemStorage):
    """The storage of a project that has not chosen one: a folder that no web server serves."""

    def __init__(self, location: Path) -> None:
        super().__init__(location, file_permissions_mode=0o600, directory_permissions_mode=0o700)

    def url(self, name: str | None) -> str:
        """Raise ``ValueError``: Django's own would give a URL below ``MEDIA_URL``."""
        raise ValueError("files in the private folder have no URL: use the download view")


def configured_alias() -> str:
    """Return the alias of ``STORAGES`` under which new assets are stored; the default of ``FileAsset.storage``."""
    return largefiles_settings.storage


def configured_storage() -> Storage:
    """Return the storage of new assets. Raise what ``storage_at`` raises."""
    return storage_at(configured_alias())


def storage_at(alias: str) -> Storage:
    """Return the storage of an alias of ``STORAGES``.

    The alias ``largefiles`` is the private folder, unless the project defines it: assets stored there stay readable
    when ``STORAGE`` is set later.

    Raise ``InvalidStorageError`` for an unknown alias, ``InvalidSetting`` if there is no place for the private folder,
    and anything that the constructor of the storage raises.
    """
    if alias == PRIVATE_ALIAS and alias not in settings.STORAGES:
        return _private_storage(private_folder())
    return storages[alias]


def uses_private_folder() -> bool:
    """Return whether new assets are stored in the private folder."""
    return configured_alias() == PRIVATE_ALIAS and PRIVATE_ALIAS not in settings.STORAGES


def replaced_private_folder() -> Path | None:
    """Return the private folder if it holds files and an alias of ``STORAGES`` has taken its place."""
    if PRIVATE_ALIAS not in settings.STORAGES or not getattr(settings, "BASE_DIR", None):
        return None
    folder = private_folder()
    location = settings.STORAGES[PRIVATE_ALIAS].get("OPTIONS", {}).get("location", "")
    if Path(location) == folder or not folder.is_dir():
        return None
    return folder if any(folder.iterdir()) else None


def private_folder() -> Path:
    """Return the folder of the default storage, ``BASE_DIR / "largefiles"``. Raise ``InvalidSetting``."""
    base = getattr(settings, "BASE_DIR", None)
    if not base:
        raise InvalidSetting(
            "STORAGE",
            "is not set, and the settings have no BASE_DIR, in which a private folder would be made; "
            "set it to an alias of STORAGES, or define BASE_DIR",
        )
    return Path(base).absolute() / PRIVATE_ALIAS


@cache
def _private_storage(location: Path) -> PrivateStorage:
    return PrivateStorage(location)


class AssetStorage(Storage):
    """Stands for ``configured_storage()`` in a model field, so that no migration names a project's storage."""

    def __getattribute__(self, name: str) -> Any:
        if name in {"__class__", "deconstruct"}:
            return super().__getattribute__(name)
        return getattr(configured_storage(), name)


def asset_storage() -> AssetStorage:
    """Return the storage of the field ``FileAsset.file``; migrations refer to this function."""
    return AssetStorage()
