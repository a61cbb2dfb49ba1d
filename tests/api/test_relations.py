"""Rows of a host that refer to assets, over the host's own API."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.test import Client, RequestFactory
from django.utils import timezone
from pytest_django.fixtures import Settings

pytest.importorskip("rest_framework", reason="Django REST framework is not installed")

from rest_framework import serializers
from rest_framework.routers import SimpleRouter
from rest_framework.viewsets import ModelViewSet

from django_largefiles import upload_tokens
from django_largefiles.api.errors import ApiRefusal
from django_largefiles.api.relations import AssetListSerializer, AssetModelSerializer, AssetRelatedField
from django_largefiles.exceptions import ConfigurationError, NotAttachable
from django_largefiles.lifecycle import attachment
from django_largefiles.models import FileAsset
from django_largefiles.states import Attachment, State
from django_largefiles.testing import upload_token
from tests.conftest import Largefiles
from tests.films.models import Album, Film, Still
from tests.snippets.claims import claim
from tests.snippets.running import run

pytestmark = pytest.mark.django_db(transaction=True)

ATTACHED, PROVISIONAL = Attachment.ATTACHED, Attachment.PROVISIONAL

SERIALIZER = claim("docs/rest-api.rst", "class FilmSerializer(AssetModelSerializer):")
REQUEST = claim("docs/rest-api.rst", '{"title": "Holiday", "video": "feabff1d-71d6-449d-adb5-722fd0c395e5"}')
FilmViewSet = run(SERIALIZER, Film=Film)["FilmViewSet"]
FilmSerializer = FilmViewSet.serializer_class


class StillSerializer(AssetModelSerializer):
    class Meta:
        model = Still
        fields = ("id", "film", "image")
        extra_kwargs = {"image": {"output": "id"}}


class AlbumSerializer(AssetModelSerializer):
    class Meta:
        model = Album
        fields = ("id", "title", "files")


def view_set(serializer: type[AssetModelSerializer]) -> type[ModelViewSet[Any]]:
    model = serializer.Meta.model
    return type(
        f"{model.__name__}s", (ModelViewSet,), {"serializer_class": serializer, "queryset": model.objects.all()}
    )


@pytest.fixture(autouse=True)
def _host(settings: Settings, largefiles: Largefiles, monkeypatch: pytest.MonkeyPatch) -> None:
    largefiles.set(PROFILES={"videos": {}})
    router = SimpleRouter(use_regex_path=False)
    router.register("films", FilmViewSet)
    router.register("stills", view_set(StillSerializer))
    router.register("albums", view_set(AlbumSerializer))
    urls = ModuleType("tests.api.host")
    from tests.urls import urlpatterns

    urls.urlpatterns = [*urlpatterns, *router.urls]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, urls.__name__, urls)
    settings.ROOT_URLCONF = urls.__name__


class Api:
    def __init__(self, client: Client) -> None:
        self.client = client

    def __getattr__(self, verb: str) -> Any:
        def ask(url: str, **said: Any) -> Any:
            return getattr(self.client, verb)(url, json.dumps(said), content_type="application/json")

        return ask


@pytest.fixture
def api(client: Client, owner: User) -> Api:
    client.force_login(owner)
    return Api(client)


def make(owner: User | None, profile: str = "videos", **columns: Any) -> FileAsset:
    expires_at = timezone.now() + timedelta(days=1) if columns.get("attachment") == PROVISIONAL else None
    defaults: dict[str, Any] = {"original_name": "a.mp4", "size": 1, "state": State.RECEIVED, "expires_at": expires_at}
    return FileAsset.objects.create(owner=owner, profile=profile, **{**defaults, **columns})


def message(answer: Any) -> str:
    """What the answer of the host's view says of the video."""
    assert answer.status_code == 400, answer.content
    (told,) = answer.json()["video"]
    return str(told)


def errors(serializer_class: type[AssetModelSerializer], user: Any, **said: Any) -> dict[str, list[str]]:
    """The codes by the name of the field."""
    request = RequestFactory().get("/")
    request.user = user
    serializer = serializer_class(data=said, context={"request": request})
    assert not serializer.is_valid()
    return {name: [each.code for each in found] for name, found in serializer.errors.items()}


def attachment_of(asset: FileAsset) -> str:
    return FileAsset.objects.get(pk=asset.pk).attachment


