from __future__ import annotations

import json
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client, modify_settings
from pytest_django.fixtures import Settings

pytest.importorskip("drf_spectacular", reason="drf-spectacular is not installed")

from django.urls import clear_script_prefix, include, path, set_script_prefix
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.settings import spectacular_settings
from drf_spectacular.utils import extend_schema
from drf_spectacular.validation import validate_schema
from rest_framework.authentication import BasicAuthentication
from rest_framework.decorators import action
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.schemas.openapi import AutoSchema as FrameworkSchema
from rest_framework.settings import api_settings
from rest_framework.viewsets import ModelViewSet

from django_largefiles import exceptions
from django_largefiles.api.base import ApiViewSet
from django_largefiles.api.described import register_fields
from django_largefiles.api.direct import DirectUploadViewSet
from django_largefiles.api.openapi.operations import OPERATIONS
from django_largefiles.api.openapi.problems import KNOWN_CODES, code_and_status, codes_by_status, phrase
from django_largefiles.api.openapi.resumable import add_resumable_uploads
from django_largefiles.api.openapi.views import LargeFilesSchemaGenerator
from django_largefiles.api.pagination import AssetPagination
from django_largefiles.api.relations import AssetModelSerializer
from django_largefiles.api.serializers import AssetSerializer
from django_largefiles.api.urls import schema_routes
from django_largefiles.api.views import AssetViewSet
from django_largefiles.states import Reason, ScanVerdict, Stage, State
from tests.conftest import Largefiles
from tests.films.models import Album, Film, Still

SUMMARY = {"$ref": "#/components/schemas/FileAssetSummary"}

VERSIONS = pytest.mark.parametrize("version", ["3.0.3", "3.1.0", "3.2.0"])


@pytest.fixture(autouse=True)
def _no_warnings() -> Iterator[None]:
    """``spectacular --fail-on-warn`` finds nothing."""
    yield
    assert not GENERATOR_STATS, str(GENERATOR_STATS)


@pytest.fixture
def schema() -> dict[str, Any]:
    return LargeFilesSchemaGenerator().get_schema(public=True)


def generated(urlpatterns: list[Any]) -> dict[str, Any]:
    """The schema of a host with these routes."""
    return SchemaGenerator(patterns=urlpatterns).get_schema(public=True)


def routed(**view_sets: type) -> list[Any]:
    router = SimpleRouter(use_regex_path=False)
    for name, view_set in view_sets.items():
        router.register(name, view_set, basename=name)
    return router.urls


@VERSIONS
def test_the_schema_is_valid(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spectacular_settings, "OAS_VERSION", version)
    validate_schema(LargeFilesSchemaGenerator().get_schema(public=True))


def test_every_action_is_described(schema: dict[str, Any]) -> None:
    described = {operation["summary"] for item in schema["paths"].values() for operation in of(item)}
    assert {operation.summary for actions in OPERATIONS.values() for operation in actions.values()} <= described
    for view_set, actions in OPERATIONS.items():
        standard = {name for name in ("list", "create", "retrieve", "destroy") if hasattr(view_set, name)}
        extra = {method.__name__ for method in view_set.get_extra_actions()}  # type: ignore[attr-defined]
        assert set(actions) == standard | extra


def of(item: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for operation in item.values() if "operationId" in operation]


@pytest.mark.parametrize(
    ("component", "values"),
    [
        ("FileAssetState", State.values),
        ("FileAssetReason", [*Reason.values, ""]),
        ("FileAssetStage", [*Stage.values, ""]),
        ("FileAssetScanVerdict", [*ScanVerdict.values, ""]),
    ],
)
def test_enumerations_have_every_value(component: str, values: list[str], schema: dict[str, Any]) -> None:
    assert schema["components"]["schemas"][component]["enum"] == values


def test_an_upload_is_a_form_with_a_binary_file(schema: dict[str, Any]) -> None:
    content = schema["paths"]["/api/assets/"]["post"]["requestBody"]["content"]
    assert list(content) == ["multipart/form-data"]
    name = content["multipart/form-data"]["schema"]["$ref"].rpartition("/")[2]
    properties = schema["components"]["schemas"][name]["properties"]
    assert list(properties) == ["profile", "sha256", "file"]
    assert properties["file"] == {"type": "string", "format": "binary"}


