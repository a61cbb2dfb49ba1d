"""Web servers that send files in place of Django."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils.http import http_date
from pytest_django.fixtures import Settings

from django_largefiles import lifecycle
from django_largefiles.delivery.backends import backend_of
from django_largefiles.delivery.backends.stream import Stream
from django_largefiles.exceptions import InvalidSetting
from django_largefiles.models import FileAsset
from django_largefiles.states import State
from tests.conftest import Largefiles

pytestmark = pytest.mark.django_db(transaction=True)

HEADERS = ["X-Accel-Redirect", "X-Sendfile"]


@pytest.fixture
def client(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


@pytest.fixture(params=["x-accel", "x-sendfile"])
def delivery(request: pytest.FixtureRequest, largefiles: Largefiles) -> str:
    largefiles.set(DELIVERY=request.param, DELIVERY_INTERNAL_PREFIX="/internal/")
    return str(request.param)


@pytest.fixture
def url(delivery: str, ready: FileAsset) -> str:
    return reverse("largefiles:download", args=[ready.pk])


def named(answer: Any) -> str | None:
    """The file that the web server is told to send."""
    return next((answer[header] for header in HEADERS if header in answer), None)


def test_the_web_server_is_told_the_file(
    client: Client, url: str, delivery: str, ready: FileAsset, media: Path
) -> None:
    answer = client.get(url)
    target = {"x-accel": f"/internal/{ready.file}", "x-sendfile": f"{media}/{ready.file}"}[delivery]
    assert (answer.status_code, answer.content, named(answer)) == (200, b"", target)
    assert answer.streaming is False


def test_the_headers_are_those_of_a_stream(client: Client, url: str, largefiles: Largefiles) -> None:
    told = client.get(url)
    largefiles.set(DELIVERY="stream")
    streamed = client.get(url)
    streamed.close()
    left_out = {"X-Accel-Redirect", "X-Sendfile", "Content-Length", "Accept-Ranges"}
    assert {name: value for name, value in told.items() if name not in left_out} == {
        name: value for name, value in streamed.items() if name not in left_out
    }


def test_the_path_is_quoted(client: Client, url: str, media: Path) -> None:
    path = media / "a ü%2e?#\r\n/file"
    path.parent.mkdir()
    path.touch()
    FileAsset.objects.update(file=str(path.relative_to(media)))
    target = named(client.get(url))
    assert target
    assert target.endswith("/a%20%C3%BC%252e%3F%23%0D%0A/file")


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("HEAD", {}, 200),
        ("GET", {"If-Match": "*"}, 200),
        ("GET", {"If-Match": '"other"'}, 412),
        ("GET", {"If-None-Match": "*"}, 304),
        ("GET", {"If-Unmodified-Since": http_date(4_000_000_000)}, 200),
        ("GET", {"Range": "bytes=0-0,2-2"}, 206),
        ("GET", {"Range": "bytes=0-4,2-6"}, 200),
        ("GET", {"Range": "bytes=5-4"}, 200),
        ("GET", {"Range": "Bytes=0-4"}, 206),
        ("GET", {"Range": "bytes=0-4", "If-Range": '"other"'}, 200),
        ("GET", {"Range": "bytes=9999999-"}, 416),
    ],
)
def test_what_web_servers_answer_otherwise_is_answered_here(
    method: str, headers: dict[str, str], status: int, client: Client, url: str
) -> None:
    answer = client.generic(method, url, headers=headers)
    assert (answer.status_code, named(answer)) == (status, None)
    answer.close()


@pytest.mark.parametrize(
    "headers",
    [
        {"Range": "bytes=0-4"},
        {"Range": "bytes=-4"},
        {"Range": "bytes=4-", "If-Range": "ETag"},
        {"If-None-Match": '"other"'},
        {"If-Modified-Since": http_date(0)},
    ],
)
def test_what_web_servers_answer_alike_is_left_to_them(headers: dict[str, str], client: Client, url: str) -> None:
    etag = client.head(url)["ETag"]
    answer = client.get(url, headers={name: etag if value == "ETag" else value for name, value in headers.items()})
    assert answer.status_code == 200
    assert named(answer)


def test_a_missing_file_is_a_problem(client: Client, url: str, ready: FileAsset) -> None:
    Path(ready.file.path).unlink()
    answer = client.get(url)
    assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
    assert named(answer) is None


@pytest.mark.parametrize("state", [state for state in State if state != State.READY])
def test_nothing_but_a_ready_file_is_named(state: State, client: Client, url: str) -> None:
    FileAsset.objects.update(state=state)
    for answer in (client.get(url), client.get(url, headers={"Range": "bytes=0-4"})):
        assert (answer.status_code, named(answer)) == (409, None)


def test_a_takedown_names_no_file(client: Client, url: str, ready: FileAsset) -> None:
    assert named(client.get(url))
    lifecycle.block(ready.pk)
    assert named(client.get(url)) is None


def test_an_earlier_storage_has_its_own_prefix(ready: FileAsset, largefiles: Largefiles, settings: Settings) -> None:
    settings.STORAGES = {**settings.STORAGES, "new": settings.STORAGES["default"]}
    largefiles.set(DELIVERY="x-accel", STORAGE="new", DELIVERY_INTERNAL_PREFIX="/new/")
    assert isinstance(backend_of(ready), Stream)
    largefiles.set(DELIVERY_INTERNAL_PREFIX={"new": "/new/", "default": "/old/"})
    assert not backend_of(ready).problem


def test_the_storage_of_new_files_must_fit(ready: FileAsset, largefiles: Largefiles) -> None:
    largefiles.set(DELIVERY="x-accel")
    with pytest.raises(InvalidSetting, match="DELIVERY_INTERNAL_PREFIX is not set"):
        backend_of(ready)
