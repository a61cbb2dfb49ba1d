from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, InvalidStorageError, Storage, storages
from django.test import override_settings
from pytest_django.fixtures import Settings

from django_largefiles.models import FileAsset
from django_largefiles.stores.storage import AssetStorage, asset_storage, current_storage
from tests.conftest import Largefiles


@pytest.fixture
def private(settings: Settings, tmp_path: Path) -> Path:
    """The root of the storage ``private``."""
    root = tmp_path / "private"
    backend = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(root)}}
    settings.STORAGES = {**settings.STORAGES, "private": backend}
    return root


def test_the_storage_is_the_default_one() -> None:
    assert current_storage() is storages["default"]


def test_the_storage_is_the_one_that_is_named(largefiles: Largefiles, private: Path) -> None:
    largefiles.set(STORAGE="private")
    assert current_storage() is storages["private"]


def test_the_setting_is_read_at_each_use(private: Path) -> None:
    storage = asset_storage()
    before = storage.path("x")
    with override_settings(LARGEFILES={"STORAGE": "private"}):
        assert storage.path("x") == str(private / "x")
    assert storage.path("x") == before


def test_an_unknown_alias_is_not_taken_for_the_default(largefiles: Largefiles) -> None:
    largefiles.set(STORAGE="nowhere")
    with pytest.raises(InvalidStorageError, match="nowhere"):
        current_storage()


def test_the_fields_storage_is_one_to_django() -> None:
    assert isinstance(FileAsset._meta.get_field("file").storage, Storage)


def test_the_fields_storage_is_not_taken_for_the_hosts() -> None:
    assert isinstance(current_storage(), FileSystemStorage)
    assert not isinstance(asset_storage(), FileSystemStorage)


def test_the_fields_storage_does_what_the_hosts_does(largefiles: Largefiles, private: Path) -> None:
    largefiles.set(STORAGE="private")
    FileAsset(file="").file.storage.save("x", ContentFile(b"abc"))
    assert (private / "x").read_bytes() == b"abc"


def test_the_fields_storage_has_what_only_the_hosts_has() -> None:
    assert asset_storage().location == current_storage().location  # type: ignore[attr-defined]


def test_no_migration_takes_the_hosts_storage_for_the_fields() -> None:
    assert hasattr(current_storage(), "deconstruct")
    assert not hasattr(asset_storage(), "deconstruct")


def test_migrations_name_the_function() -> None:
    *_, options = FileAsset._meta.get_field("file").deconstruct()
    assert options["storage"] is asset_storage


@pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy, lambda asset: pickle.loads(pickle.dumps(asset))],
    ids=["copy", "deep", "pickle"],
)
def test_an_asset_can_be_copied(duplicate: Callable[[FileAsset], FileAsset]) -> None:
    asset = FileAsset(file="ab/cd")
    twin = duplicate(asset)
    assert (twin.file.name, twin.file.path) == ("ab/cd", asset.file.path)
    assert type(twin.file.storage) is AssetStorage
