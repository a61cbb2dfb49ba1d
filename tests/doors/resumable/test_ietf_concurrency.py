"""One request for an upload while another is still going on: the later one wins, and nothing is mixed."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from django_largefiles.intake import resuming
from django_largefiles.models import FileAsset, Upload
from django_largefiles.states import State
from tests.conftest import Largefiles, png
from tests.doors.resumable.ietf_client import (
    UPLOADS,
    Meanwhile,
    append,
    asset_at,
    begun,
    cancel,
    create,
    problem,
    retrieve,
    send,
)

pytestmark = pytest.mark.django_db(transaction=True)

Stored = Callable[[], list[str]]
PICTURE = png(padding=400_000)
REST = PICTURE[1000:]


@pytest.fixture(autouse=True)
def pieces(largefiles: Largefiles) -> None:
    """A body is read in several pieces."""
    largefiles.set(CHUNK_SIZE=65_536)


@pytest.fixture
def client(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


@pytest.fixture
def url(client: Client) -> str:
    return begun(client, PICTURE[:1000])


COMPLETE = pytest.mark.parametrize("complete", ["?0", "?1"], ids=["more to come", "complete"])


@pytest.mark.each_storage
@COMPLETE
def test_a_later_append_terminates_the_one_in_progress(complete: str, client: Client, url: str) -> None:
    later: list[Any] = []
    body = Meanwhile(REST, lambda: later.append(append(client, url, REST, at=1000)))
    assert problem(append(client, url, body, at=1000, upload_complete=complete)) == (423, "taken_over")
    assert (later[0].status_code, later[0]["Upload-Complete"]) == (201, "?1")
    assert asset_at(url).sha256 == hashlib.sha256(PICTURE).hexdigest()


def test_the_connection_of_a_terminated_request_is_ended(client: Client, url: str) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        client.defaults["gunicorn.socket"] = ours
        body = Meanwhile(REST, lambda: retrieve(client, url))
        assert problem(append(client, url, body, at=1000)) == (423, "taken_over")
        assert theirs.recv(1) == b""


@pytest.mark.each_storage
def test_what_a_terminated_request_had_made_safe_counts(client: Client, url: str, restless: None) -> None:
    later: list[Any] = []
    body = Meanwhile(REST, lambda: later.append(append(client, url, REST, at=1000)))
    answer = append(client, url, body, at=1000, upload_complete="?0")
    assert problem(later[0]) == (409, "offset_mismatch")
    assert later[0]["Upload-Offset"] == str(1000 + 65_536)
    assert (answer.status_code, answer["Upload-Offset"]) == (204, str(len(PICTURE)))


@pytest.mark.each_storage
@COMPLETE
@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_an_offset_that_is_told_holds_though_another_request_is_in_progress(
    method: str, complete: str, client: Client, url: str, restless: None
) -> None:
    told: list[int] = []
    body = Meanwhile(REST, lambda: told.append(int(send(client, method, url)["Upload-Offset"])))
    assert problem(append(client, url, body, at=1000, upload_complete=complete)) == (423, "taken_over")
    (offset,) = told
    assert offset == 1000 + 65_536
    assert append(client, url, PICTURE[offset:], at=offset)["Upload-Complete"] == "?1"
    assert asset_at(url).sha256 == hashlib.sha256(PICTURE).hexdigest()


def test_a_user_who_may_only_view_stops_no_upload(client: Client, staff: User, url: str, restless: None) -> None:
    onlooker = Client()
    onlooker.force_login(staff)
    asked: list[Any] = []
    body = Meanwhile(REST, lambda: asked.append(retrieve(onlooker, url)))
    assert append(client, url, body, at=1000)["Upload-Complete"] == "?1"
    assert (asked[0].status_code, asked[0]["Upload-Offset"]) == (204, str(1000 + 65_536))


@pytest.mark.each_storage
def test_a_file_put_in_its_place_by_a_terminated_request_is_taken_up_again(client: Client, url: str) -> None:
    body = Meanwhile(REST, lambda: retrieve(client, url))
    append(client, url, body, at=1000)
    assert append(client, url, REST, at=1000)["Upload-Complete"] == "?1"
    assert asset_at(url).sha256 == hashlib.sha256(PICTURE).hexdigest()


@COMPLETE
def test_a_later_request_terminates_the_creation_in_progress(complete: str, client: Client) -> None:
    def ask() -> None:
        retrieve(client, f"{UPLOADS}{Upload.objects.get().pk}/")

    answer = create(client, Meanwhile(PICTURE, ask), upload_complete=complete)
    assert problem(answer) == (423, "taken_over")
    url = f"{UPLOADS}{Upload.objects.get().pk}/"
    assert append(client, url, PICTURE)["Upload-Complete"] == "?1"
    assert asset_at(url).sha256 == hashlib.sha256(PICTURE).hexdigest()


@pytest.mark.each_storage
@COMPLETE
def test_a_cancellation_terminates_the_append_in_progress(
    complete: str, client: Client, url: str, stored: Stored
) -> None:
    body = Meanwhile(REST, lambda: cancel(client, url))
    assert problem(append(client, url, body, at=1000, upload_complete=complete)) == (410, "upload_gone")
    assert not FileAsset.objects.exists()
    assert stored() == []


@pytest.mark.each_storage
@COMPLETE
def test_a_cancellation_terminates_the_creation_in_progress(complete: str, client: Client, stored: Stored) -> None:
    body = Meanwhile(PICTURE, lambda: cancel(client, f"{UPLOADS}{Upload.objects.get().pk}/"))
    assert problem(create(client, body, upload_complete=complete)) == (410, "upload_gone")
    assert not FileAsset.objects.exists()
    assert stored() == []


@pytest.mark.each_storage
def test_an_upload_that_completes_while_it_is_asked_about_says_so(
    client: Client, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt = resuming.interrupt

    def too_late(user: Any, upload: Upload) -> bool:
        append(client, url, REST, at=1000)
        return interrupt(user, upload)

    monkeypatch.setattr("django_largefiles.doors.resumable.ietf.interrupt", too_late)
    assert retrieve(client, url)["Upload-Complete"] == "?1"
    assert asset_at(url).state == State.RECEIVED
