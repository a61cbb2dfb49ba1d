"""What is signed allows that and nothing else: proven by a server that looks at signatures."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from io import BytesIO
from urllib.parse import urlsplit

import pytest
import requests

from django_largefiles.stores import store_for
from django_largefiles.stores.base import ServedAs, Store
from django_largefiles.stores.direct import DirectUpload, DirectUploads, SignedPart
from tests.s3.servers import S3Bucket

pytestmark = pytest.mark.integration

NAME = "largefiles/one"
OTHER = "largefiles/two"
CONTENT = b"0123456789" * 1000
MINUTE = timedelta(minutes=1)
SERVED_AS = ServedAs(
    media_type="text/csv", disposition="attachment; filename*=utf-8''%C3%BC.csv", cache_control="private, no-cache"
)
EXPIRY_SECONDS = 20


@pytest.fixture
def store(seaweedfs_bucket: S3Bucket, request: pytest.FixtureRequest) -> Store:
    """Of a storage that itself signs as the test wants it to, which must not matter."""
    return store_for(seaweedfs_bucket.storage(signature_version=getattr(request, "param", None)))


EACH_VERSION = pytest.mark.parametrize("store", ["s3v4", "s3", None], ids=["SigV4", "SigV2", "none"], indirect=True)


@pytest.fixture
def direct(store: Store) -> DirectUploads:
    assert store.direct
    return store.direct


@pytest.fixture
def upload(direct: DirectUploads) -> DirectUpload:
    return direct.begin(NAME, len(CONTENT))


@pytest.fixture
def part(direct: DirectUploads, upload: DirectUpload) -> SignedPart:
    return signed(direct, upload)


def signed(direct: DirectUploads, upload: DirectUpload, lifetime: timedelta = MINUTE) -> SignedPart:
    (part,) = direct.sign(upload, [1], lifetime)
    return part


def put(url: str, content: bytes | Iterator[bytes] = CONTENT) -> int:
    return requests.put(url, data=content, timeout=30).status_code


def wait_until_refused(request: Callable[[], int]) -> None:
    """Within the time after which what was signed for one second must be dead."""
    deadline = time.monotonic() + EXPIRY_SECONDS
    while request() != 403:
        assert time.monotonic() < deadline, "what was signed for one second still holds"
        time.sleep(0.1)


@EACH_VERSION
def test_the_part_that_was_signed_is_taken(
    direct: DirectUploads, upload: DirectUpload, part: SignedPart, seaweedfs_bucket: S3Bucket
) -> None:
    assert put(part.url) == 200
    assert direct.finish(upload) == len(CONTENT)
    assert seaweedfs_bucket.content(NAME) == CONTENT


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("partNumber=1", "partNumber=2"),
        (NAME, OTHER),
        ("uploadId=", "uploadId=0"),
        ("X-Amz-Expires=60", "X-Amz-Expires=600"),
        ("X-Amz-SignedHeaders=content-length%3Bhost", "X-Amz-SignedHeaders=host"),
        ("X-Amz-Signature=", "X-Amz-Signature=0"),
        ("&X-Amz-Signature=", "&x-id=UploadPart&X-Amz-Signature="),
        ("partNumber=1&", ""),
    ],
    ids=["number", "key", "upload", "expiry", "headers", "signature", "addition", "no part"],
)
def test_a_tampered_url_is_refused(
    direct: DirectUploads, upload: DirectUpload, part: SignedPart, was: str, becomes: str
) -> None:
    assert was in part.url
    assert put(part.url.replace(was, becomes)) == 403
    assert direct.parts(upload) == []


@EACH_VERSION
@pytest.mark.parametrize(
    "content", [CONTENT[:-1], CONTENT + b"0", b"", CONTENT * 1000], ids=["shorter", "longer", "empty", "much longer"]
)
def test_another_length_is_refused(
    direct: DirectUploads, upload: DirectUpload, part: SignedPart, content: bytes
) -> None:
    # The server may hang up on a body that it does not want.
    with suppress(requests.ConnectionError):
        assert put(part.url, content) == 403
    assert direct.parts(upload) == []


def test_a_body_of_no_declared_length_is_refused(
    direct: DirectUploads, upload: DirectUpload, part: SignedPart
) -> None:
    assert put(part.url, iter([CONTENT])) >= 400
    assert direct.parts(upload) == []


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "HEAD"])
def test_another_method_is_refused(
    direct: DirectUploads, upload: DirectUpload, part: SignedPart, method: str, seaweedfs_bucket: S3Bucket
) -> None:
    assert requests.request(method, part.url, data=CONTENT, timeout=30).status_code in {400, 403, 405}
    assert seaweedfs_bucket.unfinished() == [NAME]


def test_an_expired_url_is_refused(direct: DirectUploads, upload: DirectUpload) -> None:
    part = signed(direct, upload, timedelta(seconds=1))
    wait_until_refused(lambda: put(part.url))


def test_a_part_that_is_sent_again_counts_once(
    direct: DirectUploads, upload: DirectUpload, part: SignedPart, seaweedfs_bucket: S3Bucket
) -> None:
    assert [put(part.url), put(part.url)] == [200] * 2
    assert [part.number for part in direct.parts(upload)] == [1]
    assert direct.finish(upload) == len(CONTENT)
    assert seaweedfs_bucket.content(NAME) == CONTENT


def test_a_part_that_comes_late_changes_nothing(
    direct: DirectUploads, upload: DirectUpload, part: SignedPart, seaweedfs_bucket: S3Bucket
) -> None:
    assert put(part.url) == 200
    direct.finish(upload)
    assert put(part.url, CONTENT[::-1]) == 404
    assert seaweedfs_bucket.content(NAME) == CONTENT
    assert seaweedfs_bucket.unfinished() == []
    assert direct.finish(upload) == len(CONTENT)


def test_a_part_that_comes_after_an_abort_leaves_nothing(
    upload: DirectUpload, part: SignedPart, seaweedfs_bucket: S3Bucket
) -> None:
    assert put(part.url) == 200
    store_for(seaweedfs_bucket.storage()).abort(upload.state())
    assert put(part.url) == 404
    assert (seaweedfs_bucket.keys(), seaweedfs_bucket.unfinished()) == ([], [])


@pytest.fixture
def link(store: Store, seaweedfs_bucket: S3Bucket) -> str:
    for name in (NAME, OTHER):
        seaweedfs_bucket.client.upload_fileobj(BytesIO(CONTENT), seaweedfs_bucket.name, name)
    return linked(store, MINUTE)


def linked(store: Store, lifetime: timedelta) -> str:
    return store.link(NAME, lifetime, SERVED_AS)


@EACH_VERSION
def test_a_link_serves_the_bytes_as_they_are_to_be_served(link: str) -> None:
    answer = requests.get(link, timeout=30)
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["Content-Type"] == SERVED_AS.media_type
    assert answer.headers["Content-Disposition"] == SERVED_AS.disposition
    assert answer.headers["Cache-Control"] == SERVED_AS.cache_control


def test_a_link_serves_ranges(link: str) -> None:
    answer = requests.get(link, headers={"Range": "bytes=10-19"}, timeout=30)
    assert (answer.status_code, answer.content) == (206, CONTENT[10:20])


@EACH_VERSION
@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        (NAME, OTHER),
        ("X-Amz-Expires=60", "X-Amz-Expires=600"),
        ("attachment", "inline"),
        ("text%2Fcsv", "text%2Fhtml"),
        ("X-Amz-Signature=", "X-Amz-Signature=0"),
    ],
    ids=["key", "expiry", "disposition", "type", "signature"],
)
def test_a_tampered_link_is_refused(link: str, was: str, becomes: str) -> None:
    assert was in link
    assert requests.get(link.replace(was, becomes), timeout=30).status_code == 403


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
def test_a_link_only_reads(link: str, method: str, seaweedfs_bucket: S3Bucket) -> None:
    assert requests.request(method, link, data=b"other", timeout=30).status_code in {400, 403, 405, 411}
    assert seaweedfs_bucket.content(NAME) == CONTENT


def test_a_link_dies(link: str, store: Store) -> None:
    short = linked(store, timedelta(seconds=1))
    wait_until_refused(lambda: requests.get(short, timeout=30).status_code)


def test_without_a_signature_nothing_is_served(link: str) -> None:
    assert requests.get(urlsplit(link)._replace(query="").geturl(), timeout=30).status_code == 403
