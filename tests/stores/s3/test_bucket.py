from __future__ import annotations

import gc
import os
from collections.abc import Callable
from typing import Any
from weakref import ref

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError
from django.core.exceptions import SuspiciousOperation

from django_largefiles.exceptions import StoreError, StoreFull, StoreUnavailable
from django_largefiles.stores.s3 import retries
from django_largefiles.stores.s3.bucket import Bucket, Part, bucket_of
from django_largefiles.stores.s3.errors import Missing, UploadMissing
from tests.s3.servers import S3Bucket
from tests.stores.s3.test_retries import Clock

CUSTOMER = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}
PARAMETERS = {"ServerSideEncryption": "AES256", "CacheControl": "private", **CUSTOMER}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "time", Clock())


@pytest.fixture
def made(bucket: S3Bucket) -> Bucket:
    return bucket_of(bucket.storage())


def failing(error: Exception, calls: list[object]) -> Callable[..., Any]:
    def fail(**values: Any) -> Any:
        calls.append(values)
        raise error

    return fail


def refusal(code: str, status: int) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "HeadObject",
    )


@pytest.mark.parametrize(
    ("error", "expected", "again"),
    [
        (refusal("InternalError", 500), StoreUnavailable, True),
        (refusal("SlowDown", 503), StoreUnavailable, True),
        (refusal("TooManyRequests", 429), StoreUnavailable, True),
        (refusal("RequestTimeout", 400), StoreUnavailable, True),
        (refusal("BadDigest", 400), StoreUnavailable, True),
        (EndpointConnectionError(endpoint_url="http://nowhere"), StoreUnavailable, True),
        (ConnectionResetError("reset by peer"), StoreUnavailable, True),
        (refusal("AccessDenied", 403), StoreUnavailable, False),
        (NoCredentialsError(), StoreUnavailable, False),
        (refusal("404", 404), Missing, False),
        (refusal("NoSuchUpload", 404), UploadMissing, False),
        (refusal("QuotaExceeded", 403), StoreFull, False),
        (refusal("XMinioStorageFull", 507), StoreFull, False),
        (refusal("InsufficientStorage", 507), StoreFull, False),
    ],
    ids=lambda value: getattr(value, "__name__", None) or str(value)[:50],
)
def test_what_may_pass_is_asked_again_and_all_has_a_name(
    error: Exception, expected: type[StoreError], again: bool, made: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[object] = []
    monkeypatch.setattr(made._client, "head_object", failing(error, calls))
    with pytest.raises(StoreError) as raised:
        made.stat("key")
    assert type(raised.value) is expected
    assert (len(calls) > 1) is again


def test_an_unexpected_error_is_not_hidden(made: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made._client, "head_object", failing(ZeroDivisionError(), []))
    with pytest.raises(ZeroDivisionError):
        made.stat("key")


@pytest.fixture
def sent(bucket: S3Bucket) -> tuple[Bucket, dict[str, dict[str, Any]]]:
    """A bucket with all that a host can say of objects, and the parameters of the requests it then sends."""
    requests: dict[str, dict[str, Any]] = {}

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        requests[model.name] = params

    made = bucket_of(bucket.storage(default_acl="private", object_parameters=PARAMETERS))
    made._client.meta.events.register("provide-client-params.s3", note)
    return made, requests


def test_objects_get_what_the_host_wants_and_readers_the_key(sent: tuple[Bucket, dict[str, dict[str, Any]]]) -> None:
    bucket, requests = sent
    bucket.put("tail", b"content")
    upload_id = bucket.create_upload("key")
    bucket.put_part("key", upload_id, 1, b"part")
    bucket.copy_part("key", upload_id, 1, "tail")
    bucket.read("tail", 0, 7, etag=bucket.stat("tail").etag)
    list(bucket.keys("tail"))
    for operation in ("PutObject", "CreateMultipartUpload"):
        assert {*PARAMETERS, "ACL", "ContentType"} <= set(requests[operation])
    for operation in ("UploadPart", "UploadPartCopy", "GetObject", "HeadObject"):
        assert set(CUSTOMER) <= set(requests[operation])
        assert not {"ACL", "CacheControl", "ServerSideEncryption"} & set(requests[operation])
    assert {f"CopySource{name}" for name in CUSTOMER} <= set(requests["UploadPartCopy"])
    assert not set(CUSTOMER) & set(requests["ListObjectsV2"])


def test_keys_are_below_the_location(bucket: S3Bucket) -> None:
    made = bucket_of(bucket.storage(location="private/area"))
    assert made.key("largefiles/a") == "private/area/largefiles/a"
    with pytest.raises(SuspiciousOperation):
        made.key("../../elsewhere")


def pages(*answers: dict[str, Any]) -> tuple[Callable[..., Any], list[dict[str, Any]]]:
    asked: list[dict[str, Any]] = []

    def page(**values: Any) -> dict[str, Any]:
        asked.append(values)
        return answers[len(asked) - 1]

    return page, asked


def test_parts_are_listed_to_the_end_with_their_checksums(made: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    first = {"PartNumber": 1, "ETag": "a", "Size": 5, "ChecksumCRC32": "c", "LastModified": None}
    second = {"PartNumber": 2, "ETag": "b", "Size": 6}
    list_parts, asked = pages(
        {"Parts": [first], "IsTruncated": True, "NextPartNumberMarker": 1}, {"Parts": [second], "IsTruncated": False}
    )
    monkeypatch.setattr(made._client, "list_parts", list_parts)
    assert list(made.parts("key", "id")) == [
        Part(number=1, etag="a", size=5, checksums={"ChecksumCRC32": "c"}),
        Part(number=2, etag="b", size=6),
    ]
    assert asked[1]["PartNumberMarker"] == 1


def test_uploads_are_listed_to_the_end_and_those_of_other_keys_left_out(
    made: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads = [{"Key": key, "UploadId": f"id of {key}"} for key in ("key", "key2", "key")]
    listed, asked = pages(
        {"Uploads": uploads[:2], "IsTruncated": True, "NextKeyMarker": "key2", "NextUploadIdMarker": "m"},
        {"Uploads": uploads[2:]},
    )
    monkeypatch.setattr(made._client, "list_multipart_uploads", listed)
    assert made.uploads("key") == ["id of key", "id of key"]
    assert (asked[1]["KeyMarker"], asked[1]["UploadIdMarker"]) == ("key2", "m")


def test_keys_are_listed_to_the_end(made: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    listed, asked = pages(
        {"Contents": [{"Key": "a"}], "IsTruncated": True, "NextContinuationToken": "t"}, {"Contents": [{"Key": "b"}]}
    )
    monkeypatch.setattr(made._client, "list_objects_v2", listed)
    assert list(made.keys("")) == ["a", "b"]
    assert asked[1]["ContinuationToken"] == "t"


def test_what_is_not_there_may_be_removed(made: Bucket) -> None:
    made.abort_upload("key", "none")
    made.delete("key")


def test_a_process_has_a_client_of_its_own(bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = bucket.storage()
    before = bucket_of(storage)
    assert bucket_of(storage) is before
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert bucket_of(storage) is not before


def test_the_storage_s_own_client_keeps_its_time_outs(bucket: S3Bucket) -> None:
    storage = bucket.storage()
    ours = bucket_of(storage)._client.meta.config
    assert (ours.connect_timeout, ours.read_timeout, ours.retries["total_max_attempts"]) == (5, 20, 1)
    assert storage.connection.meta.client.meta.config.read_timeout == 60


def test_a_bucket_does_not_keep_its_storage_alive(bucket: S3Bucket) -> None:
    storage = bucket.storage()
    bucket_of(storage)
    alive = ref(storage)
    del storage
    gc.collect()
    assert alive() is None
