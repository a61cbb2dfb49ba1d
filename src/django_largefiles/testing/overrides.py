"""Settings and surroundings of tests: where files are stored, and who processes them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast
from unittest.mock import patch

from django.conf import settings
from django.core.files.storage import InMemoryStorage
from django.test import override_settings
from django.test.utils import TestContextDecorator

from .. import housekeeping
from ..stores.storage import configured_alias, configured_storage
from .commits import commits

FILES = "django.core.files.storage.FileSystemStorage"
MEMORY = "django.core.files.storage.InMemoryStorage"
IMMEDIATE = "django_largefiles.dispatch.immediate.ImmediateDispatcher"


class override_largefiles(TestContextDecorator):  # noqa: N801 - as Django's override_settings
    """Override keys of ``LARGEFILES`` and keep the others: a context manager, and a decorator of tests and classes.

    A decorated class has them in its tests and ``setUp``, not in ``setUpTestData``.
    """

    def __init__(self, **keys: Any) -> None:
        super().__init__()
        self._keys = keys

    def enable(self) -> None:
        self._override = override_settings(**merged(**self._keys))
        self._override.enable()

    def disable(self) -> None:
        self._override.disable()


def merged(**keys: Any) -> dict[str, Any]:
    """Return ``LARGEFILES`` with other values of some keys, as settings."""
    return {"LARGEFILES": {**getattr(settings, "LARGEFILES", {}), **keys}}


def memory_settings() -> dict[str, Any]:
    """Return settings by which new files are stored in memory, under the alias that the project stores them under."""
    return _storage_settings({"BACKEND": MEMORY})


def media_settings(folder: Path) -> dict[str, Any]:
    """Return settings by which ``folder`` holds new files, and is ``MEDIA_ROOT``."""
    backend = {"BACKEND": FILES, "OPTIONS": {"location": str(folder)}}
    return {**_storage_settings(backend), "MEDIA_ROOT": str(folder)}


def immediate_settings() -> dict[str, Any]:
    """Return settings by which the process that completes an upload processes the file."""
    return merged(DISPATCHER=IMMEDIATE)


@contextmanager
def memory_storage() -> Iterator[InMemoryStorage]:
    """Store new files in memory during the block. Yield the storage, which is empty."""
    with override_settings(**memory_settings()):
        yield cast("InMemoryStorage", configured_storage())


@contextmanager
def media_folder() -> Iterator[Path]:
    """Store new files in a temporary folder during the block, which is ``MEDIA_ROOT`` too. Yield the folder."""
    with TemporaryDirectory(prefix="largefiles-") as folder, override_settings(**media_settings(Path(folder))):
        yield Path(folder)


@contextmanager
def immediate_processing() -> Iterator[None]:
    """Process each file of the block as soon as it is complete, by the same process.

    Callbacks of ``transaction.on_commit``, the project's too, are called when their transaction would be committed
    outside of a test.
    """
    with override_settings(**immediate_settings()), undisturbed_commits():
        yield


@contextmanager
def undisturbed_commits() -> Iterator[None]:
    """Call the callbacks of ``on_commit``, and make no repairs after requests, which would be queries of the test."""
    with commits(), patch.object(housekeeping.turns, "take", return_value=False):
        yield


def _storage_settings(backend: dict[str, Any]) -> dict[str, Any]:
    # The project's store and delivery may need the project's storage.
    return {"STORAGES": {**settings.STORAGES, configured_alias(): backend}, **merged(STORE="", DELIVERY="auto")}
