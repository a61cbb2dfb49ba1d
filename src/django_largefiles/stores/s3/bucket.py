"""The bucket of an ``S3Storage``: plain values in and out, and no object of boto3.

Every call retries transient failures for a while, and then raises ``StoreUnavailable`` or ``StoreFull``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from botocore import xform_name
from django.core.exceptions import SuspiciousOperation
from django.core.files.storage import Storage
from storages.utils import clean_name, safe_join

from ...exceptions import StoreUnavailable
from .client import with_our_time_outs
from .errors import TRANSIENT, Missing, attempted
from .signing import Signer

Values = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Stat:
    size: int
    etag: str


@dataclass(frozen=True, kw_only=True)
class Part:
    number: int
    etag: str
    size: int
    checksums: Mapping[str, str] = field(default_factory=dict)


class Bucket:
    """Operations on one bucket. Keys are complete: ``key`` makes one from a name in the storage."""

    def __init__(self, storage: Any) -> None:
        # A copy, because the bucket lives as long as the storage, which it must not keep alive.
        self._storage = with_our_time_outs(storage)
        self._client = self._storage.connection.meta.client
        self.signer = Signer(self._storage)
        """Kept, because making its client takes a quarter of a second."""
        self._operations: dict[str, set[str]] = {}

    def key(self, name: str) -> str:
        try:
            return str(safe_join(self._storage.location, clean_name(name)))
        except ValueError as error:
            raise SuspiciousOperation(f"{name!r} leaves the storage's location") from error

    # Multipart uploads.

    def create_upload(self, key: str) -> str:
        return str(self._call("CreateMultipartUpload", Key=key, **self._write_parameters(key))["UploadId"])

    def put_part(self, key: str, upload_id: str, number: int, content: bytes | bytearray) -> None:
        self._call("UploadPart", Key=key, UploadId=upload_id, PartNumber=number, Body=content)

    def copy_part(self, key: str, upload_id: str, number: int, source: str) -> None:
        """Make a part of the object at ``source``."""
        self._copy_part(Key=key, UploadId=upload_id, PartNumber=number, CopySource=source)

    def copy_part_of(self, key: str, upload_id: str, number: int, source: str, start: int, length: int) -> None:
        """Make a part of a range of the object at ``source``, which must be larger than 5 MiB."""
        self._copy_part(
            Key=key, UploadId=upload_id, PartNumber=number, CopySource=source, CopySourceRange=_range(start, length)
        )

    def parts(self, key: str, upload_id: str) -> Iterator[Part]:
        marker: dict[str, Any] = {}
        while True:
            page = self._call("ListParts", Key=key, UploadId=upload_id, **marker)
            for found in page.get("Parts", ()):
                yield Part(
                    number=found["PartNumber"],
                    etag=found["ETag"],
                    size=found["Size"],
                    checksums={name: value for name, value in found.items() if name.startswith("Checksum")},
                )
            if not page.get("IsTruncated"):
                return
            marker = {"PartNumberMarker": page["NextPartNumberMarker"]}

    def complete(self, key: str, upload_id: str, parts: Sequence[Part]) -> None:
        told = [{"PartNumber": part.number, "ETag": part.etag, **part.checksums} for part in parts]
        self._call("CompleteMultipartUpload", Key=key, UploadId=upload_id, MultipartUpload={"Parts": told})

    def abort_upload(self, key: str, upload_id: str) -> None:
        """Abort a multipart upload. No error if it does not exist."""
        self._unless_missing("AbortMultipartUpload", Key=key, UploadId=upload_id)

    def uploads(self, key: str) -> list[str]:
        """Return the ids of all multipart uploads for ``key``."""
        found: list[str] = []
        marker: dict[str, Any] = {}
        while True:
            page = self._call("ListMultipartUploads", Prefix=key, **marker)
            found += [upload["UploadId"] for upload in page.get("Uploads", ()) if upload["Key"] == key]
            if not page.get("IsTruncated"):
                return found
            marker = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}

    # Objects.

    def put(self, key: str, content: bytes | bytearray) -> None:
        self._call("PutObject", Key=key, Body=content, **self._write_parameters(key))

    def stat(self, key: str) -> Stat:
        found = self._call("HeadObject", Key=key)
        return Stat(size=found["ContentLength"], etag=found["ETag"])

    def read(self, key: str, start: int, length: int, *, etag: str) -> bytes:
        """Return a range. Raise ``StoreUnavailable`` if the object no longer has that ``etag``."""
        return attempted(lambda: bytes(self._get(key, start, length, etag).read()))

    def stream(self, key: str, start: int, length: int, *, etag: str) -> ObjectStream:
        return ObjectStream(lambda done: attempted(lambda: self._get(key, start + done, length - done, etag)))

    def keys(self, prefix: str) -> Iterator[str]:
        marker: dict[str, Any] = {}
        while True:
            page = self._call("ListObjectsV2", Prefix=prefix, **marker)
            yield from (found["Key"] for found in page.get("Contents", ()))
            if not page.get("IsTruncated"):
                return
            marker = {"ContinuationToken": page["NextContinuationToken"]}

    def delete(self, key: str) -> None:
        """Delete an object. No error if it does not exist."""
        self._unless_missing("DeleteObject", Key=key)

    def _get(self, key: str, start: int, length: int, etag: str) -> Any:
        answer = self._send("GetObject", Key=key, Range=_range(start, length), IfMatch=etag)
        if answer["ResponseMetadata"]["HTTPStatusCode"] != HTTPStatus.PARTIAL_CONTENT:
            raise StoreUnavailable("the storage does not read by range")
        return answer["Body"]

    def _copy_part(self, *, CopySource: str, **values: Any) -> None:  # noqa: N803 - the operation's own name
        source = {"Bucket": self._storage.bucket_name, "Key": CopySource}
        self._call("UploadPartCopy", CopySource=source, **self._source_parameters(), **values)

    def _unless_missing(self, operation: str, **values: Any) -> None:
        try:
            self._call(operation, **values)
        except Missing:
            return

    def _call(self, operation: str, **values: Any) -> Values:
        return attempted(lambda: self._send(operation, **values))

    def _send(self, operation: str, **values: Any) -> Values:
        method: Callable[..., Values] = getattr(self._client, xform_name(operation))
        return method(Bucket=self._storage.bucket_name, **self._known(operation, self._parameters), **values)

    @property
    def _parameters(self) -> Values:
        """The parameters of the project that parts and reads need too, such as those of encryption and payer."""
        given = self._storage.get_object_parameters("")
        return {name: value for name, value in given.items() if name in _ON_EVERY_REQUEST}

    def _write_parameters(self, key: str) -> Values:
        """Those of a new object; the storage's own ``save`` sends the same."""
        name = key.removeprefix(self._storage.location).lstrip("/")
        given = {"ContentType": self._storage.default_content_type, **self._storage.get_object_parameters(name)}
        if self._storage.default_acl:
            given.setdefault("ACL", self._storage.default_acl)
        return {name: value for name, value in given.items() if name not in _ON_EVERY_REQUEST}

    def _source_parameters(self) -> Values:
        """A copy reads what is encrypted with the customer's key."""
        return {f"CopySource{name}": value for name, value in self._parameters.items() if name.startswith("SSEC")}

    def _known(self, operation: str, values: Values) -> Values:
        if operation not in self._operations:
            shape = self._client.meta.service_model.operation_model(operation).input_shape
            self._operations[operation] = set(shape.members)
        return {name: value for name, value in values.items() if name in self._operations[operation]}


