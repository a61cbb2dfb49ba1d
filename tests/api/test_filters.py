from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

pytest.importorskip("rest_framework", reason="Django REST framework is not installed")

from rest_framework import serializers

from django_largefiles.api.filters import MEDIA_TYPE_PATTERN, AssetFilterBackend, AssetFilterSerializer
from django_largefiles.media_types.matching import is_pattern
from django_largefiles.models import FileAsset, FileAssetQuerySet
from django_largefiles.states import State

pytestmark = pytest.mark.django_db

LIST = "/api/assets/"
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
Listed = Callable[..., list[str]]


@pytest.fixture
def client(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


@pytest.fixture
def listed(client: Client) -> Listed:
    def listed(**parameters: Any) -> list[str]:
        answer = client.get(LIST, parameters)
        assert answer.status_code == 200, answer.content
        return [asset["name"] for asset in answer.json()["results"]]

    return listed


def make(owner: User, name: str, at: datetime = NOON, **columns: Any) -> FileAsset:
    asset = FileAsset.objects.create(original_name=name, owner=owner, **{"size": 1, "state": State.READY, **columns})
    FileAsset.objects.filter(pk=asset.pk).update(created_at=at)
    return asset


@pytest.mark.parametrize(
    ("columns", "parameters"),
    [
        ({"state": State.FAILED}, {"state": "failed"}),
        ({"media_type": "video/mp4"}, {"type": "video/mp4"}),
        ({"media_type": "video/mp4"}, {"type": "Video/MP4"}),
        ({"media_type": "video/mp4"}, {"type": "video/*"}),
        ({"profile": "videos"}, {"profile": "videos"}),
        ({"sha256": "ab" * 32}, {"sha256": "AB" * 32}),
        ({"at": NOON + timedelta(days=1)}, {"created_after": "2026-05-05T12:00:00Z"}),
        ({"at": NOON - timedelta(days=1)}, {"created_before": "2026-05-04T14:00:00+02:00"}),
    ],
    ids=["state", "type", "type in capitals", "family", "profile", "digest", "after", "before"],
)
def test_a_parameter_narrows_the_list(
    columns: dict[str, Any], parameters: dict[str, str], owner: User, listed: Listed
) -> None:
    make(owner, "wanted", **columns)
    make(owner, "other", media_type="image/png", sha256="cd" * 32)
    assert listed(**parameters) == ["wanted"]


def test_all_types_are_every_file(owner: User, listed: Listed) -> None:
    make(owner, "unknown", media_type="")
    assert listed(type="*/*") == ["unknown"]


def test_parameters_narrow_together(owner: User, listed: Listed) -> None:
    make(owner, "wanted", profile="videos", media_type="video/mp4")
    make(owner, "other profile", media_type="video/mp4")
    make(owner, "other type", profile="videos", media_type="video/webm")
    assert listed(profile="videos", type="video/mp4", state="ready") == ["wanted"]


def test_files_of_others_stay_out(stranger: User, listed: Listed) -> None:
    make(stranger, "theirs", state=State.FAILED)
    assert listed(state="failed") == []


def test_the_pages_keep_filter_and_order(owner: User, client: Client) -> None:
    for hour in range(5):
        make(owner, f"{hour}", NOON + timedelta(hours=hour), profile="videos")
        make(owner, "other", NOON + timedelta(hours=hour))
    names, url = list[str](), f"{LIST}?ordering=created_at&profile=videos&page_size=2"
    while url:
        page = client.get(url).json()
        names, url = names + [asset["name"] for asset in page["results"]], page["next"]
    assert names == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("state", "lost"),
        ("state", ""),
        ("type", "video"),
        ("type", "video/"),
        ("type", "*/mp4"),
        ("type", f"video/{'m' * 128}"),
        ("type", "video/mp4\0"),
        ("profile", ""),
        ("profile", "p" * 101),
        ("profile", "a\0b"),
        ("created_after", "yesterday"),
        ("created_after", "0001-01-01T00:00:00+14:00"),
        ("created_before", "9999-12-31T23:59:59-12:00"),
        ("sha256", "ab"),
        ("sha256", "xy" * 32),
        ("ordering", "size"),
        ("page_size", "0"),
        ("page_size", "-1"),
        ("page_size", "many"),
        ("page_size", "²"),
        ("page_size", ""),
    ],
)
def test_a_value_that_means_nothing_is_refused(parameter: str, value: str, client: Client) -> None:
    answer = client.get(LIST, {parameter: value})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert list(answer.json()["errors"]) == [parameter]


@pytest.mark.parametrize(("asked", "given"), [("2", 2), ("002", 2), ("9" * 5000, 3)], ids=["two", "zeros", "huge"])
def test_the_size_of_a_page(asked: str, given: int, owner: User, client: Client) -> None:
    for name in "abc":
        make(owner, name)
    assert len(client.get(LIST, {"page_size": asked}).json()["results"]) == given


def test_times_of_a_site_without_time_zones(owner: User, client: Client, settings: Settings) -> None:
    settings.USE_TZ = False
    now = timezone.now()
    FileAsset.objects.create(original_name="new", owner=owner, size=1, state=State.READY)
    (asset,) = client.get(LIST, {"created_after": (now - timedelta(hours=1)).isoformat()}).json()["results"]
    assert abs(datetime.fromisoformat(asset["created_at"]) - datetime.now(UTC)) < timedelta(minutes=5)
    assert client.get(LIST, {"created_before": "0001-01-01T00:00:00"}).json()["results"] == []
    assert client.get(LIST, {"created_after": "9999-12-31T23:59:59"}).status_code == 400


@pytest.mark.parametrize(
    "text",
    ["image/png", "image/*", "*/*", "*/png", "image", "image/", "/png", "a/b/c", "-/-", f"{'a' * 127}/{'b' * 127}"],
)
def test_the_described_pattern_is_that_of_the_rules(text: str) -> None:
    said = AssetFilterSerializer(data={"type": text})
    assert said.is_valid() == is_pattern(text)
    assert MEDIA_TYPE_PATTERN.startswith("^")


class NameFilterSerializer(AssetFilterSerializer):
    name = serializers.CharField(required=False)


def by_name(assets: FileAssetQuerySet, name: str) -> FileAssetQuerySet:
    return assets.filter(original_name=name)


class NameFilterBackend(AssetFilterBackend):
    serializer_class = NameFilterSerializer
    conditions = {**AssetFilterBackend.conditions, "name": by_name}


def test_a_site_adds_a_parameter(owner: User, client: Client, monkeypatch: pytest.MonkeyPatch, listed: Listed) -> None:
    from django_largefiles.api.views import AssetViewSet

    monkeypatch.setattr(AssetViewSet, "filter_backends", (NameFilterBackend,))
    make(owner, "wanted", state=State.FAILED)
    make(owner, "wanted")
    make(owner, "other")
    assert listed(name="wanted", state="failed") == ["wanted"]
