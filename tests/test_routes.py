"""The paths of the package's views, however a project includes them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import find_spec
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import NoReverseMatch, include, path
from pytest_django.fixtures import Settings

from django_largefiles.checks.urls import check_urls
from django_largefiles.exceptions import ConfigurationError
from django_largefiles.models import FileAsset
from django_largefiles.routes import API, VIEWS, is_included, path_to, reverse_view
from django_largefiles.views import download
from tests.doors.resumable.tus_client import Tus

FILES = path("files/", include("django_largefiles.urls"))
SHOP = path("shop/", include(([path("one/", download, name="one"), FILES], "shop")))

Route = Callable[..., None]


@pytest.fixture
def route(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Route:
    def route(*patterns: Any) -> None:
        module = ModuleType("tests.routed")
        module.urlpatterns = list(patterns)  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)
        settings.ROOT_URLCONF = module.__name__

    return route


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ([FILES], "/files/uploads/"),
        ([path("", include([FILES]))], "/files/uploads/"),
        ([SHOP], "/shop/files/uploads/"),
        ([path("a/", include(([SHOP], "a"), namespace="other"))], "/a/shop/files/uploads/"),
        ([path("a/", include(([SHOP], "a"))), SHOP], "/shop/files/uploads/"),
        ([SHOP, FILES], "/files/uploads/"),
    ],
    ids=["alone", "without a namespace", "in an app", "in an app in another", "twice in apps", "in an app and alone"],
)
def test_the_path_leads_to_the_view(patterns: list[Any], expected: str, route: Route) -> None:
    route(*patterns)
    assert path_to("uploads") == reverse_view(VIEWS) == expected
    assert is_included(VIEWS)


@pytest.mark.parametrize(
    "patterns", [[], [path("shop/", include(([], "shop")))], [path("<slug:tenant>/", include([FILES]))]]
)
def test_no_path_leads_to_the_view(patterns: list[Any], route: Route) -> None:
    route(*patterns)
    assert not is_included(VIEWS)
    with pytest.raises(ConfigurationError, match="under a prefix without arguments"):
        path_to("uploads")
    with pytest.raises(NoReverseMatch):
        reverse_view(VIEWS)


def test_an_instance_may_be_preferred(route: Route) -> None:
    route(FILES, path("other/", include("django_largefiles.urls", namespace="other")))
    assert path_to("uploads") == "/files/uploads/"
    assert path_to("uploads", current_app="other") == "/other/uploads/"


@pytest.mark.django_db
def test_files_work_in_an_app_of_the_hosts(route: Route, client: Client, ready: FileAsset) -> None:
    route(SHOP)
    assert [message.id for message in check_urls()] == []
    assert ready.url == f"/shop/files/assets/{ready.pk}/download/"
    client.force_login(ready.owner)  # type: ignore[arg-type]
    for url in (ready.url, ready.signed_url()):
        assert len(b"".join(client.get(url))) == ready.size
    created = Tus(client).post(url=path_to("uploads"), upload_length="10")
    assert created["Location"].startswith("http://testserver/shop/files/uploads/")


@pytest.mark.skipif(find_spec("rest_framework") is None, reason="Django REST framework is not installed")
def test_the_api_is_found_in_an_app_of_the_hosts(route: Route) -> None:
    route(path("shop/", include(([path("api/", include("django_largefiles.api.urls"))], "shop"))))
    assert is_included(API)
    assert reverse_view("largefiles-api:asset-detail", uuid4()).startswith("/shop/api/assets/")
