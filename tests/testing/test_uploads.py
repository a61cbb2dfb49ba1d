"""Uploads by Django's test client, through the resumable door and through views of a project."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from pytest_django.fixtures import Settings

from django_largefiles import upload_tokens
from django_largefiles.decorators import receive_files
from django_largefiles.models import FileAsset
from django_largefiles.states import Attachment
from django_largefiles.testing import immediate_processing, upload
from tests import urls
from tests.conftest import EXECUTABLE, Largefiles, png
from tests.doors.resumable.tus_client import PICTURE

pytestmark = pytest.mark.django_db


@receive_files()
def receive(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(request.FILES["file"].accept().pk))  # type: ignore[attr-defined]


urlpatterns = [*urls.urlpatterns, path("receive/", receive)]


@pytest.fixture(autouse=True)
def _urls(settings: Settings) -> None:
    settings.ROOT_URLCONF = __name__


@pytest.fixture
def client(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


@pytest.mark.parametrize("chunk_size", [None, 4000, len(PICTURE), 100_000])
def test_a_file_is_uploaded_in_requests_of_any_size(chunk_size: int | None, client: Client, owner: User) -> None:
    with immediate_processing():
        sent = upload(client, PICTURE, name="picture.png", chunk_size=chunk_size)
    assert (sent.response.status_code, sent.asset.state) == (204, "ready")
    assert (sent.asset.owner, sent.asset.original_name, sent.asset.size) == (owner, "picture.png", len(PICTURE))


def test_an_empty_file_is_uploaded_by_one_request(client: Client, largefiles: Largefiles) -> None:
    largefiles.set(ALLOWED_MIME_TYPES=["*/*"])
    sent = upload(client, b"")
    assert (sent.response.status_code, sent.asset.size, sent.asset.original_name) == (201, 0, "unnamed")


def test_what_is_declared_reaches_the_asset(client: Client, largefiles: Largefiles) -> None:
    largefiles.set(PROFILES={"photos": {}})
    sent = upload(client, PICTURE, name="naïve.png", profile="photos", media_type="image/png", metadata={"album": "1"})
    asset = sent.asset
    assert (asset.profile, asset.declared_type, asset.original_name) == ("photos", "image/png", "naïve.png")
    assert "album MQ==" in asset.client_fields["Upload-Metadata"]


def test_an_upload_for_a_form_has_its_token(client: Client, owner: User) -> None:
    sent = upload(client, PICTURE, name="picture.png", attachment="provisional")
    request = HttpRequest()
    request.user, request.session = owner, client.session
    assert sent.asset.attachment == Attachment.PROVISIONAL
    assert upload_tokens.read(sent.token, request).asset_id == sent.asset.pk


def test_another_upload_has_none(client: Client) -> None:
    assert upload(client, PICTURE, name="picture.png").token == ""


def test_a_refusal_by_the_headers_is_the_answer(client: Client, largefiles: Largefiles) -> None:
    largefiles.set(MAX_UPLOAD_SIZE=10)
    sent = upload(client, PICTURE)
    assert (sent.response.status_code, sent.url) == (413, "")
    with pytest.raises(AssertionError, match=r"the upload was refused: 413 .*too_large"):
        assert sent.asset


def test_a_refusal_by_the_bytes_is_the_answer(client: Client) -> None:
    sent = upload(client, EXECUTABLE, name="photo.jpg", chunk_size=4000)
    assert sent.response.status_code == 415
    assert sent.response.json()["code"] == "type_not_allowed"


def test_another_url_may_be_named(client: Client, settings: Settings) -> None:
    assert upload(client, PICTURE, name="picture.png", url="/files/uploads").response.status_code == 204


@pytest.mark.parametrize("enforce_csrf_checks", [False, True])
def test_a_view_of_the_project_takes_a_form(enforce_csrf_checks: bool, owner: User) -> None:
    client = Client(enforce_csrf_checks=enforce_csrf_checks)
    client.force_login(owner)
    with immediate_processing():
        answer = client.post("/receive/", {"title": "x", "file": ContentFile(png(), "picture.png")})
    assert answer.status_code == (403 if enforce_csrf_checks else 200)
    assert [asset.state for asset in FileAsset.objects.all()] == ([] if enforce_csrf_checks else ["ready"])
