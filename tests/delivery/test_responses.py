from __future__ import annotations

import asyncio
import base64
import gc
import hashlib
import os
import socket
import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import connections
from django.http import FileResponse
from django.test import AsyncClient, Client, RequestFactory
from django.urls import reverse
from django.utils.http import http_date

from django_largefiles import lifecycle
from django_largefiles.delivery import async_pieces, pieces
from django_largefiles.delivery.responses import deliver
from django_largefiles.doors.ingest import ingest
from django_largefiles.models import FileAsset
from django_largefiles.pipeline.processing import process
from django_largefiles.states import State
from django_largefiles.transport.watcher import watcher
from tests.conftest import Largefiles, png

pytestmark = pytest.mark.django_db(transaction=True)

CONTENT = png(padding=1000)
SIZE = len(CONTENT)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def asset(owner: User) -> FileAsset:
    asset = ingest(BytesIO(CONTENT), name="picture.png", owner=owner)
    process(asset.pk)
    return FileAsset.objects.get()


@pytest.fixture
def client(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


@pytest.fixture
def url(asset: FileAsset) -> str:
    return reverse("largefiles:download", args=[asset.pk])


def body(answer: Any) -> bytes:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    answer.close()
    return bytes(content)


@pytest.mark.parametrize("asked", [{}, {"Range": "bytes=100-899"}], ids=["whole", "range"])
def test_no_middleware_compresses(asked: dict[str, str], client: Client, url: str, settings: Any) -> None:
    settings.MIDDLEWARE = ["django.middleware.gzip.GZipMiddleware", *settings.MIDDLEWARE]
    answer = client.get(url, headers={"Accept-Encoding": "gzip", **asked})
    assert "Content-Encoding" not in answer.headers
    assert (answer["ETag"], body(answer)) == (f'"{SHA256}"', CONTENT[100:900] if asked else CONTENT)


def test_a_whole_file(client: Client, url: str, asset: FileAsset) -> None:
    answer = client.get(url)
    assert (answer.status_code, body(answer)) == (200, CONTENT)
    assert dict(answer.headers) | {"Vary": ""} == {
        "Content-Type": "image/png",
        "Content-Length": str(SIZE),
        "Content-Disposition": 'attachment; filename="picture.png"',
        "ETag": f'"{SHA256}"',
        "Last-Modified": http_date(asset.created_at.timestamp()),
        "Accept-Ranges": "bytes",
        "Repr-Digest": f"sha-256=:{base64.b64encode(bytes.fromhex(SHA256)).decode()}:",
        "Cache-Control": "private, no-cache, no-transform",
        "Cross-Origin-Resource-Policy": "same-site",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Vary": "",
    }


@pytest.mark.parametrize(
    ("header", "method", "range_", "answered"),
    [
        ("sha-256=1", "GET", None, True),
        ("sha-256=0", "GET", None, False),
        (None, "GET", None, False),
        ("sha-256=1", "GET", "bytes=0-9", False),
        ("sha-256=1", "HEAD", None, False),
    ],
    ids=["wanted", "unacceptable", "not asked for", "of a part", "of no content"],
)
def test_the_digest_of_the_content_is_answered_if_it_is_known(
    header: str | None, method: str, range_: str | None, answered: bool, client: Client, url: str
) -> None:
    headers = {name: value for name, value in {"Want-Content-Digest": header, "Range": range_}.items() if value}
    answer = client.generic(method, url, headers=headers)
    assert answer.get("Content-Digest") == (answer["Repr-Digest"] if answered else None)
    answer.close()


def test_sha512_is_answered_if_it_was_announced(client: Client, url: str) -> None:
    sha512 = hashlib.sha512(CONTENT)
    FileAsset.objects.update(sha512=sha512.hexdigest())
    answer = client.head(url, headers={"Want-Repr-Digest": "sha-512=2, sha-256=1"})
    assert answer["Repr-Digest"] == f"sha-512=:{base64.b64encode(sha512.digest()).decode()}:"


@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=1-"}], ids=["whole", "range"])
def test_the_client_of_a_download_is_watched_until_it_ends(headers: dict[str, str], client: Client, url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        theirs = socket.create_connection(listener.getsockname())
        ours, _ = listener.accept()
    with ours, theirs:
        before = set(watcher._transfers)
        answer = client.get(url, headers=headers, **{"gunicorn.socket": ours})  # type: ignore[arg-type]
        assert len(watcher._transfers - before) == 1
        body(answer)
        assert not watcher._transfers - before


def test_a_whole_file_goes_through_the_server_s_file_wrapper(client: Client, url: str, largefiles: Largefiles) -> None:
    largefiles.set(CHUNK_SIZE=12_345)
    answer = client.get(url)
    assert isinstance(answer, FileResponse)
    assert answer.block_size == 12_345
    answer.close()


def test_head_tells_the_same_without_the_bytes(client: Client, url: str) -> None:
    whole, head = client.get(url), client.head(url)
    assert head.headers == whole.headers
    assert body(head) == b""
    whole.close()


@pytest.mark.parametrize(
    ("header", "expected", "content_range"),
    [
        ("bytes=0-0", CONTENT[:1], f"bytes 0-0/{SIZE}"),
        ("bytes=10-19", CONTENT[10:20], f"bytes 10-19/{SIZE}"),
        ("bytes=10-", CONTENT[10:], f"bytes 10-{SIZE - 1}/{SIZE}"),
        ("bytes=-10", CONTENT[-10:], f"bytes {SIZE - 10}-{SIZE - 1}/{SIZE}"),
        ("bytes=10-999999", CONTENT[10:], f"bytes 10-{SIZE - 1}/{SIZE}"),
    ],
)
def test_a_range(
    header: str, expected: bytes, content_range: str, client: Client, url: str, largefiles: Largefiles
) -> None:
    largefiles.set(CHUNK_SIZE=64)
    answer = client.get(url, headers={"Range": header})
    assert (answer.status_code, body(answer)) == (206, expected)
    assert answer["Content-Range"] == content_range
    assert answer["Content-Length"] == str(len(expected))
    assert answer["Content-Disposition"] == 'attachment; filename="picture.png"'


@pytest.mark.parametrize(
    "header", ["bytes=5-4", "bytes=a-b", "lines=0-1", "bytes=0-1,1-6", "bytes=" + "0-1," * 1000, "bytes"]
)
def test_a_range_to_be_ignored_gives_the_whole(header: str, client: Client, url: str) -> None:
    answer = client.get(url, headers={"Range": header})
    assert (answer.status_code, body(answer)) == (200, CONTENT)


@pytest.mark.parametrize("header", [f"bytes={SIZE}-", "bytes=-0", "bytes=99999999999999999999-"])
def test_a_range_past_the_end_is_not_satisfiable(header: str, client: Client, url: str) -> None:
    answer = client.get(url, headers={"Range": header})
    assert (answer.status_code, answer["Content-Range"], body(answer)) == (416, f"bytes */{SIZE}", b"")


@pytest.mark.parametrize(
    ("if_range", "status"),
    [(f'"{SHA256}"', 206), (f'W/"{SHA256}"', 200), ('"another"', 200), ("Sat, 01 Jan 2000 00:00:00 GMT", 200)],
)
def test_if_range(if_range: str, status: int, client: Client, url: str) -> None:
    answer = client.get(url, headers={"Range": "bytes=0-0", "If-Range": if_range})
    assert answer.status_code == status
    answer.close()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If-None-Match": f'"{SHA256}"'}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": '"another"'}, 200),
        ({"If-Modified-Since": http_date(4102444800)}, 304),
        ({"If-Match": '"another"'}, 412),
        ({"If-Unmodified-Since": "Sat, 01 Jan 2000 00:00:00 GMT"}, 412),
        ({"If-None-Match": f'"{SHA256}"', "Range": "bytes=0-0"}, 304),
    ],
)
def test_conditions(headers: dict[str, str], status: int, client: Client, url: str) -> None:
    answer = client.get(url, headers=headers)
    assert (answer.status_code, answer["ETag"]) == (status, f'"{SHA256}"')
    answer.close()