class TestById:
    def test_a_row_is_created(self, api: Api, owner: User) -> None:
        asset = make(owner, width=640, height=480, media_type="video/mp4")
        answer = api.post("/films/", **{**json.loads(REQUEST.text), "video": str(asset.pk)})
        assert answer.status_code == 201
        assert answer.json()["video"] == {
            "id": str(asset.pk),
            "name": "a.mp4",
            "state": "received",
            "reason": "",
            "words": "",
            "size": 1,
            "media_type": "video/mp4",
            "width": 640,
            "height": 480,
            "duration": None,
            "url": f"http://testserver/files/assets/{asset.pk}/download/",
        }
        assert (Film.objects.get().title, Film.objects.get().video) == ("Holiday", asset)
        assert attachment_of(asset) == ATTACHED

    @pytest.mark.parametrize(
        ("columns", "expected"),
        [
            ({"profile": "default"}, "not_attachable"),
            ({"attachment": ATTACHED}, "not_attachable"),
            ({"state": State.RECEIVING}, "not_attachable"),
            ({"state": State.REJECTED}, "not_attachable"),
        ],
        ids=["another profile", "attached elsewhere", "arriving", "rejected"],
    )
    def test_what_cannot_be_attached(self, columns: dict[str, Any], expected: str, owner: User) -> None:
        asset = make(owner, **columns)
        assert errors(FilmSerializer, owner, title="x", video=str(asset.pk)) == {"video": [expected]}

    def test_another_s_asset_is_not_there(self, owner: User, stranger: User) -> None:
        for asset_id in (make(stranger).pk, make(None).pk, uuid4()):
            assert errors(FilmSerializer, owner, title="x", video=str(asset_id)) == {"video": ["not_found"]}

    def test_who_may_only_view_an_asset_may_not_attach_it(self, staff: User, owner: User) -> None:
        assert errors(FilmSerializer, staff, title="x", video=str(make(owner).pk)) == {"video": ["not_permitted"]}

    def test_an_anonymous_user_has_none(self) -> None:
        said = {"title": "x", "video": str(make(None).pk)}
        assert errors(FilmSerializer, AnonymousUser(), **said) == {"video": ["not_found"]}

    @pytest.mark.parametrize("value", [7, ["a"], {"id": "a"}, True], ids=repr)
    def test_what_is_no_text(self, value: Any, owner: User) -> None:
        assert errors(FilmSerializer, owner, title="x", video=value) == {"video": ["invalid"]}

    def test_required_and_null(self, owner: User) -> None:
        assert errors(FilmSerializer, owner, title="x") == {"video": ["required"]}
        assert errors(FilmSerializer, owner, title="x", video=None) == {"video": ["null"]}
        assert errors(FilmSerializer, owner, title="x", video="") == {"video": ["null"]}


