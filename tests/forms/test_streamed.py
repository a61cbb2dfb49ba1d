"""Files that come with a form and go to the store while they arrive, in decorated views."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django import forms
from django.contrib.auth.models import User
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone

from django_largefiles import lifecycle
from django_largefiles.forms import AssetFormField
from django_largefiles.models import FileAsset, Usage
from django_largefiles.options import MIB
from django_largefiles.states import Attachment, State
from tests.conftest import EXECUTABLE, png
from tests.films.models import Film
from tests.forms.pages import Inputs
from tests.multipart import END, CountingBody, field, file, post_arguments

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.forms.views")]

Stored = Callable[[], list[str]]
PICTURE = png(padding=3 * MIB)
TITLE, NOTES = field("title", "Metropolis"), field("notes", "silent")


@pytest.fixture
def client(owner: User) -> Client:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    return client


def hidden(client: Client, url: str, *, but: str = "") -> bytes:
    fields = Inputs(client.get(url).content.decode()).hidden
    return b"".join(field(name, value) for name, value in fields.items() if name != but)


def post(client: Client, url: str, body: bytes) -> Any:
    return client.generic("POST", url, HTTP_ACCEPT="text/html", **post_arguments(CountingBody(body)))


@pytest.mark.parametrize("url", ["/decorated/", "/default-profile/"])
def test_the_file_becomes_the_row_s(url: str, client: Client, stored: Stored) -> None:
    body = hidden(client, url) + TITLE + NOTES + file(PICTURE, name="video") + END
    assert post(client, url, body).status_code == 302
    asset = Film.objects.get().video
    assert (asset.attachment, asset.profile, stored()) == (Attachment.ATTACHED, "videos", [asset.file.name])


def test_without_a_permit_the_profile_is_the_view_s(client: Client, stored: Stored) -> None:
    url = "/default-profile/"
    body = hidden(client, url, but="video-permit") + TITLE + NOTES + file(PICTURE, name="video") + END
    assert b"This file was uploaded for another purpose." in post(client, url, body).content
    assert stored() == []
    assert not FileAsset.objects.exists()


def test_the_upload_survives_other_errors_as_a_provisional_asset(client: Client) -> None:
    body = hidden(client, "/decorated/") + TITLE + file(PICTURE, name="video") + END
    answer = post(client, "/decorated/", body)
    assert answer.status_code == 200
    asset = FileAsset.objects.get()
    assert (asset.attachment, asset.expires_at is None) == (Attachment.PROVISIONAL, False)
    token = field("video", Inputs(answer.content.decode()).hidden["video"])
    again = hidden(client, "/decorated/", but="video") + TITLE + NOTES + token + END
    assert post(client, "/decorated/", again).status_code == 302
    assert Film.objects.get().video == asset


def test_fields_behind_a_refused_file_are_marked(client: Client, stored: Stored) -> None:
    body = hidden(client, "/decorated/") + TITLE + file(EXECUTABLE, name="video") + NOTES + END
    answer = post(client, "/decorated/", body)
    page = answer.content.decode()
    assert answer.status_code == 415
    assert "This is a program, not an image." in page and "Metropolis" in page
    assert "This field was not received, because the file before it was refused." in page
    assert "This field is required." not in page
    assert stored() == []


def test_a_file_that_no_field_takes_is_discarded(client: Client, stored: Stored) -> None:
    body = hidden(client, "/decorated/") + TITLE + NOTES + file(PICTURE, name="other") + END
    assert post(client, "/decorated/", body).status_code == 200
    assert stored() == []
    assert not FileAsset.objects.exists()


def test_a_file_whose_row_is_rolled_back_is_discarded(client: Client, owner: User, stored: Stored) -> None:
    Usage.objects.create(owner=owner, checked_at=timezone.now())
    client.raise_request_exception = False
    body = hidden(client, "/decorated/") + TITLE + NOTES + file(PICTURE, name="video") + END
    assert post(client, "/failing/", body).status_code == 500
    assert (stored(), FileAsset.objects.count()) == ([], 0)
    assert Usage.objects.values_list("bytes", "files", "uploads").get() == (0, 0, 0)


def test_a_database_that_fails_leaves_the_file_to_the_sweeper(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: object, **options: object) -> bool:
        raise DatabaseError

    body = hidden(client, "/decorated/") + TITLE + NOTES + file(PICTURE, name="video") + END
    client.raise_request_exception = False
    monkeypatch.setattr(lifecycle, "discard", fail)
    assert post(client, "/failing/", body).status_code == 500
    assert "is left to the sweeper" in caplog.text
    assert FileAsset.objects.get().state == State.RECEIVING


def test_a_widget_of_the_host_s_own_keeps_the_field() -> None:
    class Plain(forms.FileInput):
        pass

    assert AssetFormField(profile="videos", widget=Plain).terms.profile == "videos"
