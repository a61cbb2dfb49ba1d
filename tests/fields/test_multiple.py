from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import transaction

from django_largefiles.exceptions import NotAttachable
from django_largefiles.models import FileAsset
from django_largefiles.states import Attachment, State
from tests.films.assets import attachment_of, make_asset, make_provisional
from tests.films.models import Album, Collection, Film

pytestmark = pytest.mark.django_db(transaction=True)

ATTACHED, STANDALONE = Attachment.ATTACHED, Attachment.STANDALONE


@pytest.fixture
def asset() -> FileAsset:
    return make_provisional()


@pytest.fixture
def album(asset: FileAsset) -> Album:
    album = Album.objects.create(title="Berlin")
    album.files.add(asset)
    return album


def test_added_assets_are_attached(album: Album, asset: FileAsset) -> None:
    more = make_asset()
    album.files.add(asset, more)
    assert [attachment_of(asset), attachment_of(more)] == [ATTACHED, ATTACHED]


@pytest.mark.parametrize(
    "take",
    [
        lambda album, asset: album.files.remove(asset),
        lambda album, asset: album.files.remove(asset.pk),
        lambda album, asset: album.files.clear(),
        lambda album, asset: album.files.set([]),
        lambda album, asset: album.files.set([], clear=True),
        lambda album, asset: asset.album_set.remove(album),
        lambda album, asset: asset.album_set.clear(),
        lambda album, asset: asset.album_set.set([]),
    ],
    ids=[
        "remove",
        "remove by id",
        "clear",
        "set",
        "set with clear",
        "from the asset",
        "clear the asset",
        "set the asset",
    ],
)
def test_an_asset_that_is_taken_away_goes(
    take: Callable[[Album, FileAsset], None], album: Album, asset: FileAsset
) -> None:
    take(album, asset)
    assert attachment_of(asset) is None


def test_an_asset_that_is_set_again_stays(album: Album, asset: FileAsset) -> None:
    more = make_provisional()
    album.files.set([asset, more])
    album.files.set([more])
    assert [attachment_of(asset), attachment_of(more)] == [None, ATTACHED]


def test_what_is_rolled_back_has_changed_nothing(album: Album, asset: FileAsset) -> None:
    more = make_provisional()
    with transaction.atomic():
        album.files.set([more])
        transaction.set_rollback(True)
    assert [attachment_of(asset), attachment_of(more)] == [ATTACHED, Attachment.PROVISIONAL]


def test_rows_may_be_added_to_an_asset(asset: FileAsset) -> None:
    album = Album.objects.create(title="Berlin")
    asset.album_set.add(album)
    assert attachment_of(asset) == ATTACHED
    asset.album_set.add(album)
    album.delete()
    assert attachment_of(asset) is None


def test_several_rows_cannot_be_added_to_an_asset(asset: FileAsset) -> None:
    albums = [Album.objects.create(title="Berlin") for _ in range(2)]
    with pytest.raises(NotAttachable):
        asset.album_set.add(*albums)
    assert (asset.album_set.count(), attachment_of(asset)) == (0, Attachment.PROVISIONAL)


@pytest.mark.parametrize(
    "make",
    [
        lambda: make_provisional("videos"),
        lambda: make_provisional(state=State.RECEIVING, size=None),
        lambda: Film.objects.create(title="Metropolis", video=make_asset("videos")).video,
    ],
    ids=["another profile", "receiving", "another row"],
)
def test_if_one_is_refused_none_is_added(make: Callable[[], FileAsset], asset: FileAsset) -> None:
    album, refused = Album.objects.create(title="Berlin"), make()
    before = attachment_of(refused)
    with pytest.raises(NotAttachable):
        album.files.add(asset, refused)
    assert (album.files.count(), attachment_of(asset), attachment_of(refused)) == (0, Attachment.PROVISIONAL, before)


def test_a_kept_and_shared_asset_stands_alone_after_the_last_row(asset: FileAsset) -> None:
    collections = [Collection.objects.create() for _ in range(2)]
    asset.collection_set.add(*collections)
    collections[0].files.clear()
    assert attachment_of(asset) == ATTACHED
    collections[1].files.remove(asset)
    assert attachment_of(asset) == STANDALONE


def test_taking_away_what_is_not_there_changes_nothing(album: Album) -> None:
    other = make_asset()
    album.files.remove(other)
    assert attachment_of(other) == STANDALONE


def test_rows_are_loaded_before_their_assets(album: Album, asset: FileAsset, tmp_path: Path) -> None:
    Film.objects.create(title="Metropolis", video=make_provisional("videos"))
    dump = tmp_path / "dump.json"
    call_command("dumpdata", "films", "django_largefiles.fileasset", output=str(dump), verbosity=0)
    for model in (Album, Film, FileAsset):
        model.objects.all().delete()
    call_command("loaddata", str(dump), verbosity=0)
    assert Album.objects.get().files.get() == asset
    assert {asset.attachment for asset in FileAsset.objects.all()} == {ATTACHED}
    Album.objects.get().delete()
    assert attachment_of(asset) is None
