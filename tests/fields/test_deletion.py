from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import transaction
from django.db.models.deletion import Collector

from django_largefiles.models import FileAsset
from django_largefiles.states import Attachment
from tests.films.assets import attachment_of, make_asset, make_provisional
from tests.films.models import Album, Citation, Collection, Documentary, Film, Poster, Premiere, Reel, Still

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def film() -> Film:
    return Film.objects.create(title="Metropolis", video=make_provisional("videos"))


def delete_the_row(film: Film) -> None:
    film.delete()


def delete_a_query(film: Film) -> None:
    Film.objects.filter(pk=film.pk).delete()


def delete_a_query_of_keys(film: Film) -> None:
    Film.objects.only("pk").delete()


def delete_a_proxy(film: Film) -> None:
    Premiere.objects.get(pk=film.pk).delete()


@pytest.mark.parametrize(
    "delete",
    [delete_the_row, delete_a_query, delete_a_query_of_keys, delete_a_proxy],
    ids=lambda delete: delete.__name__,
)
def test_a_deleted_row_lets_its_asset_go(delete: Callable[[Film], None], film: Film) -> None:
    delete(film)
    assert not FileAsset.objects.exists()


def test_rows_that_are_deleted_with_another_let_theirs_go(film: Film) -> None:
    Still.objects.create(film=film, image=make_provisional())
    film.delete()
    assert not FileAsset.objects.exists()


def test_a_child_lets_go_what_it_and_its_parent_refer_to() -> None:
    film = Documentary.objects.create(title="Nanook", video=make_asset("videos"), transcript=make_asset())
    film.delete()
    assert not FileAsset.objects.exists()


def test_the_parent_of_a_child_that_goes_alone_keeps_its_asset() -> None:
    film = Documentary.objects.create(title="Nanook", video=make_asset("videos"), transcript=make_asset())
    film.delete(keep_parents=True)
    assert FileAsset.objects.get() == Film.objects.get().video


def test_what_the_row_refers_to_goes_and_not_what_the_instance_does(film: Film) -> None:
    video, film.video = film.video, make_provisional("videos")
    film.delete()
    assert [attachment_of(video), attachment_of(film.video)] == [None, Attachment.PROVISIONAL]


def test_a_deletion_that_is_rolled_back_lets_nothing_go(film: Film) -> None:
    with transaction.atomic():
        film.delete()
        transaction.set_rollback(True)
    assert attachment_of(film.video) == Attachment.ATTACHED


def test_the_assets_of_a_field_for_several_go_with_the_row() -> None:
    album = Album.objects.create(title="Berlin")
    album.files.set([make_provisional(), make_provisional()])
    album.delete()
    assert not FileAsset.objects.exists()


@pytest.mark.parametrize("kept", [Reel, Collection])
def test_a_kept_asset_stands_alone(kept: type[Reel | Collection]) -> None:
    asset = make_provisional()
    row = kept.objects.create()
    if isinstance(row, Reel):
        row.file = asset
        row.save()
    else:
        row.files.add(asset)
    row.delete()
    assert attachment_of(asset) == Attachment.STANDALONE


def test_an_asset_to_which_another_row_refers_stays() -> None:
    asset = make_provisional()
    first, second = Poster.objects.create(sheet=asset), Poster.objects.create(sheet=asset)
    first.delete()
    assert attachment_of(asset) == Attachment.ATTACHED
    second.delete()
    assert attachment_of(asset) is None


def test_any_foreign_key_holds_an_asset(film: Film) -> None:
    Citation.objects.create(asset=film.video)
    film.delete()
    assert Citation.objects.get().asset.attachment == Attachment.ATTACHED


def test_an_asset_that_was_never_attached_stays() -> None:
    asset = make_asset()
    still = Still(film=Film.objects.create(title="Metropolis", video=make_asset("videos")), image=asset)
    Still.objects.bulk_create([still])
    Still.objects.get().delete()
    assert attachment_of(asset) == Attachment.STANDALONE


def test_rows_of_other_models_are_deleted_in_one_statement() -> None:
    assert Collector("default").can_fast_delete(Citation.objects.all())
    assert not Collector("default").can_fast_delete(Film.objects.all())
