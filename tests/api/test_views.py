"""View sets as a host subclasses them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from io import BytesIO
from types import ModuleType
from typing import Any

import pytest
from django import urls
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import Http404
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

pytest.importorskip("rest_framework", reason="Django REST framework is not installed")

from rest_framework import serializers
from rest_framework.permissions import BasePermission, DjangoModelPermissions
from rest_framework.routers import DefaultRouter, SimpleRouter
from rest_framework.throttling import ScopedRateThrottle
from rest_framework.versioning import URLPathVersioning

from django_largefiles.api.base import ApiViewSet
from django_largefiles.api.direct import DirectUploadViewSet
from django_largefiles.api.serializers import AssetSerializer, UploadSerializer
from django_largefiles.api.views import AssetViewSet
from django_largefiles.models import FileAsset, FileAssetQuerySet
from django_largefiles.states import State
from tests.conftest import png
from tests.multipart import END, CountingBody, field, file, post_arguments
from tests.snippets.claims import claim
from tests.snippets.running import run

SUBCLASS = claim("docs/rest-api.rst", "class OwnedAssetViewSet(AssetViewSet):")

pytestmark = pytest.mark.django_db(transaction=True)

Route = Callable[[type[AssetViewSet]], None]
RouteAs = Callable[[list[Any]], None]


@pytest.fixture
def client(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


@pytest.fixture
def route_as(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> RouteAs:
    """Serve these URLs alone."""

    def route_as(patterns: list[Any]) -> None:
        module = ModuleType("tests.api.routed")
        module.urlpatterns = patterns  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)
        settings.ROOT_URLCONF = module.__name__

    return route_as


@pytest.fixture
def route(route_as: RouteAs) -> Route:
    """Serve a view set at ``/assets/``."""

    def route(view_set: type[AssetViewSet]) -> None:
        router = SimpleRouter(use_regex_path=False)
        router.register("assets", view_set, basename="asset")
        route_as(router.urls)

    return route


def upload(client: Client, *fields: bytes) -> Any:
    return client.generic("POST", "/assets/", **post_arguments(CountingBody(b"".join(fields) + file(png()) + END)))


class TitledUploadSerializer(UploadSerializer):
    caption = serializers.CharField()

    def create(self, validated_data: dict[str, Any]) -> FileAsset:
        caption = validated_data.pop("caption")
        asset = super().create(validated_data)
        asset.title = caption
        return asset


class TitledAssetSerializer(AssetSerializer):
    class Meta(AssetSerializer.Meta):
        fields = ("id", "title", "owner")


class IdSerializer(AssetSerializer):
    class Meta(AssetSerializer.Meta):
        fields = ("id",)


class TitledAssetViewSet(AssetViewSet):
    serializer_class = TitledAssetSerializer
    status_serializer_class = IdSerializer
    upload_serializer_class = TitledUploadSerializer
    deleted: list[str] = []

    def perform_create(self, serializer: serializers.Serializer[Any]) -> FileAsset:
        asset = super().perform_create(serializer)
        asset.save(update_fields=["title"])
        return asset

    def perform_destroy(self, asset: FileAsset) -> None:
        self.deleted.append(asset.title)
        super().perform_destroy(asset)


def test_a_host_has_serializers_and_steps_of_its_own(client: Client, route: Route, owner: User) -> None:
    route(TitledAssetViewSet)
    made = upload(client, field("caption", "A holiday"))
    asset = FileAsset.objects.get()
    location = f"http://testserver/assets/{asset.pk}/"
    assert (made.status_code, made["Location"]) == (201, location)
    assert made.json() == {"id": str(asset.pk), "title": "A holiday", "owner": owner.pk}
    assert client.get(location).json() == made.json()
    assert client.get(f"{location}status/").json() == {"id": str(asset.pk)}
    assert client.delete(location).status_code == 204
    assert TitledAssetViewSet.deleted == ["A holiday"]
    assert not FileAsset.objects.exists()


def test_its_serializer_of_the_form_is_asked(client: Client, route: Route) -> None:
    route(TitledAssetViewSet)
    answer = upload(client)
    assert (answer.status_code, answer.json()["errors"]) == (400, {"caption": ["This field is required."]})
    assert not FileAsset.objects.exists()


def test_the_view_set_of_the_documentation(client: Client, route: Route, owner: User) -> None:
    seen = list[Any]()
    route(run(SUBCLASS, audit=lambda *about, by: seen.append((*about, by)))["OwnedAssetViewSet"])
    answer = upload(client)
    assert (answer.status_code, answer.json()["owner"], answer.json()["name"]) == (201, owner.pk, "picture.png")
    assert seen == [("uploaded", FileAsset.objects.get(), owner)]
    assert upload(Client()).json()["code"] == "not_authenticated"


class ReadOnly(BasePermission):
    def has_permission(self, request: object, view: Any) -> bool:
        return view.action in {"list", "retrieve", "metadata"}


class ReadOnlyAssetViewSet(AssetViewSet):
    permission_classes = [ReadOnly]


def test_permissions_know_the_action(client: Client, route: Route) -> None:
    route(ReadOnlyAssetViewSet)
    assert client.get("/assets/").status_code == 200
    assert client.options("/assets/").status_code == 200
    answer = upload(client)
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")


class TestThrottles:
    @pytest.fixture(autouse=True)
    def _rates(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        rates = {"largefiles-create": "1/hour", "mine": "1/hour"}
        settings.REST_FRAMEWORK = {**getattr(settings, "REST_FRAMEWORK", {}), "DEFAULT_THROTTLE_RATES": rates}
        # The framework reads the rates when it is imported.
        monkeypatch.setattr(ScopedRateThrottle, "THROTTLE_RATES", rates)
        yield
        cache.clear()

    def test_an_action_has_a_scope_if_there_is_a_rate_for_it(self, client: Client, route: Route) -> None:
        class ThrottledAssetViewSet(AssetViewSet):
            throttle_classes = [ScopedRateThrottle]

        route(ThrottledAssetViewSet)
        assert [upload(client).status_code for _ in range(2)] == [201, 429]
        assert [client.get("/assets/").status_code for _ in range(2)] == [200, 200]
        answer = upload(client)
        assert answer.json()["code"] == "throttled"
        assert int(answer["Retry-After"]) > 3000

    def test_a_host_names_a_scope_of_its_own(self, client: Client, route: Route) -> None:
        class ThrottledAssetViewSet(AssetViewSet):
            throttle_classes = [ScopedRateThrottle]
            throttle_scope = "mine"

        route(ThrottledAssetViewSet)
        assert [client.get("/assets/").status_code for _ in range(2)] == [200, 429]


class NotThisOne(BasePermission):
    def has_object_permission(self, request: object, view: object, asset: Any) -> bool:
        return asset.title != "guarded"


class GuardedAssetViewSet(AssetViewSet):
    permission_classes = [NotThisOne]


class FilmsViewSet(AssetViewSet):
    def get_queryset(self) -> FileAssetQuerySet:
        return super().get_queryset().filter(profile="videos")


ACTIONS = [
    ("get", ""),
    ("get", "status/"),
    ("get", "download/"),
    ("post", "reprocess/"),
    ("delete", ""),
]
"""Of one asset."""


@pytest.mark.parametrize(("method", "path"), ACTIONS)
def test_permissions_of_objects_are_asked(
    method: str, path: str, client: Client, route: Route, ready: FileAsset
) -> None:
    route(GuardedAssetViewSet)
    FileAsset.objects.filter(pk=ready.pk).update(title="guarded")
    answer = client.generic(method.upper(), f"/assets/{ready.pk}/{path}")
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
    assert FileAsset.objects.get(pk=ready.pk).state == State.READY
    FileAsset.objects.filter(pk=ready.pk).update(title="")
    with closing(client.generic(method.upper(), f"/assets/{ready.pk}/{path}")) as answer:
        assert answer.status_code < 300


@pytest.mark.parametrize(("method", "path"), ACTIONS)
def test_an_asset_that_the_view_set_leaves_out_is_not_there(
    method: str, path: str, client: Client, route: Route, ready: FileAsset
) -> None:
    route(FilmsViewSet)
    answer = client.generic(method.upper(), f"/assets/{ready.pk}/{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert FileAsset.objects.get(pk=ready.pk).state == State.READY
    FileAsset.objects.filter(pk=ready.pk).update(profile="videos")
    with closing(client.generic(method.upper(), f"/assets/{ready.pk}/{path}")) as answer:
        assert answer.status_code < 300


def test_an_asset_of_anothers_is_not_there_in_a_view_set_of_the_hosts(
    client: Client, route: Route, ready: FileAsset, stranger: User
) -> None:
    route(FilmsViewSet)
    FileAsset.objects.update(profile="videos", owner=stranger)
    assert client.get("/assets/").json()["results"] == []
    assert client.get(f"/assets/{ready.pk}/").status_code == 404


def test_the_owner_of_an_asset_costs_no_query_for_permissions(client: Client, ready: FileAsset) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(f"/api/assets/{ready.pk}/").status_code == 200
    assert not [query for query in queries.captured_queries if "auth_permission" in query["sql"]]


@pytest.mark.parametrize("view_set", [AssetViewSet, DirectUploadViewSet])
def test_permissions_of_the_model_are_asked(
    view_set: type[ApiViewSet], client: Client, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view_set, "permission_classes", [DjangoModelPermissions])
    path = "/api/assets/" if view_set is AssetViewSet else "/api/direct-uploads/"
    assert client.post(path, {}, "application/json").json()["code"] == "permission_denied"
    owner.user_permissions.add(Permission.objects.get(codename="add_fileasset"))
    assert client.post(path, {}, "application/json").json()["code"] != "permission_denied"


SUFFIXED = [
    ("get", ".json"),
    ("get", "/status.json"),
    ("get", "/download.json"),
    ("post", "/reprocess.json"),
    ("delete", ".json"),
]


@pytest.mark.parametrize(("method", "path"), SUFFIXED)
def test_a_router_may_add_suffixes(
    method: str, path: str, client: Client, route_as: RouteAs, ready: FileAsset
) -> None:
    router = DefaultRouter(use_regex_path=False)
    router.register("assets", AssetViewSet, basename="asset")
    route_as(router.urls)
    with closing(client.generic(method.upper(), f"/assets/{ready.pk}{path}")) as answer:
        assert answer.status_code < 300


def test_the_location_of_a_new_asset_has_no_suffix(client: Client, route_as: RouteAs) -> None:
    router = DefaultRouter(use_regex_path=False)
    router.register("assets", AssetViewSet, basename="asset")
    route_as(router.urls)
    made = client.generic("POST", "/assets.json", **post_arguments(CountingBody(file(png()) + END)))
    assert (made.status_code, made["Location"]) == (201, f"http://testserver/assets/{FileAsset.objects.get().pk}/")


@pytest.mark.parametrize("versioning", [None, URLPathVersioning])
@pytest.mark.parametrize(("method", "path"), ACTIONS)
def test_the_urls_may_be_included_under_a_variable_prefix(
    method: str,
    path: str,
    versioning: type[URLPathVersioning] | None,
    client: Client,
    route_as: RouteAs,
    ready: FileAsset,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(AssetViewSet, "versioning_class", versioning)
    route_as([urls.path("<str:version>/", urls.include("django_largefiles.api.urls"))])
    with closing(client.generic(method.upper(), f"/v1/assets/{ready.pk}/{path}")) as answer:
        assert answer.status_code < 300
    assert client.get("/v1/assets/none/").json()["code"] == "not_found"


@pytest.mark.parametrize("versioning", [None, URLPathVersioning])
def test_the_location_of_a_new_asset_has_the_prefix_of_the_request(
    versioning: type[URLPathVersioning] | None, client: Client, route_as: RouteAs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AssetViewSet, "versioning_class", versioning)
    route_as([urls.path("<str:version>/", urls.include("django_largefiles.api.urls"))])
    made = client.generic("POST", "/v1/assets/", **post_arguments(CountingBody(file(png()) + END)))
    assert (made.status_code, made["Location"]) == (201, f"http://testserver/v1/assets/{FileAsset.objects.get().pk}/")


@pytest.mark.parametrize(
    ("error", "status", "code"), [(Http404, 404, "not_found"), (PermissionDenied, 403, "permission_denied")]
)
def test_errors_of_django_are_problems_too(
    error: type[Exception], status: int, code: str, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Raising(BasePermission):
        def has_permission(self, request: object, view: object) -> bool:
            raise error

    monkeypatch.setattr(AssetViewSet, "permission_classes", [Raising])
    answer = client.get("/api/assets/")
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert answer.json()["code"] == code


@pytest.fixture
def _without_anonymous_users(settings: Settings) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "UNAUTHENTICATED_USER": None}


@pytest.mark.usefixtures("_without_anonymous_users")
@pytest.mark.parametrize(("path", "status"), [("assets/", 200), ("assets/{pk}/", 404), ("assets/{pk}/download/", 404)])
def test_a_framework_without_anonymous_users_may_read(path: str, status: int, ready: FileAsset) -> None:
    assert Client().get(f"/api/{path.format(pk=ready.pk)}").status_code == status


@pytest.mark.usefixtures("_without_anonymous_users")
@pytest.mark.parametrize(
    ("path", "code", "headers"),
    [
        ("/api/assets/", "not_authenticated", {}),
        ("/api/direct-uploads/", "not_authenticated", {}),
        ("/files/uploads/", "not_permitted", {"Tus-Resumable": "1.0.0", "Upload-Length": "10"}),
    ],
)
def test_a_framework_without_anonymous_users_refuses_uploads(path: str, code: str, headers: dict[str, str]) -> None:
    if path == "/api/assets/":
        answer = Client().post(path, {"file": BytesIO(png())})
    else:
        body = b'{"name": "picture.png", "size": 5}' if path.startswith("/api/") else b""
        answer = Client().post(path, body, "application/json", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, code)
