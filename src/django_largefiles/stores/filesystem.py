"""Uploads beside their final place on a local file system, so that finishing is one rename."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from fcntl import LOCK_EX, LOCK_SH, LOCK_UN, flock
from io import FileIO
from pathlib import Path
from typing import BinaryIO, Self
from uuid import UUID

from django.core.files.storage import FileSystemStorage

from ..conf import largefiles_settings
from ..exceptions import StoreFull, StoreUnavailable, TakenOver
from .base import Appender, Store, StoreState

INCOMING = ".incoming"
FILE_MODE = 0o600
FOLDER_MODE = 0o700


class FilesystemStore(Store):
    """Names are relative to the storage's root; bytes wait in ``.incoming`` below it until they are complete."""

    def __init__(self, storage: FileSystemStorage) -> None:
        self._storage = storage

    def begin(self, name: str, length: int | None) -> StoreState:
        incoming = self._incoming(name)
        with translated_errors():
            self._make_folder(incoming.parent)
            descriptor = os.open(incoming, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE_MODE)
            # The umask may take bits away that the owner needs.
            os.fchmod(descriptor, FILE_MODE)
            os.close(descriptor)
        return {"name": name}

    def append(self, state: StoreState, offset: int, token: UUID) -> Appender:
        incoming, final = self._incoming(state["name"]), self._path(state["name"])
        with translated_errors(), ExitStack() as on_failure:
            if not incoming.exists():
                final.stat()
            fence = on_failure.enter_context(Fence.raise_before_others(_fence_path(incoming), token))
            # From here on no earlier appender's ``finish`` moves the file.
            if not incoming.exists():
                final.rename(incoming)
            file = on_failure.enter_context(incoming.open("r+b", buffering=0))
            file.truncate(offset)
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
            if largefiles_settings.fsync:
                _sync_folder(final.parent)
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

    @property
    def _root(self) -> Path:
        return Path(self._storage.location)

    def _path(self, name: str) -> Path:
        return Path(self._storage.path(name))

    def _incoming(self, name: str) -> Path:
        return self._root / INCOMING / name.rpartition("/")[2]


class Fence:
    """A small file that holds the token of the one appender that may write: fencing that outlives its processes.

    The lock on it is held for single writes only, so whoever comes later never waits for a connection that hangs.
    """

    def __init__(self, file: FileIO, token: UUID) -> None:
        self._file = file
        self._token = token.bytes

    @classmethod
    def of(cls, path: Path, token: UUID, *, flags: int = os.O_RDWR) -> Self:
        return cls(FileIO(os.open(path, flags, FILE_MODE), "r+"), token)

    @classmethod
    def raise_before_others(cls, path: Path, token: UUID) -> Self:
        while True:
            fence = cls.of(path, token, flags=os.O_RDWR | os.O_CREAT)
            # Whoever is writing ends that write before this lock is had, and finds another token after it.
            with fence._locked(LOCK_EX):
                if fence._is_in_place():
                    os.pwrite(fence._file.fileno(), fence._token, 0)
                    return fence
            fence.close()

    def _is_in_place(self) -> bool:
        """Or ``finish`` has removed it since it was opened."""
        return os.fstat(self._file.fileno()).st_nlink > 0

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Raises ``TakenOver`` unless the token is still ours, as it then is to the end of the block."""
        with self._locked(LOCK_SH):
            if os.pread(self._file.fileno(), len(self._token), 0) != self._token:
                raise TakenOver("a later request has taken over the upload")
            yield

    @contextmanager
    def _locked(self, kind: int) -> Iterator[None]:
        flock(self._file.fileno(), kind)
        try:
            yield
        finally:
            flock(self._file.fileno(), LOCK_UN)

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class FileAppender(Appender):
    def __init__(self, file: FileIO, fence: Fence) -> None:
        self._file = file
        self._fence = fence

    def write(self, chunk: bytes) -> None:
        with translated_errors(), self._fence.holding():
            written = self._file.write(chunk)
            while written < len(chunk):
                written += self._file.write(memoryview(chunk)[written:])

    def commit(self) -> None:
        with translated_errors():
            if largefiles_settings.fsync:
                os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()
        self._fence.close()


@contextmanager
def translated_errors() -> Iterator[None]:
    """``OSError`` as the store's own errors: a full disk, a quota or a size limit, and everything else."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise StoreFull("the storage is full") from error
        raise StoreUnavailable(f"the storage does not answer: {error.strerror}") from error


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
