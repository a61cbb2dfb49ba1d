"""What ``django.test.TestCase`` needs for files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.files.storage import InMemoryStorage

from ..stores.memory import restored
from .overrides import immediate_processing, memory_storage

if TYPE_CHECKING:
    from unittest import TestResult

    from django.test import SimpleTestCase as Case
else:
    Case = object


class LargeFilesTestMixin(Case):
    """Stores files in memory, and processes each as soon as it is complete. It comes before ``TestCase``.

    Both hold for ``setUpTestData`` too. As in the database, what a test changes of the files does not reach the next
    test. ``largefiles_storage`` is the storage of new files.
    """

    largefiles_storage: InMemoryStorage

    @classmethod
    def setUpClass(cls) -> None:
        cls.largefiles_storage = cls.enterClassContext(memory_storage())
        cls.enterClassContext(immediate_processing())
        super().setUpClass()

    def run(self, result: TestResult | None = None) -> TestResult | None:
        """Run one test, as unittest does. Not by ``setUp``, which a class may define without calling this one."""
        with restored(self.largefiles_storage):
            return super().run(result)
