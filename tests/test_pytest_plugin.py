"""The fixtures, as projects use them with pytest, and what the plugin costs those that do not."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.files.storage import FileSystemStorage, InMemoryStorage, Storage
from django.db.transaction import on_commit
from django.test import TestCase
from pytest_django.fixtures import Settings

import django_largefiles
from django_largefiles import pytest_plugin, testing
from django_largefiles.models import FileAsset
from django_largefiles.stores.storage import configured_storage
from django_largefiles.testing import LargeFilesTestMixin
from django_largefiles.testing.assets import PICTURE
from tests.conftest import png

MakeAsset = Callable[..., FileAsset]


def take_in(folder: Path) -> FileAsset:
    path = folder / "picture.png"
    path.write_bytes(png())
    return FileAsset.objects.ingest(path)


def test_files_are_stored_in_memory(largefiles_storage: Storage) -> None:
    assert isinstance(largefiles_storage, InMemoryStorage)
    assert largefiles_storage is configured_storage()


@pytest.mark.django_db
def test_files_are_stored_in_a_temporary_folder(largefiles_media: Path, tmp_path: Path) -> None:
    asset = take_in(tmp_path)
    assert Path(django_settings.MEDIA_ROOT) == largefiles_media
    assert (largefiles_media / asset.file.name).read_bytes() == png()


@pytest.mark.django_db
@pytest.mark.usefixtures("largefiles_immediate")
def test_files_are_processed_at_once(tmp_path: Path) -> None:
    called: list[bool] = []
    assert take_in(tmp_path).state == "ready"
    on_commit(lambda: called.append(True))
    assert called == [True]


@pytest.mark.usefixtures("transactional_db", "largefiles_immediate")
def test_files_are_processed_at_once_in_real_transactions(tmp_path: Path) -> None:
    assert take_in(tmp_path).state == "ready"


def test_assets_are_made_in_memory(make_asset: MakeAsset) -> None:
    asset = make_asset("received", name="talk.mp4")
    assert (asset.state, asset.original_name) == ("received", "talk.mp4")
    assert isinstance(configured_storage(), InMemoryStorage)


def test_assets_are_made_in_the_folder_of_the_test(make_asset: MakeAsset, largefiles_media: Path) -> None:
    assert (largefiles_media / make_asset(content=b"bytes").file.name).read_bytes() == b"bytes"


@pytest.mark.usefixtures("transactional_db")
def test_assets_are_made_in_real_transactions(make_asset: MakeAsset) -> None:
    assert make_asset() in FileAsset.objects.ready()


@pytest.mark.usefixtures("largefiles_storage")
class TestCaseOfDjango(LargeFilesTestMixin, TestCase):
    """The files of ``setUpTestData`` are those of its tests, although the fixture is made anew for each."""

    @classmethod
    def setUpTestData(cls) -> None:
        cls.asset = testing.make_asset()

    @pytest.fixture(autouse=True)
    def largefiles(self) -> None:
        """The settings are those of the class, not of a test of this suite."""

    def test_files_of_the_class_are_read(self) -> None:
        with self.asset.file.open() as file:
            assert file.read() == PICTURE


def test_a_test_may_change_settings_after_the_fixtures(make_asset: MakeAsset, settings: Settings) -> None:
    settings.LARGEFILES = {**settings.LARGEFILES, "MAX_UPLOAD_SIZE": 10}
    assert make_asset().size > 10


def test_and_nothing_is_left_of_both() -> None:
    assert "MAX_UPLOAD_SIZE" not in django_settings.LARGEFILES
    assert isinstance(configured_storage(), FileSystemStorage)


LOADED = """
import sys
from importlib.metadata import entry_points
before = set(sys.modules)
plugin = {each.name: each for each in entry_points(group="pytest11")}["largefiles"]
import pytest
known = set(sys.modules)
plugin.load()
print(*sorted(set(sys.modules) - known))
"""


def test_every_run_of_pytest_loads_it_and_nothing_else() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["django_largefiles", "django_largefiles.pytest_plugin"]


def test_a_run_without_django_is_not_disturbed(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text("def test_a(): pass")
    options = ("-p", "no:django", "-p", "no:cacheprovider", "-W", "error", "-q")
    command = [sys.executable, "-m", "pytest", *options, str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


def test_its_lines_are_counted() -> None:
    """pytest imports the plugin before coverage is measured."""
    for module in (django_largefiles, pytest_plugin):
        assert importlib.reload(module) is module
