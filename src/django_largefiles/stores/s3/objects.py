"""The objects of an upload: the final one, the tails, and the removal of what is left over."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from ...exceptions import StoreUnavailable
from .bucket import Bucket, Part
from .errors import Missing, UploadMissing
from .retries import persistently
from .state import Progress

INCOMING = ".incoming"
"""The folder of tails in the storage. A lifecycle rule may delete what is older there than any upload."""

COMPLETION_SECONDS = 10.0
"""How long an object may take to appear after its multipart upload has vanished."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """An object that holds all bytes of an upload."""

    key: str
    size: int


def tail_key(bucket: Bucket, name: str, token: UUID, size: int) -> str:
    """Return the key of the tail that ``token`` writes when there are ``size`` bytes in all; it is never reused."""
    return f"{_tails(bucket, name)}{token}.{size}"


def whole(bucket: Bucket, progress: Progress) -> Source | None:
    """Return an object from which the bytes of an upload can be read; ``None`` if there are no bytes.

    Only complete multipart uploads can be read, so this completes it.
    """
    if progress.runs:
        complete(bucket, progress)
        return Source(key=bucket.key(progress.name), size=progress.size)
    return Source(key=progress.tail, size=progress.size) if progress.tail else None


def complete(bucket: Bucket, progress: Progress) -> None:
    """Make the object from the parts and the tail. May be repeated, also concurrently."""
    key = bucket.key(progress.name)
    try:
        _add_the_rest(bucket, key, progress)
        bucket.complete(key, progress.upload_id, _parts(bucket, key, progress))
    except UploadMissing:
        if completed_size(bucket, key) != progress.size:
            raise


def completed_size(bucket: Bucket, key: str) -> int:
    """Return the size of an object that another request, whose answer may be lost, has completed or is completing.

    Raise ``Missing`` if it does not appear in time.
    """
    return persistently(lambda: bucket.stat(key), _is_missing, COMPLETION_SECONDS).size


def _is_missing(error: Exception) -> bool:
    return isinstance(error, Missing)


def _add_the_rest(bucket: Bucket, key: str, progress: Progress) -> None:
    if progress.tail:
        bucket.copy_part(key, progress.upload_id, progress.next_number, progress.tail)
    elif not progress.runs:
        # A multipart upload needs at least one part.
        bucket.put_part(key, progress.upload_id, progress.next_number, b"")


def _parts(bucket: Bucket, key: str, progress: Progress) -> list[Part]:
    numbers = progress.numbers
    if progress.tail or not progress.runs:
        numbers.add(progress.next_number)
    # Some servers list a part twice that was sent twice because the first answer was lost. The bytes are the same.
    found = {part.number: part for part in bucket.parts(key, progress.upload_id) if part.number in numbers}
    size = sum(part.size for part in found.values())
    if (len(found), size) != (len(numbers), progress.size):
        raise StoreUnavailable(
            f"the storage has {len(found)} parts with {size} bytes, not {len(numbers)} with {progress.size}"
        )
    return [found[number] for number in sorted(found)]


def remove_unfinished(bucket: Bucket, name: str) -> None:
    """Remove all multipart uploads and tails of an upload, including those of other requests."""
    key = bucket.key(name)
    for upload_id in bucket.uploads(key):
        bucket.abort_upload(key, upload_id)
    for tail in bucket.keys(_tails(bucket, name)):
        bucket.delete(tail)


def _tails(bucket: Bucket, name: str) -> str:
    return bucket.key(f"{INCOMING}/{name.rpartition('/')[2]}") + "."
