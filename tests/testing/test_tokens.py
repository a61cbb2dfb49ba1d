"""Tokens of made assets, which forms take from the test client that they were made for."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import path
from pytest_django.fixtures import Settings

from django_largefiles import upload_tokens
from django_largefiles.exceptions import NotPermitted, UploadTokenOfAnotherSession, UploadTokenOfAnotherUser
from django_largefiles.testing import make_asset, upload_token

pytestmark = pytest.mark.django_db


def submit(request: HttpRequest) -> HttpResponse:
    """Take the token of a form."""
    return HttpResponse(str(upload_tokens.read(request.POST["video"], request).asset_id))


urlpatterns = [path("submit/", submit)]


@pytest.fixture(autouse=True)
def _urls(settings: Settings) -> None:
    settings.ROOT_URLCONF = __name__


def taken(client: Client, token: str) -> str:
    return client.post("/submit/", {"video": token}).content.decode()


@pytest.mark.parametrize("engine", ["db", "signed_cookies"])
@pytest.mark.parametrize("logged_in", [True, False], ids=["user", "anonymous"])
def test_the_form_of_the_client_takes_it(
    logged_in: bool, engine: str, client: Client, owner: User, settings: Settings
) -> None:
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    if logged_in:
        client.force_login(owner)
    asset = make_asset(attachment="provisional")
    assert taken(client, upload_token(client, asset)) == str(asset.pk)
    assert taken(client, upload_token(client, asset)) == str(asset.pk)


def test_the_forms_of_others_do_not(client: Client, owner: User, stranger: User) -> None:
    client.force_login(owner)
    token = upload_token(client, make_asset(attachment="provisional"))
    client.force_login(stranger)
    with pytest.raises(UploadTokenOfAnotherUser):
        taken(client, token)
    another = Client()
    another.force_login(owner)
    with pytest.raises(UploadTokenOfAnotherSession):
        taken(another, token)


def test_it_is_made_for_a_request(rf: RequestFactory, owner: User) -> None:
    request = rf.post("/")
    request.user = owner
    asset = make_asset(attachment="provisional")
    assert upload_tokens.read(upload_token(request, asset), request).asset_id == asset.pk


def test_a_request_of_nobody_has_none(rf: RequestFactory) -> None:
    request = rf.post("/")
    request.user = AnonymousUser()
    with pytest.raises(NotPermitted):
        upload_token(request, make_asset())
