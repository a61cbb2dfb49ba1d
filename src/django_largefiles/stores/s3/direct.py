"""Multipart uploads whose parts clients send themselves, to presigned URLs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from ...exceptions import UploadGone
from ..direct import DirectUpload, DirectUploads, SignedPart, StoredPart
from .bucket import Bucket, Part
from .errors import Missing, UploadMissing
from .objects import completed_size
from .plan import part_size


class S3DirectUploads(DirectUploads):
    """The multipart upload is the fence: once it is completed or aborted, its URLs no longer work."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def begin(self, name: str, length: int) -> DirectUpload:
        handle = self._bucket.create_upload(self._bucket.key(name))
        return DirectUpload(name=name, handle=handle, length=length, part_size=part_size(0, length))

    def sign(self, upload: DirectUpload, numbers: Iterable[int], lifetime: timedelta) -> list[SignedPart]:
        return [self._sign(upload, number, lifetime) for number in numbers]

    def parts(self, upload: DirectUpload) -> list[StoredPart]:
        try:
            return _told(self._parts(upload))
        except UploadMissing:
            return []

    def finish(self, upload: DirectUpload) -> int:
        key = self._bucket.key(upload.name)
        try:
            parts = self._parts(upload)
            upload.check(_told(parts))
            self._bucket.complete(key, upload.handle, parts)
            return self._bucket.stat(key).size
        except UploadMissing:
            return self._finished_size(key)

    def _finished_size(self, key: str) -> int:
        try:
            return completed_size(self._bucket, key)
        except Missing as error:
            raise UploadGone("the storage has no such upload any more") from error

    def _sign(self, upload: DirectUpload, number: int, lifetime: timedelta) -> SignedPart:
        key, size = self._bucket.key(upload.name), upload.size_of(number)
        return SignedPart(
            number=number,
            size=size,
            url=self._bucket.signer.part(key, upload.handle, number, size, lifetime),
            # Browsers set it themselves; other clients must know that a chunked body is refused.
            headers={"Content-Length": str(size)},
        )

    def _parts(self, upload: DirectUpload) -> list[Part]:
        """Return the parts in order, none beyond the last. Some servers list a part twice that was sent twice."""
        found = {part.number: part for part in self._bucket.parts(self._bucket.key(upload.name), upload.handle)}
        return [found[number] for number in sorted(found) if number <= upload.part_count]


def _told(parts: Iterable[Part]) -> list[StoredPart]:
    return [StoredPart(number=part.number, size=part.size) for part in parts]