def test_statuses_of_success(schema: dict[str, Any]) -> None:
    succeeds = {
        operation["operationId"]: sorted(status for status in operation["responses"] if status < "4")
        for item in schema["paths"].values()
        for operation in of(item)
    }
    assert succeeds == {
        "assets_list": ["200"],
        "assets_create": ["201"],
        "assets_retrieve": ["200"],
        "assets_destroy": ["204"],
        "assets_status": ["200"],
        "assets_download": ["200", "206", "302", "304"],
        "assets_reprocess": ["202"],
        "direct_uploads_create": ["201"],
        "direct_uploads_retrieve": ["200"],
        "direct_uploads_destroy": ["204"],
        "direct_uploads_sign": ["200"],
        "direct_uploads_complete": ["200"],
        "uploads_options": ["200"],
        "uploads_create": ["201"],
        "uploads_offset": ["200", "204"],
        "uploads_retrieve": ["200", "204", "206", "302", "304"],
        "uploads_append": ["201", "204"],
        "uploads_destroy": ["204"],
    }


def test_problems_have_the_codes_of_the_operation(schema: dict[str, Any]) -> None:
    download = schema["paths"]["/api/assets/{id}/download/"]["get"]["responses"]
    assert download["409"]["x-codes"] == ["not_ready"]
    assert "`not_ready`" in download["409"]["description"]
    assert list(download["409"]["content"]) == ["application/problem+json"]
    assert "406" not in download
    assert "Retry-After" in download["429"]["headers"]


def test_codes_are_those_of_the_errors() -> None:
    ours = {error.code for error in descendants(exceptions.Refusal) | descendants(exceptions.StoreError)}
    assert ours - set(KNOWN_CODES) <= {"refusal"}
    assert code_and_status(exceptions.NotReady) == ("not_ready", 409)
    assert codes_by_status([exceptions.TooLarge, exceptions.QuotaExceeded, exceptions.AssetNotFound]) == {
        404: ("not_found",),
        413: ("quota_exceeded", "too_large"),
    }
    assert phrase(460) == "Checksum Mismatch"


def descendants(parent: type) -> set[Any]:
    children = {child for child in parent.__subclasses__() if child.__module__ == exceptions.__name__}
    return {child for child in children if not child.__subclasses__()}.union(*map(descendants, children))


def test_filters_and_pages_of_the_list(schema: dict[str, Any]) -> None:
    parameters = {each["name"]: each for each in schema["paths"]["/api/assets/"]["get"]["parameters"]}
    assert sorted(parameters) == [
        "created_after",
        "created_before",
        "cursor",
        "ordering",
        "page_size",
        "profile",
        "sha256",
        "state",
        "type",
    ]
    assert parameters["state"]["schema"]["enum"] == State.values
    assert parameters["page_size"]["schema"] == {"type": "integer", "minimum": 1, "default": 50}
    assert parameters["created_after"]["schema"]["format"] == "date-time"


def test_without_a_challenge_the_status_is_403(monkeypatch: pytest.MonkeyPatch) -> None:
    def responses() -> dict[str, Any]:
        found: dict[str, Any] = generated(routed(assets=AssetViewSet))["paths"]["/assets/{id}/"]["get"]["responses"]
        return found

    unauthenticated = ["authentication_failed", "not_authenticated"]
    assert "401" not in responses()
    assert responses()["403"]["x-codes"] == [*unauthenticated, "permission_denied"]
    monkeypatch.setattr(AssetViewSet, "authentication_classes", [BasicAuthentication])
    assert responses()["401"]["x-codes"] == unauthenticated
    assert responses()["403"]["x-codes"] == ["permission_denied"]
    assert "WWW-Authenticate" in responses()["401"]["headers"]
    monkeypatch.setattr(AssetViewSet, "authentication_classes", [])
    assert "401" not in responses()


class ExtendedAssetSerializer(AssetSerializer):
    class Meta(AssetSerializer.Meta):
        fields = ("id", "owner")


