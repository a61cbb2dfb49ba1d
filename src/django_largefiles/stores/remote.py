"""Files on their way to and from a Django storage, with nothing but the interface that all storages have."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from django.core.files.base import File
from django.core.files.storage import Storage

from ..exceptions import LargeFilesError, StoreFull, StoreUnavailable
from ..options import KIB, MIB

LARGEST_READ = 256 * MIB
"""Bytes. A storage that asks for more at once would hold the file in memory. (Google's client asks for 100 MiB.)"""

BUFFER_SIZE = 64 * KIB
"""Bytes. Parsers read a few bytes at a time, and each read may be a request to a server."""

_SKIPPED_AT_ONCE = MIB


@contextmanager
def translated_errors() -> Iterator[None]:
    """Raise any error of a storage as a ``StoreError``, without its text, which clients must not see."""
    try:
        yield
    except LargeFilesError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise StoreFull("the storage is full") from error
        raise StoreUnavailable(f"the storage failed: {type(error).__name__}") from error


class OutgoingFile(io.RawIOBase):
    """A local file as a storage reads it.

    ``progress`` is called before each read with the number of bytes read. There is no descriptor, so that no storage
    reads past this object. ``error`` is what ``progress`` or a read raised, since a storage may replace it.
    """

    def __init__(self, file: BinaryIO, progress: Callable[[int], None]) -> None:
        super().__init__()
        self.size = os.fstat(file.fileno()).st_size
        self.error: BaseException | None = None
        self._file = file
        self._progress = progress

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int | None = -1, /) -> bytes:
        position = self._file.tell()
        left = max(0, self.size - position)
        wanted = left if size is None or size < 0 else min(size, left)
        try:
            self._progress(position)
            if wanted > LARGEST_READ:
                raise StoreUnavailable(
                    f"the storage asks for {wanted} bytes at once, to hold in memory; {LARGEST_READ} are allowed",
                    limit=LARGEST_READ,
                    value=wanted,
                )
            with translated_errors():
                return self._file.read(wanted)
        except BaseException as error:
            self.error = error
            raise

    def readall(self) -> bytes:
        return self.read()

    def readinto(self, buffer: Any, /) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def open_stored(storage: Storage, name: str) -> BinaryIO:
    """Return a seekable reader of a stored file. Raise ``StoreUnavailable``, at once if there is no such file."""
    return io.BufferedReader(_StoredFile(storage, name, _opened(storage, name)), BUFFER_SIZE)


def _opened(storage: Storage, name: str) -> File[bytes]:
    with translated_errors():
        file: File[bytes] = storage.open(name)
        # Some storages open at the first read, and forget an earlier seek.
        file.read(0)
    return file


class _StoredFile(io.RawIOBase):
    """The file of a storage, made seekable, without a descriptor.

    If it cannot seek, going forward is reading, and going back is opening it again.
    """

    def __init__(self, storage: Storage, name: str, file: File[bytes]) -> None:
        super().__init__()
        self._storage = storage
        self._name = name
        self._file = file
        self._reached = 0
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._position = max(0, self._start(whence) + offset)
        return self._position

    def readinto(self, buffer: Any, /) -> int:
        with translated_errors():
            self._catch_up()
            data = self._file.read(len(buffer))
        self._reached += len(data)
        self._position += len(data)
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()

    def _start(self, whence: int) -> int:
        if whence == io.SEEK_END:
            with translated_errors():
                return self._storage.size(self._name)
        return self._position if whence == io.SEEK_CUR else 0

    def _catch_up(self) -> None:
        """Move the file of the storage to where the next read begins."""
        if self._reached == self._position:
            return
        if self._file.seekable():
            self._file.seek(self._position)
            self._reached = self._position
            return
        if self._position < self._reached:
            self._file.close()
            self._file, self._reached = _opened(self._storage, self._name), 0
        while self._reached < self._position:
            skipped = self._file.read(min(_SKIPPED_AT_ONCE, self._position - self._reached))
            if not skipped:
                break
            self._reached += len(skipped)
