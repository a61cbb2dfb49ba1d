"""Downloads from S3: the storage serves the bytes itself, to whoever has the link."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from importlib.util import find_spec
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils.http import http_date
from pytest_django.fixtures import Settings

from django_largefiles import lifecycle
from django_largefiles.doors.ingest import ingest
from django_largefiles.exceptions import InvalidSetting
from django_largefiles.models import FileAsset
from django_largefiles.pipeline.processing import process
from django_largefiles.states import State
from tests.conftest import Largefiles, png
from tests.s3.servers import S3Bucket

pytestmark = pytest.mark.django_db(transaction=True)

CONTENT = png(padding=1000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
NAME = "Bäume; 木.png"
SSE_C = {"object_parameters": {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}}


@pytest.fixture(autouse=True)
def storage(settings: Settings, bucket: S3Bucket) -> None:
    settings.STORAGES = {**settings.STORAGES, "default": bucket.setting}


@pytest.fixture
def asset(owner: User) -> FileAsset:
    asset = ingest(BytesIO(CONTENT), name=NAME, owner=owner)
    process(asset.pk)
    asset.refresh_from_db()
    assert asset.state == State.READY
    return asset


@pytest.fixture
def client(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


@pytest.fixture
def url(asset: FileAsset) -> str:
    return reverse("largefiles:download", args=[asset.pk])


def test_a_download_is_redirected(client: Client, url: str, largefiles: Largefiles) -> None:
    largefiles.set(REDIRECT_EXPIRES_AFTER=timedelta(seconds=90))
    answer = client.get(url)
    assert (answer.status_code, answer["Cache-Control"]) == (302, "no-store")
    assert answer["Cross-Origin-Resource-Policy"] == "same-site"
    query = parse_qs(urlsplit(answer["Location"]).query)
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert query["X-Amz-Expires"] == ["90"]
    served = requests.get(answer["Location"], timeout=30)
    assert (served.status_code, served.content) == (200, CONTENT)
    assert served.headers["Content-Type"] == "image/png"
    assert served.headers["Content-Disposition"] == "attachment; filename*=utf-8''B%C3%A4ume%3B%20%E6%9C%A8.png"
    assert served.headers["Cache-Control"] == "private, no-cache, no-transform"


def test_a_file_is_shown_from_the_storage(client: Client, url: str) -> None:
    answer = client.get(f"{url}?disposition=inline")
    served = requests.get(answer["Location"], timeout=30)
    assert served.headers["Content-Disposition"] == "inline; filename*=utf-8''B%C3%A4ume%3B%20%E6%9C%A8.png"


def test_a_range_is_asked_of_the_storage(client: Client, url: str) -> None:
    answer = client.get(url, headers={"Range": "bytes=10-19"})
    served = requests.get(answer["Location"], headers={"Range": "bytes=10-19"}, timeout=30)
    assert (served.status_code, served.content) == (206, CONTENT[10:20])


@pytest.mark.parametrize("header", ["", "bytes=0-0", "bytes=10-19", "bytes=100-", "bytes=-7", "bytes=0-99999999"])
@pytest.mark.parametrize("query", ["", "?disposition=inline"])
def test_the_storage_answers_as_a_stream_does(
    header: str, query: str, client: Client, url: str, largefiles: Largefiles
) -> None:
    """In the headers that a storage can send. Its validators and dates are its own, and it knows no policies."""
    headers = {"Range": header} if header else {}
    served = requests.get(client.get(url + query, headers=headers)["Location"], headers=headers, timeout=30)
    largefiles.set(DELIVERY="stream")
    streamed: Any = client.get(url + query, headers=headers)
    body = b"".join(streamed.streaming_content)
    streamed.close()
    assert (served.status_code, served.content) == (streamed.status_code, body)
    same = ("Content-Type", "Content-Disposition", "Content-Length", "Content-Range", "Cache-Control", "Accept-Ranges")
    assert {name: served.headers.get(name) for name in same} == {name: streamed.headers.get(name) for name in same}


def test_head_is_answered_here(client: Client, url: str) -> None:
    answer = client.head(url)
    assert (answer.status_code, answer["Content-Length"]) == (200, str(len(CONTENT)))
    assert (answer["Content-Type"], answer["ETag"]) == ("image/png", f'"{SHA256}"')
    assert answer["Repr-Digest"] == f"sha-256=:{base64.b64encode(bytes.fromhex(SHA256)).decode()}:"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If-None-Match": f'"{SHA256}"'}, 304),
        ({"If-None-Match": '"of the storage"'}, 302),
        ({"If-Match": f'"{SHA256}"'}, 200),
        ({"If-Match": '"another"'}, 412),
        ({"If-Unmodified-Since": http_date(4_000_000_000)}, 200),
        ({"If-Range": f'"{SHA256}"', "Range": "bytes=0-0"}, 206),
        ({"If-Range": '"of the storage"', "Range": "bytes=0-0"}, 302),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_precondition_that_the_storage_would_judge_otherwise_is_judged_here(
    client: Client, url: str, headers: dict[str, str], status: int
) -> None:
    answer = client.get(url, headers=headers)
    assert answer.status_code == status
    answer.close()


def test_a_host_may_have_it_streamed(client: Client, url: str, largefiles: Largefiles) -> None:
    largefiles.set(DELIVERY="stream")
    answer = client.get(url, headers={"Range": "bytes=10-19"})
    assert (answer.status_code, b"".join(answer.streaming_content)) == (206, CONTENT[10:20])
    answer.close()


@pytest.mark.parametrize("version", ["s3", None], ids=["SigV2", "none"])
def test_what_the_storage_itself_signs_with_does_not_matter(
    client: Client, url: str, settings: Settings, bucket: S3Bucket, version: str | None
) -> None:
    use(settings, bucket, signature_version=version)
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in client.get(url)["Location"]


def test_a_customers_key_goes_into_no_link(
    client: Client, url: str, asset: FileAsset, settings: Settings, bucket: S3Bucket
) -> None:
    use(settings, bucket, **SSE_C)
    answer = client.get(url)
    assert (answer.status_code, b"".join(answer.streaming_content)) == (200, CONTENT)
    answer.close()


def test_a_host_that_wants_redirects_alone_is_told_where_there_are_none(
    client: Client, url: str, settings: Settings, bucket: S3Bucket, largefiles: Largefiles
) -> None:
    use(settings, bucket, **SSE_C)
    largefiles.set(DELIVERY="redirect")
    with pytest.raises(InvalidSetting, match="DELIVERY"):
        client.get(url)


@pytest.mark.parametrize("delivery", ["auto", "redirect", "stream"])
@pytest.mark.parametrize("state", [state for state in State if state != State.READY])
def test_nothing_but_a_ready_file_has_a_link(
    client: Client, url: str, asset: FileAsset, state: State, delivery: str, largefiles: Largefiles
) -> None:
    largefiles.set(DELIVERY=delivery)
    FileAsset.objects.update(state=state)
    for route in [url, asset.signed_url(), reverse("largefiles:upload", args=[asset.pk]), *api_routes(asset)]:
        answer = client.get(route)
        assert "Location" not in answer
        assert answer.status_code != 200 or not answer.content


def test_a_takedown_ends_the_links(client: Client, url: str, asset: FileAsset) -> None:
    assert client.get(url).status_code == 302
    assert lifecycle.block(asset.pk)
    answer = client.get(url)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_ready")


def test_a_stranger_gets_no_link(client: Client, url: str, stranger: User) -> None:
    client.force_login(stranger)
    assert client.get(url).status_code == 404


def use(settings: Settings, bucket: S3Bucket, **options: Any) -> None:
    """A storage with further options."""
    backend = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": {**bucket.options, **options}}
    settings.STORAGES = {**settings.STORAGES, "default": backend}


def api_routes(asset: FileAsset) -> list[str]:
    return [reverse("largefiles-api:asset-download", args=[asset.pk])] if find_spec("rest_framework") else []