class TestByToken:
    def test_a_provisional_asset_of_the_user_s(self, api: Api, owner: User) -> None:
        asset = make(owner, attachment=PROVISIONAL)
        answer = api.post("/films/", title="x", video=upload_token(api.client, asset))
        assert answer.status_code == 201
        assert attachment_of(asset) == ATTACHED

    def test_an_anonymous_user_s_of_this_session(self, client: Client) -> None:
        asset = make(None, attachment=PROVISIONAL)
        answer = Api(client).post("/films/", title="x", video=upload_token(client, asset))
        assert answer.status_code == 201

    def test_one_of_another_session(self, client: Client) -> None:
        sent = upload_token(Client(), make(None, attachment=PROVISIONAL))
        assert "logged in again" in message(Api(client).post("/films/", title="x", video=sent))

    def test_one_of_another_user(self, api: Api, stranger: User) -> None:
        other = Client()
        other.force_login(stranger)
        sent = upload_token(other, make(stranger, attachment=PROVISIONAL))
        assert "another user" in message(api.post("/films/", title="x", video=sent))

    def test_one_that_has_expired(self, api: Api, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(upload_tokens, "UPLOAD_TIME", timedelta(days=-9))
        sent = upload_token(api.client, make(owner, attachment=PROVISIONAL))
        assert "again" in message(api.post("/films/", title="x", video=sent))

    def test_one_of_another_profile(self, api: Api, owner: User) -> None:
        sent = upload_token(api.client, make(owner, profile="default", attachment=PROVISIONAL))
        assert message(api.post("/films/", title="x", video=sent))

    def test_one_of_a_deleted_asset(self, api: Api, owner: User) -> None:
        asset = make(owner, attachment=PROVISIONAL)
        sent = upload_token(api.client, asset)
        asset.delete()
        assert message(api.post("/films/", title="x", video=sent))

    @pytest.mark.parametrize("sent", ["forged", "a:b:c", "\0", "é", "x" * 10_000])
    def test_one_that_is_none(self, sent: str, owner: User) -> None:
        assert errors(FilmSerializer, owner, title="x", video=sent) == {"video": ["upload_token_invalid"]}


class TestUpdate:
    @pytest.fixture
    def film(self, owner: User) -> Film:
        return Film.objects.create(title="x", video=make(owner))

    @pytest.mark.parametrize("verb", ["put", "patch"])
    def test_what_the_row_refers_to_is_taken_again(self, verb: str, film: Film, api: Api, stranger: User) -> None:
        # Whoever may change the row need not own its file.
        FileAsset.objects.update(owner=stranger)
        answer = getattr(api, verb)(f"/films/{film.pk}/", title="y", video=str(film.video_id))
        assert answer.status_code == 200
        assert attachment_of(film.video) == ATTACHED

    def test_its_token_is_taken_again(self, film: Film, api: Api, owner: User) -> None:
        sent = upload_token(api.client, film.video)
        assert api.patch(f"/films/{film.pk}/", video=sent).status_code == 200

    def test_a_part_without_the_field_changes_nothing(self, film: Film, api: Api) -> None:
        assert api.patch(f"/films/{film.pk}/", title="y").json()["video"]["id"] == str(film.video_id)

    def test_the_asset_is_replaced(self, film: Film, api: Api, owner: User) -> None:
        before, after = film.video, make(owner)
        assert api.patch(f"/films/{film.pk}/", video=str(after.pk)).status_code == 200
        assert attachment_of(after) == ATTACHED
        assert not FileAsset.objects.filter(pk=before.pk).exists()

    def test_by_one_of_another_row_s_it_is_not(self, film: Film, api: Api, owner: User) -> None:
        other = Film.objects.create(title="z", video=make(owner))
        assert message(api.patch(f"/films/{film.pk}/", video=str(other.video_id)))

    def test_an_optional_one_is_cleared(self, film: Film, api: Api, owner: User) -> None:
        image = make(owner, profile="default")
        still = Still.objects.create(film=film, image=image)
        assert api.client.get(f"/stills/{still.pk}/").json()["image"] == str(image.pk)
        assert api.patch(f"/stills/{still.pk}/", image=None).json()["image"] is None
        assert api.patch(f"/stills/{still.pk}/", image=str(make(owner, profile="default").pk)).status_code == 200
        assert not FileAsset.objects.filter(pk=image.pk).exists()


class TestSeveral:
    def test_a_row_with_several(self, api: Api, owner: User) -> None:
        first, second = make(owner, profile="default"), make(owner, profile="default", attachment=PROVISIONAL)
        files = [str(first.pk), upload_token(api.client, second), str(first.pk)]
        answer = api.post("/albums/", title="x", files=files)
        assert answer.status_code == 201
        assert sorted(each["id"] for each in answer.json()["files"]) == sorted([str(first.pk), str(second.pk)])
        assert {attachment_of(first), attachment_of(second)} == {ATTACHED}

    def test_some_stay_and_others_come_and_go(self, api: Api, owner: User) -> None:
        album = Album.objects.create(title="x")
        stays, goes, comes = (make(owner, profile="default") for _ in range(3))
        album.files.set([stays, goes])
        answer = api.patch(f"/albums/{album.pk}/", files=[str(stays.pk), str(comes.pk)])
        assert answer.status_code == 200, answer.content
        assert set(album.files.all()) == {stays, comes}
        assert not FileAsset.objects.filter(pk=goes.pk).exists()

    def test_none(self, api: Api) -> None:
        assert api.post("/albums/", title="x", files=[]).json()["files"] == []
        assert api.post("/albums/", title="x").json()["files"] == []

    def test_one_that_cannot_be_attached(self, owner: User) -> None:
        files = [str(make(owner, profile="default").pk), str(make(owner).pk)]
        assert errors(AlbumSerializer, owner, title="x", files=files) == {"files": ["not_attachable"]}
        assert errors(AlbumSerializer, owner, title="x", files="one") == {"files": ["not_a_list"]}


@pytest.fixture
def _stolen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another request attaches each asset between the validation of this one and its save."""
    attach = attachment.attach

    def attach_late(asset_id: Any, terms: Any, using: str) -> None:
        FileAsset.objects.filter(pk=asset_id).update(attachment=ATTACHED)
        attach(asset_id, terms, using)

    monkeypatch.setattr("django_largefiles.fields.saving.attach", attach_late)
    monkeypatch.setattr("django_largefiles.fields.multiple.attach", attach_late)


@pytest.mark.usefixtures("_stolen")
class TestRace:
    def test_the_later_one_is_told_of_the_conflict(self, api: Api, owner: User) -> None:
        answer = api.post("/films/", title="x", video=str(make(owner).pk))
        assert answer.status_code == 409
        assert "cannot be attached" in answer.json()["detail"]
        assert not Film.objects.exists()

    def test_of_a_row_with_several_nothing_is_saved(self, api: Api, owner: User) -> None:
        assert api.post("/albums/", title="x", files=[str(make(owner, profile="default").pk)]).status_code == 409
        assert not Album.objects.exists()


@pytest.mark.parametrize("context", [{}, {"request": None}], ids=["no context", "no request"])
def test_without_a_request_nothing_is_taken(context: dict[str, Any], owner: User) -> None:
    serializer = FilmSerializer(data={"title": "x", "video": str(make(owner).pk)}, context=context)
    with pytest.raises(ConfigurationError, match="'video' cannot tell who may attach a file"):
        serializer.is_valid()


def test_without_a_request_a_row_can_be_shown(owner: User) -> None:
    film = Film.objects.create(title="x", video=make(owner))
    assert FilmSerializer(film).data["video"]["url"] == f"/files/assets/{film.video_id}/download/"


def test_rows_of_a_list_are_new_ones(owner: User) -> None:
    request = RequestFactory().get("/")
    request.user = owner
    film = Film.objects.create(title="x", video=make(owner))
    said = [{"title": "y", "video": str(film.video_id)}]
    serializer = FilmSerializer(data=said, many=True, context={"request": request})
    assert not serializer.is_valid()


def films(owner: User, *assets: FileAsset) -> Any:
    """A serializer of a film for each asset, which is valid."""
    request = RequestFactory().get("/")
    request.user = owner
    said = [{"title": "x", "video": str(asset.pk)} for asset in assets]
    serializer = FilmSerializer(data=said, many=True, context={"request": request})
    assert serializer.is_valid(), serializer.errors
    return serializer


def test_rows_of_a_list_are_saved(owner: User) -> None:
    one, two = make(owner), make(owner)
    assert [film.video for film in films(owner, one, two).save()] == [one, two]
    assert attachment_of(one) == attachment_of(two) == ATTACHED


def test_of_a_list_all_rows_are_saved_or_none(owner: User) -> None:
    asset = make(owner)
    with pytest.raises(ApiRefusal) as raised:
        films(owner, asset, asset).save()
    assert (raised.value.status_code, raised.value.error.code) == (409, "not_attachable")
    assert not Film.objects.exists()
    assert attachment_of(asset) == asset.attachment


def test_a_host_has_a_class_for_lists_of_its_own() -> None:
    class OwnList(AssetListSerializer):
        pass

    class ListedSerializer(FilmSerializer):
        class Meta(FilmSerializer.Meta):
            list_serializer_class = OwnList

    class InheritingSerializer(ListedSerializer):
        pass

    assert [type(each([], many=True)) for each in (FilmSerializer, ListedSerializer, InheritingSerializer)] == [
        AssetListSerializer,
        OwnList,
        OwnList,
    ]


def test_where_the_framework_has_no_user_the_policy_is_asked_about_an_anonymous_one(owner: User) -> None:
    assert errors(FilmSerializer, None, title="x", video=str(make(owner).pk)) == {"video": ["not_found"]}


def test_a_field_of_a_plain_serializer(owner: User) -> None:
    class SharedSerializer(serializers.Serializer[Any]):
        logo = AssetRelatedField(profile="videos", shared=True, output="id")

    request = RequestFactory().get("/")
    request.user = owner
    asset = make(owner, attachment=ATTACHED)
    serializer = SharedSerializer(data={"logo": str(asset.pk)}, context={"request": request})
    assert serializer.is_valid(), serializer.errors
    assert serializer.validated_data == {"logo": asset}
    assert SharedSerializer({"logo": asset}).data == {"logo": str(asset.pk)}


def test_no_form_lists_the_assets_of_others(owner: User, stranger: User) -> None:
    make(stranger)
    for serializer_class, name in ((FilmSerializer, "video"), (AlbumSerializer, "files")):
        assert serializer_class().fields[name].choices == {}


class DeepSerializer(AssetModelSerializer):
    class Meta:
        model = Still
        fields = ("film", "image")
        depth = 1


def test_depth_shows_no_more_of_an_asset(owner: User) -> None:
    still = Still.objects.create(film=Film.objects.create(title="x", video=make(owner)), image=make(owner, "default"))
    shown = DeepSerializer(still).data
    assert shown["film"]["title"] == "x"
    assert "client_fields" not in shown["image"]
    assert shown["image"]["state"] == "received"


class BareSerializer(serializers.ModelSerializer[Film]):
    class Meta:
        model = Film
        fields = ("title", "video")


def test_a_plain_model_serializer_lets_anyone_attach_anything(owner: User, stranger: User) -> None:
    """As the documentation warns: it takes the id of another user's asset for proof enough."""
    theirs = make(stranger)
    request = RequestFactory().get("/")
    request.user = owner
    serializer = BareSerializer(data={"title": "x", "video": str(theirs.pk)}, context={"request": request})
    assert serializer.is_valid()
    assert serializer.save().video == theirs


def test_what_the_model_field_demands_holds_for_a_plain_model_serializer_too(owner: User) -> None:
    serializer = BareSerializer(data={"title": "x", "video": str(make(owner, profile="default").pk)})
    assert serializer.is_valid()
    with pytest.raises(NotAttachable):
        serializer.save()
