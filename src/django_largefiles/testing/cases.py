"""What ``django.test.TestCase`` needs for files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.files.storage import Storage

from .overrides import immediate_processing, memory_storage

if TYPE_CHECKING:
    from django.test import SimpleTestCase as Case
else:
    Case = object


class LargeFilesTestMixin(Case):
    """Stores files in memory, and processes each as soon as it is complete. It comes before ``TestCase``.

    Both hold for ``setUpTestData`` too. The files stay until the tests of the class have run. ``largefiles_storage``
    is the storage of new files.
    """

    largefiles_storage: Storage

    @classmethod
    def setUpClass(cls) -> None:
        cls.largefiles_storage = cls.enterClassContext(memory_storage())
        cls.enterClassContext(immediate_processing())
        super().setUpClass()