class ObjectStream:
    """Bytes of one object in order. If the connection breaks, another one continues."""

    def __init__(self, opened: Callable[[int], Any]) -> None:
        self._opened = opened
        self._body = opened(0)
        self._done = 0

    def read(self, size: int) -> bytes:
        data = attempted(lambda: self._read(size))
        self._done += len(data)
        return data

    def close(self) -> None:
        if self._body:
            self._body.close()

    def _read(self, size: int) -> bytes:
        if self._body is None:
            self._body = self._opened(self._done)
        try:
            return bytes(self._body.read(size))
        except TRANSIENT:
            self.close()
            self._body = None
            raise


def _range(start: int, length: int) -> str:
    return f"bytes={start}-{start + length - 1}"


_ON_EVERY_REQUEST = {
    "ExpectedBucketOwner",
    "RequestPayer",
    "SSECustomerAlgorithm",
    "SSECustomerKey",
    "SSECustomerKeyMD5",
}

_buckets: WeakKeyDictionary[Storage, tuple[int, Bucket]] = WeakKeyDictionary()
_making = Lock()


def bucket_of(storage: Storage) -> Bucket:
    """Return the bucket of a storage in this process: a forked worker must not share connections of its parent."""
    with _making:
        process_id, bucket = _buckets.get(storage, (0, None))
        if bucket is None or process_id != os.getpid():
            bucket = Bucket(storage)
            _buckets[storage] = os.getpid(), bucket
        return bucket