@pytest.mark.parametrize("state", sorted(set(State) - {State.READY}))
def test_nothing_that_is_not_ready_is_served(state: State, client: Client, url: str) -> None:
    FileAsset.objects.update(state=state)
    for answer in (client.get(url), client.head(url), client.get(url, headers={"Range": "bytes=0-0"})):
        assert answer.status_code == 409
    assert client.get(url).json()["code"] == "not_ready"


def test_a_takedown_stops_delivery(client: Client, url: str, asset: FileAsset) -> None:
    lifecycle.block(asset.pk)
    assert client.get(url).status_code == 409


@pytest.mark.parametrize("logged_in", [True, False])
def test_the_headers_do_not_tell_that_it_exists(
    logged_in: bool, client: Client, url: str, asset: FileAsset, stranger: User
) -> None:
    client.force_login(stranger)
    if not logged_in:
        client.logout()
    unknown = reverse("largefiles:download", args=["0" * 8 + str(asset.pk)[8:]])
    told = [
        {name: value for name, value in client.get(path).items() if name != "Content-Length"}
        for path in (url, unknown)
    ]
    assert told[0] == told[1]
    assert told[0]["Vary"] == "Cookie"


def test_a_stranger_does_not_learn_that_it_exists(client: Client, url: str, asset: FileAsset, stranger: User) -> None:
    client.force_login(stranger)
    unknown = reverse("largefiles:download", args=["0" * 8 + str(asset.pk)[8:]])
    for path in (url, unknown):
        for answer in (client.get(path), client.head(path)):
            assert answer.status_code == 404
    assert client.get(url).json()["code"] == "not_found"


