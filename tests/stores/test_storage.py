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

from django_largefiles.exceptions import InvalidSetting
from django_largefiles.models import FileAsset
from django_largefiles.stores.storage import PrivateStorage, asset_storage, configured_storage, storage_at
from tests.conftest import Largefiles


@pytest.fixture
def private(settings: Settings, tmp_path: Path) -> Path:
    """The root of the storage ``private``."""
    root = tmp_path / "private"
    backend = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(root)}}
    settings.STORAGES = {**settings.STORAGES, "private": backend}
    return root


def test_the_storage_is_the_default_one() -> None:
    assert configured_storage() is storages["default"]


def test_the_storage_is_the_one_that_is_named(largefiles: Largefiles, private: Path) -> None:
    largefiles.set(STORAGE="private")
    assert configured_storage() is storages["private"]


def test_the_setting_is_read_at_each_use(private: Path) -> None:
    storage = asset_storage()
    before = storage.path("x")
    with override_settings(LARGEFILES={"STORAGE": "private"}):
        assert storage.path("x") == str(private / "x")
    assert storage.path("x") == before


def test_an_unknown_alias_is_not_taken_for_the_default(largefiles: Largefiles) -> None:
    largefiles.set(STORAGE="nowhere")
    with pytest.raises(InvalidStorageError, match="nowhere"):
        configured_storage()


def test_the_fields_storage_is_one_to_django() -> None:
    assert isinstance(FileAsset._meta.get_field("file").storage, Storage)


def test_the_fields_storage_is_not_taken_for_the_hosts() -> None:
    assert isinstance(configured_storage(), FileSystemStorage)
    assert not isinstance(asset_storage(), FileSystemStorage)


def test_the_fields_storage_does_what_the_hosts_does(largefiles: Largefiles, private: Path) -> None:
    largefiles.set(STORAGE="private")
    asset_storage().save("x", ContentFile(b"abc"))
    assert (private / "x").read_bytes() == b"abc"


def test_the_fields_storage_has_what_only_the_hosts_has() -> None:
    assert asset_storage().location == configured_storage().location  # type: ignore[attr-defined]


def test_no_migration_takes_the_hosts_storage_for_the_fields() -> None:
    assert hasattr(configured_storage(), "deconstruct")
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
    assert twin.file.storage is storages["default"]


def test_the_storage_of_an_alias(private: Path) -> None:
    assert storage_at("private") is storages["private"]


class TestPrivateFolder:
    """The storage of a project that has not chosen one."""

    @pytest.fixture(autouse=True)
    def _nothing_chosen(self, settings: Settings, tmp_path: Path) -> None:
        settings.LARGEFILES = {}
        settings.BASE_DIR = tmp_path

    def test_it_is_a_folder_of_the_project(self, tmp_path: Path) -> None:
        assert configured_storage().path("x") == str(tmp_path / "largefiles" / "x")

    def test_it_is_given_as_text_too(self, settings: Settings, tmp_path: Path) -> None:
        settings.BASE_DIR = str(tmp_path)
        assert configured_storage().path("x") == str(tmp_path / "largefiles" / "x")

    def test_it_has_no_urls(self, settings: Settings) -> None:
        settings.MEDIA_URL = "/media/"
        with pytest.raises(ValueError, match="no URL"):
            configured_storage().url("x")

    def test_it_stays_in_reach_when_a_storage_is_chosen(self, largefiles: Largefiles, private: Path) -> None:
        before = configured_storage()
        largefiles.set(STORAGE="private")
        assert isinstance(before, PrivateStorage)
        assert storage_at("largefiles") is before

    def test_an_alias_of_the_same_name_takes_its_place(self, settings: Settings, private: Path) -> None:
        settings.STORAGES = {**settings.STORAGES, "largefiles": settings.STORAGES["private"]}
        assert configured_storage().path("x") == str(private / "x")

    def test_without_a_base_there_is_no_place_for_it(self, settings: Settings) -> None:
        del settings.BASE_DIR
        with pytest.raises(InvalidSetting, match=r"^STORAGE: .*BASE_DIR"):
            configured_storage()
