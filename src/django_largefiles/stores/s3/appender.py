"""The appender of the S3 store: it fills the parts of a multipart upload."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from uuid import UUID

from ...exceptions import StoreFull, StoreUnavailable
from ..base import Appender, StoreState
from .bucket import Bucket
from .copying import Copying
from .objects import Source, tail_key, whole
from .plan import MAX_PARTS, part_size
from .reader import open_object
from .shipping import Shipping
from .state import Progress, with_numbers

RESERVED = 16
"""Numbers of parts that are reserved at a time. Each reservation is a statement to the database, and an interrupted
request loses those that it has reserved."""


class S3Appender(Appender):
    """Fills parts, and uploads full ones in the background. The bytes left at a commit become the tail.

    The numbers of its parts are reserved in the row before any part is uploaded, so that an appender that has been
    replaced still sends to numbers that no other uses. The storage is not asked before the first byte.
    """

    def __init__(self, bucket: Bucket, progress: Progress, offset: int, token: UUID) -> None:
        self._bucket = bucket
        self._key = bucket.key(progress.name)
        self._progress = progress
        """The state in the row, or the one that is about to be saved there."""
        self._offset = offset
        self._token = token
        self._shipping = Shipping()
        self._opened = False
        self._buffer = bytearray()
        """The bytes after those of the parts and of ``_full``."""
        self._full: list[bytearray] = []
        self._start = progress.parted
        """The offset at which the buffer begins."""
        self._number = progress.next_number
        self._reserved = self._number
        """Numbers below it may be used."""
        self._used: list[int] = []
        """The numbers used since the last commit."""

    def write(self, chunk: bytes) -> StoreState | None:
        self._open()
        self._ship()
        self._fill(chunk)
        self._ship()
        return self._reservation() if self._full else None

    def commit(self) -> StoreState | None:
        return self._progress.state() if self._settle() else None

    def conclude(self) -> StoreState | None:
        touched = self._settle()
        if not touched and self._progress.sealed:
            return None
        upload_id = self._progress.upload_id or self._bucket.create_upload(self._key)
        self._progress = replace(self._progress, upload_id=upload_id, sealed=True)
        return self._progress.state()

    def concatenate(self, others: Sequence[StoreState]) -> None:
        sources = [whole(self._bucket, Progress.read(other)) for other in others]
        self._copy(source for source in sources if source)

    def close(self) -> None:
        self._shipping.close()

    def _open(self) -> None:
        """Load the bytes before the offset that are not in parts."""
        if self._opened:
            return
        self._opened = True
        self._remove_superseded()
        if self._progress.sealed or self._offset != self._progress.size:
            self._go_back()
        elif self._progress.tail:
            with open_object(self._bucket, self._progress.tail) as file:
                self._buffer += file.read(self._progress.tail_size)

    def _go_back(self) -> None:
        """Copy the bytes before the offset into a new multipart upload, since none can be removed from one."""
        source = whole(self._bucket, self._progress) if self._offset else None
        if self._progress.upload_id and not (source and self._progress.runs):
            # Otherwise another request could still complete it, and replace the object that this one completes.
            self._bucket.abort_upload(self._key, self._progress.upload_id)
        self._copy([replace(source, size=self._offset)] if source else [])

    def _copy(self, sources: Iterable[Source]) -> None:
        copying = Copying(self._bucket, self._key)
        for source in sources:
            copying.add(source)
        self._opened = True
        self._start, self._buffer = copying.parted, copying.rest
        self._number, self._used = copying.count + 1, []
        self._begin_upload(copying.upload_id)
        runs = ((1, copying.count),) if copying.count else ()
        self._progress = replace(self._progress, runs=runs)

    def _begin_upload(self, upload_id: str) -> None:
        """Use a new multipart upload, whose numbers need no reservation until it is saved in the row."""
        self._progress = replace(self._progress, upload_id=upload_id, sealed=False)
        self._reserved = MAX_PARTS

    def _fill(self, chunk: bytes) -> None:
        left = memoryview(chunk)
        while left:
            size = part_size(self._start, self._progress.length)
            room = size - len(self._buffer)
            self._buffer += left[:room]
            left = left[room:]
            if len(self._buffer) >= size:
                self._full.append(self._buffer)
                self._start += len(self._buffer)
                self._buffer = bytearray()

    def _ship(self) -> None:
        """Upload full parts, as many as there are reserved numbers."""
        if self._full and not self._progress.upload_id:
            self._begin_upload(self._bucket.create_upload(self._key))
        while self._full and self._number < self._reserved:
            content = self._full.pop(0)
            upload_id, number = self._progress.upload_id, self._take_number()
            put = partial(self._bucket.put_part, self._key, upload_id, number, content)
            self._shipping.run(put, len(content))

    def _take_number(self) -> int:
        number = self._number
        self._number += 1
        self._used.append(number)
        return number

    def _reservation(self) -> StoreState:
        """Return the state with more numbers reserved; it must be saved before they are used."""
        # The last number is for the tail.
        if self._number >= MAX_PARTS:
            raise StoreFull(f"an upload has at most {MAX_PARTS} parts", limit=MAX_PARTS)
        self._reserved = min(MAX_PARTS, self._number + max(RESERVED, len(self._full)))
        return replace(self._progress, next_number=self._reserved).state()

    def _settle(self) -> bool:
        """Put all bytes into the storage and describe them in ``_progress``. Return whether anything has changed."""
        if not self._opened and self._offset == self._progress.size:
            return False
        self._open()
        self._ship()
        self._shipping.wait()
        self._remove_superseded()
        size, before = self._start + len(self._buffer), self._progress
        tail = tail_key(self._bucket, before.name, self._token, size) if self._buffer else ""
        if tail not in {"", before.tail}:
            self._bucket.put(tail, self._buffer)
        self._progress = replace(
            before,
            runs=with_numbers(before.runs, self._used),
            next_number=self._number,
            parted=self._start,
            tail=tail,
            size=size,
            superseded=(before.tail,) if before.tail not in {"", tail} else (),
        )
        self._used, self._reserved = [], self._number
        return True

    def _remove_superseded(self) -> None:
        for key in self._progress.superseded:
            # A tail that stays is removed once the upload is complete or aborted.
            with suppress(StoreUnavailable):
                self._bucket.delete(key)