def test_what_may_be_seen_need_not_be_downloadable(client: Client, url: str, largefiles: Largefiles) -> None:
    largefiles.set(ACCESS_POLICY="tests.policies.LookButDoNotTouch")
    assert (client.get(url).status_code, client.get(url).json()["code"]) == (403, "not_permitted")


def test_only_safe_methods(client: Client, url: str) -> None:
    assert client.post(url).status_code == 405


@pytest.mark.parametrize(
    "name",
    ['a"b\r\nSet-Cookie: x.png', "naïve – 文.png", 'x.png";filename=evil.exe', "\u202egnp.exe", "a%00b.png"],
    ids=["header injection", "not ASCII", "second filename", "right to left", "NUL"],
)
def test_hostile_names_make_one_clean_header(name: str, client: Client, owner: User, largefiles: Largefiles) -> None:
    largefiles.set(EXTENSION_MUST_MATCH=False)
    asset = ingest(BytesIO(CONTENT), name=name, owner=owner)
    process(asset.pk)
    answer = client.get(reverse("largefiles:download", args=[asset.pk]))
    header = answer["Content-Disposition"]
    answer.close()
    assert "\r" not in header
    assert "\n" not in header
    assert header.count('"') in {0, 2}
    assert header.startswith("attachment; filename")
    assert "Set-Cookie" not in answer


def test_bytes_that_are_missing_are_a_problem_not_a_crash(client: Client, url: str, asset: FileAsset) -> None:
    Path(asset.file.path).unlink()
    answer = client.get(url)
    assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")


def test_a_response_that_is_never_read_closes_its_file(client: Client, url: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        client.get(url, headers={"Range": "bytes=1-5"}).close()
        client.get(url).close()
        gc.collect()


@pytest.mark.parametrize(
    ("headers", "expected"), [({}, CONTENT), ({"Range": "bytes=5-104"}, CONTENT[5:105])], ids=["whole", "range"]
)
def test_under_asgi_the_file_is_streamed_asynchronously(
    headers: dict[str, str], expected: bytes, url: str, owner: User, largefiles: Largefiles, releases: list[str]
) -> None:
    largefiles.set(CHUNK_SIZE=64)
    client = AsyncClient()
    client.force_login(owner)

    async def fetch() -> bytes:
        answer = await client.get(url, headers=headers)
        assert answer.is_async
        assert releases
        releases.clear()
        received = [piece async for piece in answer.streaming_content]
        await sync_to_async(answer.close)()
        # The view ran in a thread of its own, whose connection outlives it.
        await sync_to_async(connections.close_all)()
        assert max(map(len, received)) == 64
        return b"".join(received)

    assert asyncio.run(fetch()) == expected
    assert releases


@pytest.fixture
def releases(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A log of releases of the connections to databases."""
    log = list[str]()
    monkeypatch.setattr(pieces, "release_connections", lambda: log.append("released"))
    monkeypatch.setattr(async_pieces, "release_connections", lambda: log.append("released"))
    return log


@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=0-99"}], ids=["whole", "range"])
def test_connections_are_released_before_and_when_a_file_is_sent(
    headers: dict[str, str], client: Client, url: str, largefiles: Largefiles, releases: list[str]
) -> None:
    largefiles.set(CHUNK_SIZE=64)
    answer = client.get(url, headers=headers)
    before = len(releases)
    next(iter(answer.streaming_content))
    assert (before, len(releases)) == (1, 2)
    answer.close()


def test_connections_are_released_for_sendfile(
    rf: RequestFactory, asset: FileAsset, largefiles: Largefiles, releases: list[str]
) -> None:
    largefiles.set(CHUNK_SIZE=64)
    answer = deliver(rf.get("/"), asset)
    assert isinstance(answer, FileResponse)
    assert os.fstat(answer.file_to_stream.fileno()).st_size == SIZE
    assert releases == ["released"] * 2
    answer.close()


@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=0-99"}], ids=["whole", "range"])
def test_a_file_of_one_chunk_releases_none(
    headers: dict[str, str], client: Client, url: str, releases: list[str]
) -> None:
    assert body(client.get(url, headers=headers))
    assert not releases
