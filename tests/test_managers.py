"""Queries of assets, and the example of ``docs/python.rst``."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import AnonymousUser, User
from django.db import transaction

from django_largefiles.access import OwnerOrStaff, User as AnyUser
from django_largefiles.managers import FileAssetQuerySet
from django_largefiles.models import FileAsset
from django_largefiles.pipeline.processing import process
from django_largefiles.states import State
from tests.conftest import Largefiles, create_asset, png
from tests.films.models import Album

EXAMPLE = Path(__file__).parents[1] / "docs" / "examples" / "films.py"

TYPES = ["", "application/pdf", "image/png", "video/mp4", "video/x-matroska", "video_/mp4", "videoclip/mp4"]

pytestmark = pytest.mark.django_db


class OwnFilms(OwnerOrStaff):
    def visible(self, user: AnyUser, assets: FileAssetQuerySet) -> FileAssetQuerySet:
        return assets.of_type("video/*").filter(owner=user.pk)


@pytest.mark.parametrize("state", State)
def test_only_ready_ones_are_ready(state: State) -> None:
    found = create_asset(state=state)
    assert list(FileAsset.objects.ready()) == ([found] if state == State.READY else [])


def test_the_access_policy_decides_what_is_visible(owner: User, stranger: User, largefiles: Largefiles) -> None:
    for user in (owner, stranger):
        for media_type in ("image/png", "video/mp4"):
            create_asset(owner=user, media_type=media_type)
    assert {asset.owner for asset in FileAsset.objects.visible_to(owner)} == {owner}
    assert not FileAsset.objects.visible_to(AnonymousUser())
    largefiles.set(ACCESS_POLICY=f"{__name__}.{OwnFilms.__name__}")
    assert FileAsset.objects.visible_to(owner).get().media_type == "video/mp4"


@pytest.mark.parametrize(
    ("patterns", "found"),
    [
        (["video/mp4"], ["video/mp4"]),
        (["VIDEO/MP4"], ["video/mp4"]),
        (["video/*"], ["video/mp4", "video/x-matroska"]),
        (["video/*", "application/pdf", "audio/*"], ["application/pdf", "video/mp4", "video/x-matroska"]),
        (["*/*"], TYPES),
        (["image/png", "*/*"], TYPES),
        ([], []),
    ],
    ids=lambda value: ",".join(value) or "none",
)
def test_types_are_found_by_patterns(patterns: list[str], found: list[str]) -> None:
    for media_type in TYPES:
        create_asset(media_type=media_type)
    assets = FileAsset.objects.of_type(*patterns)
    assert sorted(assets.values_list("media_type", flat=True)) == found


@pytest.mark.parametrize("text", ["video", "video/", "*/mp4", "video/mp4; codecs=av1", "%/*"])
def test_what_is_no_pattern_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is neither a media type nor a pattern such as 'video/\*'"):
        FileAsset.objects.of_type(text)


@pytest.mark.parametrize(
    "chain",
    [
        lambda assets, user: assets.ready().visible_to(user).of_type("video/*"),
        lambda assets, user: assets.of_type("video/*").visible_to(user).ready(),
        lambda assets, user: assets.filter(size__gt=0).visible_to(user).ready().of_type("video/*"),
    ],
    ids=["as in the documentation", "the other way round", "after a filter"],
)
def test_the_queries_are_chained(chain: Callable[..., FileAssetQuerySet], owner: User) -> None:
    film = create_asset(owner=owner, state=State.READY, media_type="video/mp4")
    create_asset(owner=owner, state=State.READY, media_type="image/png")
    create_asset(owner=owner, state=State.FAILED, media_type="video/mp4")
    create_asset(state=State.READY, media_type="video/mp4")
    assert chain(FileAsset.objects, owner).get() == film


def test_the_files_of_a_row_are_queried_alike(owner: User) -> None:
    album = Album.objects.create(title="Kites")
    picture, film = (
        create_asset(owner=owner, state=State.READY, media_type=kind) for kind in ("image/png", "video/mp4")
    )
    album.files.set([picture, film])
    assert album.files.visible_to(owner).of_type("video/*").ready().get() == film
    assert not album.files.visible_to(AnonymousUser())
    with pytest.raises(NotImplementedError, match="ingest"), transaction.atomic():
        album.files.create(original_name="a.png", file="a")


@pytest.fixture
def example() -> dict[str, Any]:
    """The names of ``docs/examples/films.py``, of which ``make types`` checks the types."""
    return runpy.run_path(str(EXAMPLE))


def test_the_example_finds_films(example: dict[str, Any], owner: User) -> None:
    films = [create_asset(owner=owner, state=State.READY, media_type="video/mp4") for _ in range(2)]
    assert list(example["films_for"](owner)) == films[::-1]


def test_the_example_reads_the_end_of_a_file(example: dict[str, Any]) -> None:
    film = FileAsset.objects.ingest(BytesIO(png(padding=200)), name="a.png")
    process(film.pk)
    assert example["tag_of"](FileAsset.objects.get()) == bytes(128)


def test_the_example_takes_a_film_in_and_deletes_it(
    example: dict[str, Any], owner: User, tmp_path: Path, largefiles: Largefiles
) -> None:
    largefiles.set(PROFILES={"videos": {"ALLOWED_MIME_TYPES": ["image/*"]}})
    path = tmp_path / "film.png"
    path.write_bytes(png())
    film = async_to_sync(example["take_in"])(path, owner)
    assert (film.original_name, film.profile) == ("film.png", "videos")
    async_to_sync(example["remove"])(film)
    assert not FileAsset.objects.exists()
