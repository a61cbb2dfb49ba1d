"""Multipart uploads whose parts clients send themselves, to presigned URLs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from ...exceptions import UploadGone
from ..direct import DirectUpload, DirectUploads, SignedPart, StoredPart
from .bucket import Bucket, Missing, Part
from .plan import part_size


class S3DirectUploads(DirectUploads):
    """The multipart upload is the fence: once it is completed or aborted its URLs lead nowhere."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def begin(self, name: str, length: int) -> DirectUpload:
        handle = self._bucket.create_upload(self._bucket.key(name))
        return DirectUpload(name=name, handle=handle, length=length, part_size=part_size(0, length))

    def sign(self, upload: DirectUpload, numbers: Iterable[int], lifetime: timedelta) -> list[SignedPart]:
        return [self._sign(upload, number, lifetime) for number in numbers]

    def parts(self, upload: DirectUpload) -> list[StoredPart]:
        try:
            return [StoredPart(number=part.number, size=part.size) for part in self._parts(upload)]
        except Missing:
            return []

    def finish(self, upload: DirectUpload) -> int:
        key = self._bucket.key(upload.name)
        try:
            parts = self._parts(upload)
            upload.check(StoredPart(number=part.number, size=part.size) for part in parts)
            self._bucket.complete(key, upload.handle, parts)
            return self._bucket.stat(key).size
        except Missing:
            # Another call may have completed it, or this one, unheard.
            return self._finished_size(key)

    def _finished_size(self, key: str) -> int:
        try:
            return self._bucket.stat(key).size
        except Missing as error:
            raise UploadGone("the storage has no such upload any more") from error

    def _sign(self, upload: DirectUpload, number: int, lifetime: timedelta) -> SignedPart:
        key, size = self._bucket.key(upload.name), upload.size_of(number)
        return SignedPart(
            number=number,
            size=size,
            url=self._bucket.signed_part(key, upload.handle, number, size, lifetime),
            # Browsers set it themselves; a client that sends chunks must know that it may not.
            headers={"Content-Length": str(size)},
        )

    def _parts(self, upload: DirectUpload) -> list[Part]:
        """In their order. A part beyond the last one is none of ours."""
        parts = self._bucket.parts(self._bucket.key(upload.name), upload.handle)
        return sorted((part for part in parts if part.number <= upload.part_count), key=lambda part: part.number)
