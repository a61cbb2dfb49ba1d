"""The store of local file systems: bytes arrive beside their final place, so that finishing is one rename."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from django.core.files.storage import FileSystemStorage

from ..conf import largefiles_settings
from ..exceptions import StoreFull, StoreUnavailable
from .base import Appender, Store, StoreState, check_not_lost
from .fence import Fence

INCOMING = ".incoming"
FILE_MODE = 0o600
FOLDER_MODE = 0o700


class FilesystemStore(Store):
    """Names are relative to the root of the storage; incomplete bytes are in ``.incoming`` below it."""

    def __init__(self, storage: FileSystemStorage) -> None:
        self._storage = storage

    def check_room(self, length: int) -> None:
        with translated_errors():
            _leave_reserve(os.statvfs(nearest_folder(self._root)), length)

    def begin(self, name: str, length: int | None) -> StoreState:
        incoming = self._incoming(name)
        with translated_errors():
            self._make_folder(incoming.parent)
            descriptor = os.open(incoming, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE_MODE)
            # The umask may take bits away that the owner needs.
            os.fchmod(descriptor, FILE_MODE)
            os.close(descriptor)
            self._sync_up_from(incoming.parent)
        return {"name": name}

    def append(self, state: StoreState, offset: int, token: UUID) -> Appender:
        incoming, final = self._incoming(state["name"]), self._path(state["name"])
        with translated_errors(), ExitStack() as on_failure:
            if not incoming.exists():
                final.stat()
            fence = on_failure.enter_context(Fence.raise_before_others(_fence_path(incoming), token))
            # From here on no ``finish`` of an earlier appender moves the file.
            if not incoming.exists():
                final.rename(incoming)
            file = on_failure.enter_context(incoming.open("r+b", buffering=0))
            size = os.fstat(file.fileno()).st_size
            check_not_lost(size, offset)
            # A file that was once cut to nothing is closed only after ext4 has written it to the disk.
            if size > offset:
                os.ftruncate(file.fileno(), offset)
            file.seek(offset)
            on_failure.pop_all()
        return FileAppender(file, fence)

    def open_incoming(self, state: StoreState) -> BinaryIO:
        with translated_errors():
            return self._incoming(state["name"]).open("rb")

    def finish(self, state: StoreState, token: UUID) -> str:
        incoming, final = self._incoming(state["name"]), self._path(state["name"])
        with translated_errors():
            self._make_folder(final.parent)
            if incoming.exists() or not final.exists():
                with Fence.of(_fence_path(incoming), token) as fence, fence.holding():
                    incoming.rename(final)
                    _fence_path(incoming).unlink()
            self._sync_up_from(final.parent)
        return str(state["name"])

    def abort(self, state: StoreState) -> None:
        incoming = self._incoming(state["name"])
        with translated_errors():
            incoming.unlink(missing_ok=True)
            _fence_path(incoming).unlink(missing_ok=True)
        self.delete(state["name"])

    def delete(self, name: str) -> None:
        with translated_errors():
            self._path(name).unlink(missing_ok=True)

    def open_ranged(self, name: str) -> BinaryIO:
        with translated_errors():
            return self._path(name).open("rb")

    @property
    def folder(self) -> Path:
        return self._root

    def _make_folder(self, folder: Path) -> None:
        """Create ``folder`` and its parents below the root, all private, and the root as its storage says."""
        if folder.is_dir():
            return
        if folder == self._root:
            _make_root(folder, self._storage.directory_permissions_mode)
            return
        self._make_folder(folder.parent)
        with suppress(FileExistsError):
            folder.mkdir()
            folder.chmod(FOLDER_MODE)

    def _sync_up_from(self, folder: Path) -> None:
        """Make the entries of ``folder`` and those above it, up to the root, survive the death of the machine.

        Another process may have created one of them, and not have synchronized it yet.
        """
        if largefiles_settings.fsync:
            above = [parent for parent in folder.parents if parent.is_relative_to(self._root)]
            for each in (folder, *above):
                _sync_folder(each)

    @property
    def _root(self) -> Path:
        return Path(self._storage.location)

    def _path(self, name: str) -> Path:
        return Path(self._storage.path(name))

    def _incoming(self, name: str) -> Path:
        return self._root / INCOMING / name.rpartition("/")[2]


class FileAppender(Appender):
    def __init__(self, file: FileIO, fence: Fence) -> None:
        self._file = file
        self._fence = fence

    def write(self, chunk: bytes) -> None:
        with translated_errors(), self._fence.holding():
            _leave_reserve(os.fstatvfs(self._file.fileno()), len(chunk))
            written = self._file.write(chunk)
            while written < len(chunk):
                written += self._file.write(memoryview(chunk)[written:])

    def commit(self) -> None:
        with translated_errors():
            if largefiles_settings.fsync:
                os.fsync(self._file.fileno())

    def roll_back(self, offset: int) -> None:
        if self._file.closed:
            return
        with translated_errors(), self._fence.holding():
            self._file.truncate(offset)

    def close(self) -> None:
        self._file.close()
        self._fence.close()


def nearest_folder(path: Path) -> Path:
    """Return the folder itself, or its nearest ancestor that exists."""
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _leave_reserve(disk: os.statvfs_result, wanted: int) -> None:
    """Raise ``StoreFull`` if ``wanted`` bytes would not leave ``RESERVED_BYTES`` free.

    The database may be on the same disk, and needs room even to delete: a deletion writes a row first.
    """
    room = max(disk.f_bavail * disk.f_frsize - largefiles_settings.reserved_bytes, 0)
    # Some network file systems do not tell their size.
    if wanted > room and disk.f_blocks:
        raise StoreFull(f"the storage has room for {room} bytes, not for {wanted}", limit=room, value=wanted)


def _make_root(root: Path, mode: int | None) -> None:
    """Create the root of a storage; ``None`` leaves its mode to the umask."""
    root.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        root.mkdir()
        if mode is not None:
            root.chmod(mode)


def _fence_path(incoming: Path) -> Path:
    return incoming.with_name(f"{incoming.name}.fence")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def translated_errors() -> Iterator[None]:
    """Raise ``OSError`` as ``StoreFull``, for a full disk, a quota or a size limit, or as ``StoreUnavailable``."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise StoreFull("the storage is full") from error
        raise StoreUnavailable(f"the storage does not answer: {error.strerror}") from error
