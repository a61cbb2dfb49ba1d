"""Uploads beside their final place on a local file system, so that finishing is one rename."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from django.core.files.storage import FileSystemStorage

from ..conf import largefiles_settings
from ..exceptions import StoreFull, StoreUnavailable
from .base import Appender, Store, StoreState

INCOMING = ".incoming"
FILE_MODE = 0o600
FOLDER_MODE = 0o700


class FilesystemStore(Store):
    """Names are relative to the storage's root; bytes wait in ``.incoming`` below it until they are complete."""

    def __init__(self, storage: FileSystemStorage) -> None:
        self._storage = storage

    def begin(self, name: str) -> StoreState:
        incoming = self._incoming(name)
        with translated_errors():
            _make_folder(incoming.parent, self._root)
            descriptor = os.open(incoming, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE_MODE)
            # The umask may take bits away that the owner needs.
            os.fchmod(descriptor, FILE_MODE)
            os.close(descriptor)
        return {"name": name}

    def append(self, state: StoreState, offset: int) -> Appender:
        with translated_errors(), ExitStack() as on_failure:
            file = on_failure.enter_context(self._incoming(state["name"]).open("r+b", buffering=0))
            file.truncate(offset)
            file.seek(offset)
            on_failure.pop_all()
        return FileAppender(file)

    def finish(self, state: StoreState) -> str:
        incoming, final = self._incoming(state["name"]), self._path(state["name"])
        with translated_errors():
            _make_folder(final.parent, self._root)
            if incoming.exists() or not final.exists():
                incoming.rename(final)
            if largefiles_settings.fsync:
                _sync_folder(final.parent)
        return str(state["name"])

    def abort(self, state: StoreState) -> None:
        with translated_errors():
            self._incoming(state["name"]).unlink(missing_ok=True)
        self.delete(state["name"])

    def delete(self, name: str) -> None:
        with translated_errors():
            self._path(name).unlink(missing_ok=True)

    def open_ranged(self, name: str) -> BinaryIO:
        with translated_errors():
            return self._path(name).open("rb")

    @property
    def _root(self) -> Path:
        return Path(self._storage.location)

    def _path(self, name: str) -> Path:
        return Path(self._storage.path(name))

    def _incoming(self, name: str) -> Path:
        return self._root / INCOMING / name.rpartition("/")[2]


class FileAppender(Appender):
    def __init__(self, file: FileIO) -> None:
        self._file = file

    def write(self, chunk: bytes) -> None:
        with translated_errors():
            written = self._file.write(chunk)
            while written < len(chunk):
                written += self._file.write(memoryview(chunk)[written:])

    def commit(self) -> None:
        with translated_errors():
            if largefiles_settings.fsync:
                os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()


@contextmanager
def translated_errors() -> Iterator[None]:
    """``OSError`` as the store's own errors: a full disk, a quota or a size limit, and everything else."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise StoreFull("the storage is full") from error
        raise StoreUnavailable(f"the storage does not answer: {error.strerror}") from error


def _make_folder(folder: Path, root: Path) -> None:
    """``folder`` and those between it and ``root``, each private; the root itself is the host's."""
    if folder.is_dir():
        return
    if folder == root:
        folder.mkdir(parents=True, exist_ok=True)
        return
    _make_folder(folder.parent, root)
    with suppress(FileExistsError):
        folder.mkdir()
        folder.chmod(FOLDER_MODE)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
