"""Views, URLs and templates of the documentation."""

from __future__ import annotations

from contextlib import closing
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from django import forms
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.messages import get_messages
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.sessions.backends.db import SessionStore
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.test import RequestFactory
from django.urls import include, path, reverse
from pytest_django.fixtures import Settings

from django_largefiles.decorators import receive_files
from django_largefiles.models import FileAsset
from django_largefiles.states import State
from tests.conftest import EXECUTABLE, Largefiles, png
from tests.snippets.blocks import Block
from tests.snippets.claims import claim
from tests.snippets.running import run, urlconf

API_URLS = claim("docs/rest-api.rst", "urlpatterns = [")
PACKAGE_URLS = claim("docs/installation.rst", 'urlpatterns += [path("files/", include("django_largefiles.urls"))]')
RESUMABLE_URLS = claim("docs/resumable.rst", "urlpatterns = [")
VIEW = claim("docs/uploads.rst", 'return redirect("video", file.accept().pk)')
TEMPLATE = claim("docs/uploads.rst", '<form method="post" enctype="multipart/form-data">')
FORM_VIEW = claim("docs/uploads.rst", "form = VideoForm(request.POST or None, request.FILES or None)")
VIEW_OF_SEVERAL = claim("docs/uploads.rst", '@receive_files(profile="photos", max_files=20)')
VIEW_FOR_USERS = claim("docs/uploads.rst", "def upload(request): ...")
VIEW_WITH_A_HOOK = claim("docs/uploads.rst", "def back_to_the_form(request, error):")
DELIVERY = claim("docs/uploads.rst", "def invoice(request, number):")

SHORTCUTS = {"login_required": login_required, "receive_files": receive_files, "redirect": redirect, "render": render}

urlpatterns = [
    path("files/", include("django_largefiles.urls")),
    path("photos/", HttpResponse, name="photos"),
    path("photos/upload/", HttpResponse, name="upload"),
    path("videos/<uuid:asset_id>/", HttpResponse, name="video"),
]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls(__name__)]


@pytest.fixture(autouse=True)
def _project(settings: Settings, largefiles: Largefiles) -> None:
    """The profiles and the template that the views of the documentation name."""
    engine: dict[str, Any] = {**settings.TEMPLATES[0], "APP_DIRS": False}
    loader = ("django.template.loaders.locmem.Loader", {"upload.html": TEMPLATE.text})
    settings.TEMPLATES = [{**engine, "OPTIONS": {**engine["OPTIONS"], "loaders": [loader]}}]
    largefiles.set(PROFILES={"videos": {"ALLOWED_MIME_TYPES": ["image/*"]}, "photos": {}})


def post(user: User | AnonymousUser, *contents: bytes, field: str = "file") -> HttpRequest:
    files = [SimpleUploadedFile(f"{number}.png", content, "image/png") for number, content in enumerate(contents)]
    return _by(user, RequestFactory().post("/", {field: files}))


def get(user: User) -> HttpRequest:
    return _by(user, RequestFactory().get("/"))


def _by(user: User | AnonymousUser, request: HttpRequest) -> HttpRequest:
    request.user = user
    # As Django's test client does.
    request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
    return request


def test_a_view_takes_a_file_and_shows_its_form(owner: User) -> None:
    upload = run(VIEW)["upload"]
    answer = upload(post(owner, png()))
    asset = FileAsset.objects.get()
    assert (asset.state, asset.owner) == (State.RECEIVED, owner)
    assert answer.url == reverse("video", args=[asset.pk])
    shown = upload(get(owner)).content.decode()
    assert shown.index("csrfmiddlewaretoken") < shown.index('type="file"')


class Video:
    asset: FileAsset

    def save(self) -> None:
        assert self.asset.state == State.RECEIVED

    def get_absolute_url(self) -> str:
        return f"/videos/{self.asset.pk}/"


class VideoForm(forms.Form):
    file = forms.FileField()

    def save(self, *, commit: bool) -> Video:
        assert not commit
        return Video()


def test_a_view_validates_its_form_first(owner: User) -> None:
    upload = run(FORM_VIEW, VideoForm=VideoForm, **SHORTCUTS)["upload"]
    answer = upload(post(owner, png()))
    assert answer.url == f"/videos/{FileAsset.objects.get().pk}/"
    assert upload(get(owner)).status_code == 200


def test_a_view_takes_several_files(owner: User) -> None:
    answer = run(VIEW_OF_SEVERAL, **SHORTCUTS)["upload"](post(owner, png(), png(4, 4), field="files"))
    assert (FileAsset.objects.count(), answer.url) == (2, "/photos/")


def test_a_view_answers_refusals_by_a_redirect(owner: User) -> None:
    request = post(owner, EXECUTABLE)
    request.session = SessionStore()
    request._messages = FallbackStorage(request)  # type: ignore[attr-defined]  # as the middleware does
    answer = run(VIEW_WITH_A_HOOK)["upload"](request)
    assert (answer.status_code, answer.url) == (302, "/photos/upload/")
    assert "This is a program, not an image." in str(next(iter(get_messages(request))))


def test_a_view_for_users_asks_strangers_to_log_in() -> None:
    answer = run(VIEW_FOR_USERS, **SHORTCUTS)["upload"](post(AnonymousUser(), png()))
    assert (answer.status_code, FileAsset.objects.count()) == (302, 0)


def test_a_view_delivers_an_asset(owner: User, ready: FileAsset) -> None:
    invoices = Mock()
    invoices.get.return_value = SimpleNamespace(asset=ready)
    model = SimpleNamespace(_default_manager=SimpleNamespace(all=lambda: invoices))
    answer = run(DELIVERY, Invoice=model)["invoice"](get(owner), 4711)
    invoices.get.assert_called_once_with(number=4711, customer=owner)
    with closing(answer):
        assert answer.getvalue() == png()


@pytest.mark.parametrize(
    ("block", "name", "url"),
    [
        (API_URLS, "largefiles-api:asset-list", "/api/assets/"),
        (PACKAGE_URLS, "largefiles:uploads", "/files/uploads/"),
        (RESUMABLE_URLS, "largefiles:uploads", "/files/uploads/"),
    ],
    ids=str,
)
def test_urls_lead_to_the_package(block: Block, name: str, url: str, settings: Settings) -> None:
    pytest.importorskip("rest_framework", reason="Django REST framework is not installed")
    settings.ROOT_URLCONF = urlconf(block, include=include, path=path, urlpatterns=[])
    assert reverse(name) == url