class ExtendedAssetViewSet(AssetViewSet):
    serializer_class = ExtendedAssetSerializer

    @extend_schema(summary="Fetch it", tags=["fetching"])
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Fetch it."""

    @action(detail=True, methods=["post"])
    def archive(self, request: Request, pk: str) -> Response:
        """Put it away."""

    @extend_schema(exclude=True)
    @action(detail=True)
    def secret(self, request: Request, pk: str) -> Response:
        """Do not tell."""


class SerializedViewSet(ApiViewSet):
    serializer_class = AssetSerializer

    def create(self, request: Request) -> Response:
        """Make one."""


class TestSubclass:
    @pytest.fixture
    def schema(self) -> dict[str, Any]:
        return generated(routed(assets=ExtendedAssetViewSet))

    def test_its_serializers_are_described(self, schema: dict[str, Any]) -> None:
        content = schema["paths"]["/assets/"]["post"]["responses"]["201"]["content"]
        assert content["application/json"]["schema"]["$ref"].endswith("/ExtendedAsset")
        assert set(schema["components"]["schemas"]["ExtendedAsset"]["properties"]) == {"id", "owner"}

    def test_what_it_says_itself_comes_first(self, schema: dict[str, Any]) -> None:
        retrieve = schema["paths"]["/assets/{id}/"]["get"]
        assert (retrieve["summary"], retrieve["tags"]) == ("Fetch it", ["fetching"])
        assert retrieve["responses"]["404"]["x-codes"] == ["not_found"]

    def test_its_own_actions_have_the_problems_of_the_framework(self, schema: dict[str, Any]) -> None:
        archive = schema["paths"]["/assets/{id}/archive/"]["post"]
        assert archive["description"] == "Put it away."
        assert "summary" not in archive
        assert list(archive["responses"]) == ["200", "403", "406", "429"]

    def test_what_it_excludes_is_left_out(self, schema: dict[str, Any]) -> None:
        assert "/assets/{id}/secret/" not in schema["paths"]


def test_a_view_set_beside_those_of_the_package_has_the_problems_of_the_framework() -> None:
    operation = generated(routed(things=SerializedViewSet))["paths"]["/things/"]["post"]
    assert (operation["operationId"], operation["description"]) == ("things_create", "Make one.")
    assert list(operation["responses"]) == ["201", "403", "406", "429"]


class FilmSerializer(AssetModelSerializer):
    class Meta:
        model = Film
        fields = ("title", "video")


class StillSerializer(AssetModelSerializer):
    class Meta:
        model = Still
        fields = ("image",)
        extra_kwargs = {"image": {"output": "id"}}


class AlbumSerializer(AssetModelSerializer):
    class Meta:
        model = Album
        fields = ("files",)


class TestRelations:
    """Views of a host's, whose rows refer to assets."""

    def components(self) -> dict[str, Any]:
        view_sets = {
            serializer.__name__.lower(): type(
                f"{serializer.__name__}ViewSet",
                (ModelViewSet,),
                {"queryset": serializer.Meta.model.objects.all(), "serializer_class": serializer},
            )
            for serializer in (FilmSerializer, StillSerializer, AlbumSerializer)
        }
        schemas: dict[str, Any] = generated(routed(**view_sets))["components"]["schemas"]
        return {name: schema.get("properties") for name, schema in schemas.items()}

    def test_requests_and_answers_differ(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(spectacular_settings, "COMPONENT_SPLIT_REQUEST", True)
        components = self.components()
        assert components["Film"]["video"] == SUMMARY
        assert components["FilmRequest"]["video"] == {"type": "string"}
        assert components["Album"]["files"] == {"type": "array", "items": SUMMARY}
        assert components["AlbumRequest"]["files"] == {"type": "array", "items": {"type": "string"}}
        assert components["Still"]["image"] == {"type": ["string", "null"], "format": "uuid"}
        assert components["FileAssetSummary"]["url"]["type"] == "string"

    def test_one_component_for_both_has_either(self) -> None:
        components = self.components()
        assert components["Film"]["video"] == {"oneOf": [SUMMARY, {"type": "string"}]}
        assert "FilmRequest" not in components


class HostSchema(AutoSchema):
    def get_tags(self) -> list[str]:
        return ["host"]


@pytest.mark.parametrize(
    ("schema_class", "tags"), [(HostSchema, ["host"]), (AutoSchema, ["assets"]), (FrameworkSchema, ["assets"])]
)
def test_the_schema_class_of_a_host_is_kept(
    schema_class: type, tags: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_settings, "DEFAULT_SCHEMA_CLASS", schema_class)
    operation = generated(routed(assets=AssetViewSet))["paths"]["/assets/"]["get"]
    assert (operation["tags"], operation["summary"]) == (tags, "List assets")


def test_a_view_may_have_a_schema_of_its_own() -> None:
    class OtherAssetViewSet(AssetViewSet):
        schema = HostSchema()

    operation = generated(routed(assets=OtherAssetViewSet))["paths"]["/assets/"]["get"]
    assert operation["tags"] == ["host"]
    assert "summary" not in operation


@modify_settings(INSTALLED_APPS={"remove": "drf_spectacular"})
def test_without_drf_spectacular_the_framework_describes() -> None:
    assert schema_routes() == []
    register_fields()
    view = AssetViewSet()
    assert type(view.schema) is api_settings.DEFAULT_SCHEMA_CLASS
    assert AssetPagination().get_paginated_response_schema({})["properties"]["next"]["nullable"]


def test_pages_of_another_pagination() -> None:
    class NumberedAssetViewSet(AssetViewSet):
        pagination_class = PageNumberPagination

    operation = generated(routed(assets=NumberedAssetViewSet))["paths"]["/assets/"]["get"]
    names = {parameter["name"] for parameter in operation["parameters"]}
    assert "state" in names
    assert "cursor" not in names


class TestResumableUploads:
    def add(self, urlpatterns: list[Any]) -> dict[str, Any]:
        schema = generated(urlpatterns)
        return add_resumable_uploads(schema, generator=None, request=None, public=True)["paths"]

    def test_they_are_added_where_the_site_has_them(self) -> None:
        paths = self.add(routed(assets=AssetViewSet))
        assert {"/files/uploads/", "/files/uploads/{id}"} <= set(paths)
        append = paths["/files/uploads/{id}"]["patch"]
        assert append["responses"]["409"]["x-codes"] == ["offset_mismatch", "state_conflict"]
        assert append["security"] == [{"basicAuth": []}, {"cookieAuth": []}, {}]

    def test_an_authenticator_of_the_site_s_own_is_not_known(self, largefiles: Largefiles) -> None:
        largefiles.set(AUTHENTICATOR="django_largefiles.authentication.SessionAuthenticator")
        assert self.add(routed(assets=AssetViewSet))["/files/uploads/"]["post"]["security"] == [{}]

    def test_a_site_without_them(self, settings: Settings) -> None:
        settings.ROOT_URLCONF = ModuleType("urls")
        settings.ROOT_URLCONF.urlpatterns = []
        assert list(self.add(routed(uploads=DirectUploadViewSet))) == [
            "/uploads/",
            "/uploads/{id}/",
            "/uploads/{id}/complete/",
            "/uploads/{id}/sign/",
        ]

    def test_a_schema_without_the_api(self) -> None:
        assert self.add([]) == {}


@pytest.mark.django_db
def test_the_schema_is_served(client: Client, owner: User) -> None:
    client.force_login(owner)
    answer = client.get("/api/schema/", headers={"Accept": "application/json"})
    assert answer.status_code == 200
    paths = json.loads(answer.content)["paths"]
    assert {"/api/assets/", "/files/uploads/"} <= set(paths)
    assert "/api/schema/" not in paths


def test_the_schema_has_nothing_but_this_package(settings: Settings) -> None:
    from rest_framework.views import APIView

    class OtherView(APIView):
        """A view of the host's."""

    urls = ModuleType("urls")
    urls.urlpatterns = [  # type: ignore[attr-defined]
        path("api/", include("django_largefiles.api.urls")),
        path("other/", OtherView.as_view()),
    ]
    settings.ROOT_URLCONF = urls
    paths = LargeFilesSchemaGenerator().get_schema(public=True)["paths"]
    assert all(name.startswith(("/api/assets/", "/api/direct-uploads/")) for name in paths)


def test_no_path_has_the_prefix_of_the_script(schema: dict[str, Any]) -> None:
    set_script_prefix("/sub/")
    try:
        assert set(LargeFilesSchemaGenerator().get_schema(public=True)["paths"]) == set(schema["paths"])
    finally:
        clear_script_prefix()
