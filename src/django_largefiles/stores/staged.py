"""The store of storages that take whole files only: bytes arrive on local disk, and a worker moves them."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import BinaryIO
from uuid import UUID, uuid4

from django.core.checks import CheckMessage, Error, Warning as CheckWarning
from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, Storage

from ..conf import largefiles_settings
from ..exceptions import InvalidSetting, StoreUnavailable
from ..options import MAX_STORED_NAME
from .base import Appender, Store, StoreState
from .filesystem import FilesystemStore, nearest_folder
from .remote import OutgoingFile, open_stored, translated_errors

logger = logging.getLogger(__name__)


class StagedStore(Store):
    """Bytes arrive in ``STAGING_DIRECTORY``, as in a filesystem store, and stay there until they are verified.

    Then they are moved under a name that no other attempt has, so that a worker that stalls and returns can neither
    overwrite nor remove the bytes that another has moved since. Bytes are local as long as the directory has a file
    of their name.
    """

    def __init__(self, storage: Storage) -> None:
        directory = largefiles_settings.staging_directory
        if directory is None:
            raise InvalidSetting(
                "STAGING_DIRECTORY",
                f"must be set for {type(storage).__qualname__}: a directory on local disk that web and workers share",
            )
        self._storage = storage
        self._directory = directory
        self._local = FilesystemStore(FileSystemStorage(location=directory))

    def check_room(self, length: int) -> None:
        self._local.check_room(length)

    def begin(self, name: str, length: int | None) -> StoreState:
        return {**self._local.begin(name, length), "staged": True}

    def append(self, state: StoreState, offset: int, token: UUID) -> Appender:
        return self._local.append(state, offset, token)

    def open_incoming(self, state: StoreState) -> BinaryIO:
        return self._local.open_incoming(state)

    def finish(self, state: StoreState, token: UUID) -> str:
        return self._local.finish(state, token)

    def destination(self, name: str) -> StoreState | None:
        if not self._is_local(name):
            return None
        return {"name": f"{name}-{uuid4().hex[:8]}", "moving": True}

    def move(self, name: str, destination: StoreState, progress: Callable[[int], None]) -> str:
        with closing(self._local.open_ranged(name)) as file:
            outgoing = OutgoingFile(file, progress)
            moved = self._save(outgoing, destination["name"])
            with translated_errors():
                size = self._storage.size(moved)
        if size != outgoing.size:
            self._remove(moved)
            raise StoreUnavailable(f"the storage holds {size} of {outgoing.size} bytes")
        return moved

    def abort(self, state: StoreState) -> None:
        name = state["name"]
        staged = state.get("staged") or self._is_local(name)
        self._local.abort(state)
        if state.get("moving"):
            for copy in self._copies(name):
                self._remove(copy)
        elif not staged:
            self._remove(name)

    def delete(self, name: str) -> None:
        self.abort({"name": name})

    def open_ranged(self, name: str) -> BinaryIO:
        if self._is_local(name):
            return self._local.open_ranged(name)
        return open_stored(self._storage, name)

    def check(self) -> Iterator[CheckMessage]:
        if not os.access(nearest_folder(self._directory), os.W_OK | os.X_OK):
            yield Error(
                f"LARGEFILES: STAGING_DIRECTORY: {self._directory} cannot be written to.",
                id="django_largefiles.E010",
            )
        # An option of django-storages' GoogleCloudStorage, 0 unless it is set: files never go over to disk.
        if getattr(self._storage, "max_memory_size", None) == 0:
            yield CheckWarning(
                f"{type(self._storage).__qualname__} holds each file that is read from it in memory, whole.",
                hint="Set its option max_memory_size to some MiB: larger files then go through a temporary one.",
                id="django_largefiles.W013",
            )

    def _is_local(self, name: str) -> bool:
        return (self._directory / name).is_file()

    def _save(self, outgoing: OutgoingFile, name: str) -> str:
        try:
            with translated_errors():
                content = File(outgoing, name=name)  # type: ignore[arg-type]  # a raw file is one, too
                return self._storage.save(name, content, max_length=MAX_STORED_NAME)
        except Exception:
            # The storage may have replaced an error that was raised while it read.
            if outgoing.error:
                raise outgoing.error from None
            raise

    def _copies(self, name: str) -> set[str]:
        """Return the files that an interrupted move may have left, under its name or one that the storage chose."""
        folder, _, stem = name.rpartition("/")
        try:
            files = self._storage.listdir(folder)[1]
        except Exception:
            # Not all storages can list a folder, and some raise an exception if there is none.
            logger.debug("%s cannot be listed.", folder, exc_info=True)
            files = []
        return {name, *(f"{folder}/{file}" for file in files if file.startswith(stem))}

    def _remove(self, name: str) -> None:
        with translated_errors():
            failure: Exception | None = None
            try:
                self._storage.delete(name)
            except Exception as error:  # noqa: BLE001 - some raise if there is no such file
                failure = error
            # Others do not report a failure.
            if self._storage.exists(name):
                raise StoreUnavailable("the storage did not delete the file") from failure
