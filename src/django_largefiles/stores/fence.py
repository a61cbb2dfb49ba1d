"""The fence of the filesystem store: of several requests for one upload only the latest may write."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_SH, LOCK_UN, flock
from io import FileIO
from pathlib import Path
from typing import Self
from uuid import UUID

from ..exceptions import TakenOver

FENCE_MODE = 0o600


class Fence:
    """A small file with the token of the one appender that may write: a fence that outlives its processes.

    It is locked for single writes only, so that a later request never waits for a connection that hangs.
    """

    def __init__(self, file: FileIO, token: UUID) -> None:
        self._file = file
        self._token = token.bytes

    @classmethod
    def of(cls, path: Path, token: UUID, *, flags: int = os.O_RDWR) -> Self:
        return cls(FileIO(os.open(path, flags, FENCE_MODE), "r+"), token)

    @classmethod
    def raise_before_others(cls, path: Path, token: UUID) -> Self:
        while True:
            fence = cls.of(path, token, flags=os.O_RDWR | os.O_CREAT)
            # A write in progress ends before this lock is granted; the next one finds another token.
            with fence._locked(LOCK_EX):
                if fence._is_in_place():
                    os.pwrite(fence._file.fileno(), fence._token, 0)
                    return fence
            fence.close()

    def _is_in_place(self) -> bool:
        """Return whether it still exists: ``finish`` may have removed it since it was opened."""
        return os.fstat(self._file.fileno()).st_nlink > 0

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Keep the token in place during the block. Raise ``TakenOver`` if another has replaced it."""
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
