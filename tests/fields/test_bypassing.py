"""Rows that Django writes without ``save()`` and without signals: the sweeper finds what they refer to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.core import serializers
from django.db import connection
from django.db.migrations.state import ProjectState

from django_largefiles import sweeper
from django_largefiles.models import FileAsset
from django_largefiles.states import Attachment
from tests.films.assets import attachment_of, make_expired, make_provisional
from tests.films.models import Album, Poster

pytestmark = pytest.mark.django_db(transaction=True)


def update(poster: Poster, asset: FileAsset | None) -> None:
    Poster.objects.update(sheet=asset)


def bulk_update(poster: Poster, asset: FileAsset | None) -> None:
    poster.sheet = asset
    Poster.objects.bulk_update([poster], ["sheet"])


def raw_sql(poster: Poster, asset: FileAsset | None) -> None:
    key = FileAsset._meta.pk.get_db_prep_value(asset.pk, connection) if asset else None
    with connection.cursor() as cursor:
        cursor.execute("UPDATE films_poster SET sheet_id = %s", [key])


def historical(poster: Poster, asset: FileAsset | None) -> None:
    row = ProjectState.from_apps(apps).apps.get_model("films", "poster").objects.get(pk=poster.pk)
    row.sheet_id = asset.pk if asset else None
    row.save()


def loaddata(poster: Poster, asset: FileAsset | None) -> None:
    poster.sheet = asset
    (loaded,) = serializers.deserialize("json", serializers.serialize("json", [poster]))
    loaded.save()


def bulk_create(poster: Poster, asset: FileAsset | None) -> None:
    Poster.objects.all()._raw_delete("default")
    Poster.objects.bulk_create([Poster(sheet=asset)])


WAYS = pytest.mark.parametrize(
    "write", [update, bulk_update, raw_sql, historical, loaddata, bulk_create], ids=lambda write: write.__name__
)
Write = Callable[[Poster, Any], None]


@WAYS
@pytest.mark.parametrize("make", [make_provisional, make_expired], ids=lambda make: make.__name__)
def test_an_asset_that_a_row_came_to_refer_to_is_attached_and_not_deleted(
    make: Callable[[], FileAsset], write: Write
) -> None:
    poster, asset = Poster.objects.create(), make()
    write(poster, asset)
    assert attachment_of(asset) == Attachment.PROVISIONAL
    sweeper.sweep()
    assert attachment_of(asset) == Attachment.ATTACHED
    assert Poster.objects.get().sheet == asset


@WAYS
def test_an_asset_that_a_row_ceased_to_refer_to_is_deleted(write: Write) -> None:
    poster = Poster.objects.create(sheet=make_provisional())
    asset = poster.sheet
    write(poster, None)
    assert asset
    assert attachment_of(asset) == Attachment.ATTACHED
    sweeper.sweep()
    assert attachment_of(asset) is None


def test_rows_that_are_added_from_the_side_of_the_asset_are_found() -> None:
    asset = make_expired()
    asset.poster_set.add(Poster.objects.create())
    sweeper.sweep()
    assert attachment_of(asset) == Attachment.ATTACHED


def test_rows_of_the_table_in_between_are_found() -> None:
    asset, album = make_expired(), Album.objects.create(title="Berlin")
    Album.files.through.objects.create(album=album, fileasset=asset)
    sweeper.sweep()
    assert attachment_of(asset) == Attachment.ATTACHED
    Album.files.through.objects.all().delete()
    sweeper.sweep()
    assert attachment_of(asset) is None
