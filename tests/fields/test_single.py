from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError

from django_largefiles.models import FileAsset
from django_largefiles.states import State
from tests.films.assets import make_asset, make_provisional
from tests.films.models import Film, Poster, Still

pytestmark = pytest.mark.django_db


def problem_of(film: Film) -> tuple[str, str]:
    """The code and the words with which the field is refused."""
    with pytest.raises(ValidationError) as caught:
        film.full_clean()
    (error,) = caught.value.error_dict["video"]
    return error.code or "", error.messages[0]


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (
            lambda: make_provisional("videos", state=State.RECEIVING, size=None),
            ("receiving", "This file has not arrived completely."),
        ),
        (make_provisional, ("profile", "This file was uploaded for another purpose.")),
        (
            lambda: Film.objects.create(title="Nosferatu", video=make_asset("videos")).video,
            ("attached", "This file is already in use."),
        ),
    ],
    ids=["receiving", "another profile", "another row"],
)
def test_validation_says_in_words_what_a_save_would_refuse(
    make: Callable[[], FileAsset], problem: tuple[str, str]
) -> None:
    assert problem_of(Film(title="Metropolis", video=make())) == problem


def test_an_asset_that_does_not_exist_is_refused_as_by_any_foreign_key() -> None:
    assert problem_of(Film(title="Metropolis", video_id=uuid4()))[0] == "invalid"


def test_a_row_keeps_an_asset_of_the_profile_that_the_field_had_before() -> None:
    film = Film.objects.create(title="Metropolis", video=make_asset("videos"))
    FileAsset.objects.update(profile="default")
    film.refresh_from_db()
    film.full_clean()
    film.save()


def test_an_asset_of_the_row_itself_is_valid() -> None:
    film = Film.objects.create(title="Metropolis", video=make_provisional("videos"))
    film.full_clean()
    assert problem_of(Film(title="Nosferatu", video=film.video))[0] == "attached"


def test_a_shared_asset_is_valid() -> None:
    Poster(sheet=Poster.objects.create(sheet=make_provisional()).sheet).full_clean()


def test_no_asset_is_valid_where_the_field_may_be_empty() -> None:
    still = Still(film=Film.objects.create(title="Metropolis", video=make_asset("videos")))
    still.full_clean()
    assert Still._meta.get_field("image").clean(None, still) is None
