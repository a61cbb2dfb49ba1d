"""The types of the fields in a host's models. ``make types`` has mypy read this module, whose assertions are its."""

from __future__ import annotations

from typing import assert_type
from uuid import UUID

import pytest

from django_largefiles.models import FileAsset
from tests.films.assets import make_asset
from tests.films.models import Album, Film, Still


@pytest.mark.django_db
def test_a_field_gives_assets() -> None:
    film = Film.objects.create(title="Metropolis", video=make_asset("videos"))
    still = Still.objects.create(film=film)
    album = Album.objects.create(title="Berlin")
    assert_type(film.video, FileAsset)
    assert_type(film.video_id, UUID)
    assert_type(still.image, FileAsset | None)
    assert_type(album.files.get_or_create(size=1, state="received")[0], FileAsset)
    assert Film.objects.filter(video__state="received", video=film.video).get() == film
