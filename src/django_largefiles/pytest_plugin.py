"""Fixtures for projects that are tested with pytest and pytest-django.

pytest imports this module at its start, in projects that use neither Django nor this package too: it must import
nothing but pytest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from django.core.files.storage import Storage

    from .models import FileAsset


@pytest.fixture
def largefiles_storage(request: pytest.FixtureRequest, settings: Any) -> Storage:
    """Store new files in memory. The fixture is the storage, which is empty.

    In a class with ``LargeFilesTestMixin`` it is the storage of the class, with the files of ``setUpTestData``.
    """
    from .stores.storage import configured_storage
    from .testing import LargeFilesTestMixin
    from .testing.overrides import memory_settings

    if not issubclass(request.cls or object, LargeFilesTestMixin):
        _set(settings, memory_settings())
    return configured_storage()


@pytest.fixture
def largefiles_media(settings: Any, tmp_path: Path) -> Path:
    """Store new files in a temporary folder, which is ``MEDIA_ROOT`` too. The fixture is the folder."""
    from .testing.overrides import media_settings

    folder = tmp_path / "media"
    folder.mkdir()
    _set(settings, media_settings(folder))
    return folder


@pytest.fixture
def largefiles_immediate(settings: Any) -> Iterator[None]:
    """Process each file as soon as it is complete, and call callbacks of ``on_commit`` in tests with ``django_db``."""
    from .testing.overrides import immediate_settings, undisturbed_commits

    _set(settings, immediate_settings())
    with undisturbed_commits():
        yield


@pytest.fixture
def make_asset(request: pytest.FixtureRequest, db: None) -> Callable[..., FileAsset]:
    """``django_largefiles.testing.make_asset``, with a database. Files are in memory without ``largefiles_media``."""
    from .testing import make_asset

    if "largefiles_media" not in request.fixturenames:
        request.getfixturevalue("largefiles_storage")
    return make_asset


def _set(settings: Any, values: dict[str, Any]) -> None:
    """Set values by the fixture of pytest-django: what a test sets itself afterwards is then undone before them."""
    for name, value in values.items():
        setattr(settings, name, value)
