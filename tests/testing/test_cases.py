"""``LargeFilesTestMixin`` in Django's test cases, which are run as Django runs them."""

from __future__ import annotations

import unittest
from collections.abc import Callable
from io import BytesIO
from typing import TypeAlias

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage
from django.db.transaction import on_commit
from django.test import SimpleTestCase, TestCase, TransactionTestCase
from pytest_django import DjangoDbBlocker

from django_largefiles.intake.resuming import complete_arrived
from django_largefiles.models import FileAsset, Upload
from django_largefiles.stores.storage import configured_storage
from django_largefiles.testing import LargeFilesTestMixin, make_asset
from tests.conftest import png

Run: TypeAlias = Callable[[type[SimpleTestCase]], None]


@pytest.fixture
def run(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Run:
    """Run the tests of a class, of which none may fail."""

    def run_class(case: type[SimpleTestCase]) -> None:
        result = unittest.TestResult()
        with django_db_blocker.unblock():
            unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
        assert [trace for _, trace in [*result.errors, *result.failures]] == []
        assert result.testsRun > 0

    return run_class


def take_in() -> FileAsset:
    return FileAsset.objects.ingest(BytesIO(png()), name="picture.png")


def content(asset: FileAsset) -> bytes:
    with asset.file.open() as file:
        read: bytes = file.read()
    return read


def test_files_are_in_memory_and_processed_at_once(run: Run) -> None:
    class Tests(LargeFilesTestMixin, TestCase):
        @classmethod
        def setUpTestData(cls) -> None:
            cls.shared = take_in()
            cls.made = make_asset("rejected", reason="blocked")

        def test_one(self) -> None:
            assert isinstance(configured_storage(), InMemoryStorage)
            assert configured_storage() is self.largefiles_storage
            assert (self.shared.state, take_in().state) == ("ready", "ready")
            assert FileAsset.objects.count() == 3

        def test_another(self) -> None:
            assert FileAsset.objects.count() == 2
            assert content(self.shared) == content(take_in()) == png()
            assert content(self.made)

        def test_callbacks_of_the_project_are_called(self) -> None:
            called: list[bool] = []
            on_commit(lambda: called.append(True))
            assert called == [True]

    run(Tests)


@pytest.mark.parametrize("change", ["delete", "complete"])
def test_what_a_test_changes_of_the_files_does_not_reach_the_next(change: str, run: Run) -> None:
    class Tests(LargeFilesTestMixin, TestCase):
        @classmethod
        def setUpTestData(cls) -> None:
            cls.ready = take_in()
            cls.arriving = make_asset("receiving", content=png(), received=len(png()), name="a.png")

        def setUp(self) -> None:
            """Calls no ``setUp`` of the mixin's."""

        def change(self) -> None:
            assert content(self.ready) == png()
            assert self.largefiles_storage.listdir("")[1] == []
            self.largefiles_storage.save("left.txt", ContentFile(b"abc"))
            if change == "delete":
                self.ready.delete()
                self.arriving.delete()
            else:
                complete_arrived(Upload.objects.select_related("asset").get())

        test_one = test_another = change

    run(Tests)


def test_it_goes_with_real_transactions(run: Run) -> None:
    class Tests(LargeFilesTestMixin, TransactionTestCase):
        def test_one(self) -> None:
            assert take_in().state == "ready"

    run(Tests)


def test_settings_are_restored_after_a_class(run: Run) -> None:
    class Tests(LargeFilesTestMixin, TestCase):
        def test_one(self) -> None: ...

    before = configured_storage()
    run(Tests)
    assert type(configured_storage()) is type(before)
    assert not isinstance(before, InMemoryStorage)


def test_settings_are_restored_after_a_class_that_cannot_be_set_up(run: Run) -> None:
    class Tests(LargeFilesTestMixin, TestCase):
        @classmethod
        def setUpTestData(cls) -> None:
            raise RuntimeError("out of order")

        def test_one(self) -> None: ...

    with pytest.raises(AssertionError, match="out of order"):
        run(Tests)
    assert not isinstance(configured_storage(), InMemoryStorage)
