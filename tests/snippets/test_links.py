"""The views and the template of the page about signed links."""

from __future__ import annotations

import json
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.test import RequestFactory
from django.urls import include, path
from pytest_django.fixtures import Settings

from django_largefiles.models import FileAsset
from tests.snippets.claims import claim
from tests.snippets.running import run

VIEWS = claim("docs/links.rst", "def watch(request, number):")
TEMPLATE = claim("docs/links.rst", '<video src="{{ source }}" controls></video>')
INSTANCE = claim("docs/links.rst", 'asset.signed_url(current_app="intranet")')

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _template(settings: Settings) -> None:
    engine: dict[str, Any] = {**settings.TEMPLATES[0], "APP_DIRS": False}
    loader = ("django.template.loaders.locmem.Loader", {"watch.html": TEMPLATE.text})
    settings.TEMPLATES = [{**engine, "OPTIONS": {**engine["OPTIONS"], "loaders": [loader]}}]


@pytest.fixture
def views(ready: FileAsset) -> dict[str, Any]:
    films = Mock()
    films.get.return_value = SimpleNamespace(asset=ready)
    return run(VIEWS, Film=SimpleNamespace(_default_manager=SimpleNamespace(all=lambda: films)))


def get(user: User) -> HttpRequest:
    request = RequestFactory().get("/")
    request.user = user
    return request


def test_a_view_shows_a_film_by_a_link(views: dict[str, Any], owner: User, ready: FileAsset) -> None:
    page = views["watch"](get(owner), 7).content.decode()
    assert f'<video src="{ready.signed_url(disposition="inline")}" controls>' in page
    assert f'<a href="{ready.url}">picture.png</a>' in page


def test_a_view_gives_an_absolute_link(views: dict[str, Any], owner: User) -> None:
    answer = json.loads(views["share"](get(owner), 7).content)
    assert answer["link"].startswith("http://testserver/files/links/")


def test_a_link_of_an_instance(ready: FileAsset, settings: Settings) -> None:
    module: Any = ModuleType("urls")
    module.urlpatterns = [
        path("intranet/", include("django_largefiles.urls", namespace="intranet")),
        path("files/", include("django_largefiles.urls")),
    ]
    settings.ROOT_URLCONF = module
    made: list[str] = []
    asset = SimpleNamespace(signed_url=lambda **values: made.append(ready.signed_url(**values)))
    run(INSTANCE, asset=asset)
    assert made[0].startswith("/intranet/links/")
