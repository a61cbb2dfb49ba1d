"""Copies of objects into a new multipart upload, made by the storage as far as it can."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from .bucket import Bucket
from .objects import Source, complete
from .plan import SMALLEST_PART, copied_ranges
from .reader import open_object
from .state import Progress

COPIES_AT_ONCE = 4


def copy_object(bucket: Bucket, name: str, new_name: str, progress: Callable[[int], None]) -> None:
    """Copy the object of ``name`` in the storage, of any size. ``progress`` is called with the bytes copied."""
    key = bucket.key(name)
    copying = Copying(bucket, bucket.key(new_name), progress)
    copying.add(Source(key=key, size=bucket.stat(key).size))
    copying.finish(new_name)


class Copying:
    """Appends one object after the other, in at most some 15 MiB of memory.

    Only the last part may be smaller than 5 MiB: the rest of an object, or all of a small one, is read, and becomes a
    part together with the first bytes of the next.
    """

    def __init__(self, bucket: Bucket, key: str, progress: Callable[[int], None] | None = None) -> None:
        self._bucket, self._key = bucket, key
        self._progress = progress
        """Called with the number of bytes that the storage has copied, from several threads."""
        self._copied = 0
        self._lock = Lock()
        self.upload_id = bucket.create_upload(key)
        self.count = 0
        """The number of parts; they are numbered from 1."""
        self.parted = 0
        """Bytes in parts."""
        self.rest = bytearray()
        """The bytes after them."""

    def add(self, source: Source) -> None:
        filled = min(source.size, SMALLEST_PART - len(self.rest)) if self.rest else 0
        self._read(source, 0, filled)
        if len(self.rest) == SMALLEST_PART:
            self._put_rest()
        if source.size - filled > SMALLEST_PART:
            self._copy(source, filled)
        else:
            self._read(source, filled, source.size)

    def finish(self, name: str) -> None:
        """Make the object of what was added. ``name`` is that of its key in the storage."""
        if self.rest:
            self._put_rest()
        runs = ((1, self.count),) if self.count else ()
        made = Progress(name=name, upload_id=self.upload_id, runs=runs, parted=self.parted, size=self.parted)
        complete(self._bucket, made)

    def _read(self, source: Source, start: int, end: int) -> None:
        if start == end:
            return
        with open_object(self._bucket, source.key, source.size) as file:
            file.seek(start)
            self.rest += file.read(end - start)

    def _put_rest(self) -> None:
        self.count += 1
        self._bucket.put_part(self._key, self.upload_id, self.count, self.rest)
        self.parted += len(self.rest)
        self.rest = bytearray()

    def _copy(self, source: Source, start: int) -> None:
        ranges = enumerate(copied_ranges(start, source.size), self.count + 1)
        with ThreadPoolExecutor(COPIES_AT_ONCE, thread_name_prefix="largefiles-s3") as pool:
            list(pool.map(lambda part: self._copy_range(source, *part), ranges))
        self.count += len(list(copied_ranges(start, source.size)))
        self.parted += source.size - start

    def _copy_range(self, source: Source, number: int, bytes_of_it: tuple[int, int]) -> None:
        self._bucket.copy_part_of(self._key, self.upload_id, number, source.key, *bytes_of_it)
        with self._lock:
            self._copied += bytes_of_it[1]
        if self._progress:
            self._progress(self._copied)
