from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from django_largefiles.models import FileAsset, Upload
from tests.conftest import Largefiles, png
from tests.doors.resumable.ietf_client import append, begun, cancel, create, kept, problem, refused, retrieve, unknown

pytestmark = pytest.mark.django_db(transaction=True)

Stored = Callable[[], list[str]]
PICTURE = png(padding=200_000)


@pytest.fixture
def client(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


@pytest.fixture
def url(client: Client) -> str:
    return begun(client, PICTURE[:1000])


@pytest.mark.each_storage
def test_a_cancelled_upload_leaves_nothing_behind(client: Client, url: str, stored: Stored) -> None:
    assert stored()
    answer = cancel(client, url)
    assert (answer.status_code, answer.content) == (204, b"")
    assert not FileAsset.objects.exists()
    assert stored() == []


def test_a_cancelled_upload_takes_no_further_request(client: Client, url: str) -> None:
    cancel(client, url)
    answers = [retrieve(client, url), append(client, url, PICTURE[1000:], at=1000), cancel(client, url)]
    assert [refused(answer) for answer in answers] == [404, 404, 404]


@pytest.mark.each_storage
def test_a_complete_upload_can_be_deleted(client: Client, stored: Stored) -> None:
    assert cancel(client, create(client, PICTURE)["Location"]).status_code == 204
    assert stored() == []


def test_both_spellings_of_an_upload_can_be_cancelled(client: Client, url: str) -> None:
    assert cancel(client, url + "/").status_code == 204


def test_what_has_expired_is_gone(client: Client, url: str) -> None:
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert problem(cancel(client, url)) == (410, "upload_gone")


def test_what_is_not_there_is_not_found(client: Client, url: str) -> None:
    assert problem(cancel(client, unknown(url))) == (404, "not_found")


def test_another_s_upload_is_not_found_and_stays(client: Client, url: str, stranger: User) -> None:
    before = kept(url)
    client.force_login(stranger)
    assert problem(cancel(client, url)) == (404, "not_found")
    assert kept(url) == before


def test_the_access_policy_may_forbid_it(client: Client, url: str, largefiles: Largefiles) -> None:
    before = kept(url)
    largefiles.set(ACCESS_POLICY="tests.policies.LookButDoNotTouch")
    assert problem(cancel(client, url)) == (403, "not_permitted")
    assert kept(url) == before
