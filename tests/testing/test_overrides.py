"""Where files are stored in tests, and who processes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings as django_settings
from django.core.files.storage import FileSystemStorage, InMemoryStorage, storages
from django.db.models.signals import post_save
from django.test import SimpleTestCase
from pytest_django.fixtures import Settings

from django_largefiles import housekeeping
from django_largefiles.conf import get_profile, largefiles_settings
from django_largefiles.models import FileAsset
from django_largefiles.stores import configured_store
from django_largefiles.stores.memory import MemoryStore
from django_largefiles.stores.storage import configured_storage
from django_largefiles.testing import immediate_processing, media_folder, memory_storage, override_largefiles
from tests.conftest import Largefiles, png


def limits() -> tuple[int, bool]:
    profile = get_profile("default")
    return profile.max_upload_size, profile.extension_must_match


def test_keys_are_overridden_and_others_kept(largefiles: Largefiles) -> None:
    largefiles.set(EXTENSION_MUST_MATCH=False)
    with override_largefiles(MAX_UPLOAD_SIZE=10):
        assert limits() == (10, False)
        with override_largefiles(EXTENSION_MUST_MATCH=True):
            assert limits() == (10, True)
    assert limits()[0] > 10


def test_a_project_without_the_setting_gets_it(settings: Settings) -> None:
    del settings.LARGEFILES
    with override_largefiles(MAX_UPLOAD_SIZE=10):
        assert limits()[0] == 10
    assert not hasattr(django_settings, "LARGEFILES")


@override_largefiles(MAX_UPLOAD_SIZE=10)
def test_a_function_is_decorated() -> None:
    assert limits()[0] == 10


def test_an_asynchronous_function_is_decorated() -> None:
    @override_largefiles(MAX_UPLOAD_SIZE=10)
    async def limited() -> int:
        return limits()[0]

    assert async_to_sync(limited)() == 10
    assert limits()[0] > 10


@override_largefiles(MAX_UPLOAD_SIZE=10)
class TestDecoratedClass(SimpleTestCase):
    limit: ClassVar[int]

    def setUp(self) -> None:
        self.found = limits()[0]

    def test_it_holds_in_its_tests(self) -> None:
        assert (self.found, limits()[0]) == (10, 10)

    @override_largefiles(MAX_UPLOAD_SIZE=20)
    def test_a_method_is_decorated(self) -> None:
        assert limits()[0] == 20


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"STORE": "django_largefiles.stores.filesystem.FilesystemStore"},
        {"DELIVERY": "x-sendfile", "DELIVERY_INTERNAL_PREFIX": "/files/"},
    ],
    ids=["as it is", "store", "delivery"],
)
def test_files_are_stored_in_memory_whatever_the_project_needs(keys: dict[str, Any], largefiles: Largefiles) -> None:
    largefiles.set(**keys)
    before = configured_storage()
    with memory_storage() as storage:
        assert isinstance(storage, InMemoryStorage)
        assert storage is storages["default"] is configured_storage()
        assert isinstance(configured_store(), MemoryStore)
        assert largefiles_settings.delivery == "auto"
    assert type(configured_storage()) is type(before)


def test_each_time_the_memory_is_empty() -> None:
    found = []
    for _ in range(2):
        with memory_storage() as storage:
            found.append(storage.listdir(""))
            configured_store().begin("a", None)
    assert found == [([], []), ([], [])]


def test_the_private_folder_of_a_project_is_spared(settings: Settings, tmp_path: Path) -> None:
    settings.LARGEFILES, settings.BASE_DIR = {}, tmp_path
    with memory_storage():
        assert largefiles_settings.storage == "largefiles"
        assert isinstance(configured_store(), MemoryStore)
    assert not any(tmp_path.iterdir())


def test_files_are_stored_in_a_folder_that_is_removed(settings: Settings) -> None:
    with media_folder() as folder:
        storage = configured_storage()
        assert isinstance(storage, FileSystemStorage)
        assert Path(storage.location) == folder == Path(settings.MEDIA_ROOT)
        assert folder.is_dir()
    assert not folder.exists()


def take_in() -> FileAsset:
    from io import BytesIO

    return FileAsset.objects.ingest(BytesIO(png()), name="picture.png")


@pytest.mark.django_db
def test_files_are_processed_at_once() -> None:
    assert take_in().state == "received"
    with immediate_processing():
        assert take_in().state == "ready"
    assert take_in().state == "received"


@pytest.mark.django_db(transaction=True)
def test_files_are_processed_at_once_in_real_transactions() -> None:
    with immediate_processing():
        assert take_in().state == "ready"


@pytest.mark.django_db
def test_no_request_of_a_test_makes_repairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    tidied = list[str]()
    monkeypatch.setattr(housekeeping, "tidy", lambda: tidied.append("tidied"))
    monkeypatch.setattr(housekeeping, "turns", housekeeping.Turns())
    with immediate_processing():
        post_save.send(FileAsset, created=True)
        housekeeping.on_request_finished(None)
        assert tidied == []
    housekeeping.on_request_finished(None)
    assert tidied == ["tidied"]
