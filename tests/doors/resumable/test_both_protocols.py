"""tus and the IETF draft at one URL, before one intake."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from django_largefiles.models import FileAsset, Upload
from django_largefiles.states import State
from tests.conftest import png
from tests.doors.resumable.ietf_client import (
    UPLOADS,
    append,
    asset_at,
    begun,
    cancel,
    create,
    kept,
    problem,
    retrieve,
    send,
)

pytestmark = pytest.mark.django_db(transaction=True)

PICTURE = png(padding=5000)
LENGTH = len(PICTURE)
TUS = {"tus_resumable": "1.0.0"}


def tus(client: Client, method: str, url: str, body: bytes = b"", **fields: object) -> Any:
    return send(client, method, url, body, **TUS, **fields)


def tus_append(client: Client, url: str, body: bytes, *, at: int) -> Any:
    return tus(client, "PATCH", url, body, content_type="application/offset+octet-stream", upload_offset=at)


@pytest.fixture
def client(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


@pytest.fixture
def of_tus(client: Client) -> str:
    """An upload begun by tus, with its first thousand bytes."""
    url: str = tus(client, "POST", UPLOADS, upload_length=LENGTH)["Location"]
    tus_append(client, url, PICTURE[:1000], at=0)
    return url


@pytest.fixture
def of_the_draft(client: Client) -> str:
    return begun(client, PICTURE[:1000], upload_length=LENGTH)


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_an_upload_of_tus_can_be_asked_about_by_the_draft(method: str, client: Client, of_tus: str) -> None:
    state = send(client, method, of_tus)
    assert (state["Upload-Offset"], state["Upload-Length"], state["Upload-Complete"]) == ("1000", str(LENGTH), "?0")
    assert "Tus-Resumable" not in state


@pytest.mark.each_storage
def test_an_upload_of_tus_can_be_completed_by_the_draft(client: Client, of_tus: str) -> None:
    assert append(client, of_tus, PICTURE[1000:], at=1000)["Upload-Complete"] == "?1"
    assert asset_at(of_tus).sha256 == hashlib.sha256(PICTURE).hexdigest()


def test_an_upload_of_tus_can_be_cancelled_by_the_draft(client: Client, of_tus: str) -> None:
    assert cancel(client, of_tus).status_code == 204
    assert not FileAsset.objects.exists()


def test_an_upload_of_the_draft_can_be_asked_about_by_tus(client: Client, of_the_draft: str) -> None:
    state = tus(client, "HEAD", of_the_draft)
    assert (state["Upload-Offset"], state["Upload-Length"], state["Tus-Resumable"]) == ("1000", str(LENGTH), "1.0.0")
    assert "Upload-Complete" not in state


@pytest.mark.each_storage
def test_an_upload_of_the_draft_can_be_completed_by_tus(client: Client, of_the_draft: str) -> None:
    assert tus_append(client, of_the_draft, PICTURE[1000:], at=1000).status_code == 204
    asset = asset_at(of_the_draft)
    assert (asset.state, asset.sha256) == (State.RECEIVED, hashlib.sha256(PICTURE).hexdigest())


def test_what_tus_has_completed_is_complete_for_the_draft(client: Client, of_tus: str) -> None:
    tus_append(client, of_tus, PICTURE[1000:], at=1000)
    assert retrieve(client, of_tus)["Upload-Complete"] == "?1"


def test_what_the_draft_has_completed_is_complete_for_tus(client: Client) -> None:
    state = tus(client, "HEAD", create(client, PICTURE)["Location"])
    assert state["Upload-Offset"] == state["Upload-Length"] == str(LENGTH)


@pytest.mark.parametrize("concat", ["partial", "final"])
@pytest.mark.parametrize("complete", ["?0", "?1"])
def test_what_tus_concatenates_takes_no_bytes_from_the_draft(concat: str, complete: str, client: Client) -> None:
    part = tus(client, "POST", UPLOADS, upload_length=LENGTH, upload_concat="partial")["Location"]
    url = part
    if concat == "final":
        url = tus(client, "POST", UPLOADS, upload_concat=f"final;{part}")["Location"]
    before = kept(url)
    assert problem(append(client, url, PICTURE, upload_complete=complete)) == (409, "state_conflict")
    assert kept(url) == before


def test_a_request_of_both_is_one_of_tus(client: Client) -> None:
    answer = tus(client, "POST", UPLOADS, upload_length=LENGTH, upload_complete="?1")
    assert (answer.status_code, answer["Tus-Resumable"]) == (201, "1.0.0")
    assert "Upload-Complete" not in answer
    assert Upload.objects.get().length == LENGTH


def test_options_tell_of_both(client: Client) -> None:
    answer = client.options(UPLOADS)
    assert (answer["Tus-Version"], answer["Upload-Limit"].partition(",")[0]) == ("1.0.0", "max-size=5368709120")
    assert answer["Accept-Patch"] == "application/offset+octet-stream, application/partial-upload"
