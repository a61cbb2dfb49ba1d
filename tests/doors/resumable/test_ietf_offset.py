from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from django_largefiles import lifecycle
from django_largefiles.models import Upload
from django_largefiles.states import Reason
from tests.conftest import IMMEDIATE, Largefiles, png
from tests.doors.resumable.ietf_client import (
    UPLOADS,
    append,
    asset_at,
    begun,
    create,
    kept,
    problem,
    refused,
    retrieve,
    send,
    unknown,
)

pytestmark = pytest.mark.django_db(transaction=True)

PICTURE = png(padding=200_000)

Ask = Callable[[Client, str], object]
ASKING = pytest.mark.parametrize("method", ["HEAD", "GET"])


@pytest.fixture
def client(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


@ASKING
def test_the_offset_and_completeness_are_told(method: str, client: Client) -> None:
    url = begun(client, PICTURE[:1000])
    state = send(client, method, url)
    assert (state.status_code, state["Upload-Offset"], state["Upload-Complete"]) == (204, "1000", "?0")
    assert state.content == b""


@ASKING
def test_the_length_is_told_once_the_client_has(method: str, client: Client) -> None:
    url = begun(client, PICTURE[:1000])
    assert "Upload-Length" not in send(client, method, url)
    append(client, url, PICTURE[1000:2000], at=1000, upload_complete="?0", upload_length=len(PICTURE))
    assert send(client, method, url)["Upload-Length"] == str(len(PICTURE))


@ASKING
def test_the_limits_are_told(method: str, client: Client) -> None:
    url = begun(client, PICTURE[:1000])
    Upload.objects.update(expires_at=timezone.now() + timedelta(seconds=100.9))
    assert send(client, method, url)["Upload-Limit"] == "max-size=5368709120, max-age=100"


@ASKING
def test_no_cache_may_keep_the_answer(method: str, client: Client) -> None:
    assert send(client, method, begun(client))["Cache-Control"] == "no-store"


@ASKING
@pytest.mark.parametrize("version", [None, "8"], ids=["as an RFC", "as a draft"])
def test_no_field_of_the_draft_s_is_needed(method: str, version: str | None, client: Client) -> None:
    url = begun(client, PICTURE[:1000])
    assert send(client, method, url, upload_draft_interop_version=version)["Upload-Offset"] == "1000"


@ASKING
def test_both_spellings_of_an_upload_answer(method: str, client: Client) -> None:
    url = begun(client, PICTURE[:1000])
    assert send(client, method, url + "/")["Upload-Offset"] == "1000"


@pytest.mark.each_storage
@ASKING
def test_an_offset_that_was_told_is_accepted(method: str, client: Client) -> None:
    url = create(client, PICTURE[:150_000], content_length=len(PICTURE))["Location"]
    offset = int(send(client, method, url)["Upload-Offset"])
    assert append(client, url, PICTURE[offset:], at=offset)["Upload-Complete"] == "?1"


def test_what_is_complete_says_so_with_its_length_and_limits(client: Client) -> None:
    state = retrieve(client, create(client, PICTURE)["Location"])
    assert (state.status_code, state["Upload-Complete"]) == (204, "?1")
    assert state["Upload-Offset"] == state["Upload-Length"] == str(len(PICTURE))
    assert (state["Upload-Limit"], state["Cache-Control"]) == ("max-size=5368709120", "no-store")


def test_all_bytes_of_the_length_do_not_make_an_upload_complete(client: Client) -> None:
    url = begun(client, PICTURE, upload_length=len(PICTURE))
    state = retrieve(client, url)
    assert (state["Upload-Offset"], state["Upload-Complete"]) == (state["Upload-Length"], "?0")


@pytest.mark.each_storage
def test_getting_what_is_ready_downloads_it(client: Client, largefiles: Largefiles) -> None:
    largefiles.set(DISPATCHER=IMMEDIATE)
    url = create(client, PICTURE)["Location"]
    assert b"".join(client.get(url)) == PICTURE


def test_getting_what_no_worker_has_seen_is_refused(client: Client) -> None:
    url = create(client, PICTURE)["Location"]
    assert problem(client.get(url)) == (409, "not_ready")


def test_asking_changes_nothing(client: Client) -> None:
    url = begun(client, PICTURE[:1000])
    before = kept(url)
    retrieve(client, url)
    client.get(url)
    assert kept(url) == before


@ASKING
def test_what_has_expired_is_gone(method: str, client: Client) -> None:
    url = begun(client, PICTURE[:1000])
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert refused(send(client, method, url)) == 410


def test_what_was_rejected_is_gone(client: Client) -> None:
    url = create(client, PICTURE)["Location"]
    claim = lifecycle.claim(asset_at(url).pk)
    assert claim
    lifecycle.reject(claim, Reason.TYPE_NOT_ALLOWED, "on a second look")
    assert refused(retrieve(client, url)) == 410


@ASKING
def test_what_is_not_there_is_not_found(method: str, client: Client) -> None:
    assert refused(send(client, method, unknown(begun(client)))) == 404


@ASKING
def test_another_s_upload_is_not_found(method: str, client: Client, stranger: User) -> None:
    url = begun(client, PICTURE[:1000])
    before = kept(url)
    client.force_login(stranger)
    assert refused(send(client, method, url)) == 404
    assert kept(url) == before


def test_what_is_no_uuid_is_no_upload(client: Client) -> None:
    assert refused(send(client, "HEAD", f"{UPLOADS}7/")) == 404
