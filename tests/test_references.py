from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from pytest_django.fixtures import Settings

from django_largefiles.models import FileAsset
from django_largefiles.references import Reference, attaching_fields, is_attached_by_field, is_referenced, references
from tests.films.assets import make_asset
from tests.films.models import Album, Citation, Documentary, Film, FormerFilm, Poster

USING = "default"


def test_fields_that_attach_are_found_without_their_accessors() -> None:
    assert {str(field).removeprefix("films.") for field in attaching_fields(USING)} == {
        "Film.video",
        "Documentary.trailer",
        "Documentary.transcript",
        "Still.image",
        "FormerFilm.script",
        "Poster.sheet",
        "Reel.file",
        "Album.files",
        "Collection.files",
    }


@pytest.mark.django_db
def test_rows_that_refer_to_an_asset_are_found_by_their_fields() -> None:
    asset = make_asset()
    posters = [Poster.objects.create(sheet=asset) for _ in range(2)]
    album = Album.objects.create(title="Berlin")
    found = {
        (reference.model, reference.pk, reference.field, terms.shared)
        for reference, terms in references(asset.pk, USING)
    }
    assert found == {(Poster, poster.pk, "sheet", True) for poster in posters}
    Album.files.through.objects.create(album=album, fileasset=asset)
    assert (Album, album.pk, "files") in {(r.model, r.pk, r.field) for r, _ in references(asset.pk, USING)}


@pytest.mark.django_db
def test_any_foreign_key_refers_to_an_asset_and_only_ours_attach_it() -> None:
    asset = make_asset()
    for condition in (is_referenced(USING), is_attached_by_field(USING)):
        assert not FileAsset.objects.filter(condition).exists()
    Citation.objects.create(asset=asset)
    assert FileAsset.objects.filter(is_referenced(USING)).exists()
    assert not FileAsset.objects.filter(is_attached_by_field(USING)).exists()
    Poster.objects.create(sheet=asset)
    assert FileAsset.objects.filter(is_attached_by_field(USING)).exists()


@pytest.mark.django_db
def test_a_copy_of_a_field_is_no_reference() -> None:
    FormerFilm.objects.create(title="Metropolis", video=make_asset())
    for condition in (is_referenced(USING), is_attached_by_field(USING)):
        assert not FileAsset.objects.filter(condition).exists()


class Elsewhere:
    def allow_migrate(self, db: str, app_label: str, **_: Any) -> bool | None:
        return False if app_label == "films" else None


@pytest.mark.django_db
def test_tables_of_other_databases_are_not_asked(settings: Settings) -> None:
    Poster.objects.create(sheet=make_asset())
    settings.DATABASE_ROUTERS = [Elsewhere()]
    assert list(attaching_fields(USING)) == []
    assert not FileAsset.objects.filter(is_referenced(USING)).exists()
    assert FileAsset.objects.filter(~is_referenced(USING)).exists()


@pytest.mark.django_db
@pytest.mark.parametrize("model", [Film, Documentary])
def test_a_reference_survives_its_way_through_the_database(model: type[Film]) -> None:
    film = model.objects.create(title="Nanook", video=make_asset("videos"))
    reference = Reference(model=model, pk=film.pk, field="video")
    found = Reference.from_json(reference.as_json())
    assert found == reference
    assert found.row(film.video_id, USING) == film
    assert found.row(uuid4(), USING) is None


@pytest.mark.parametrize("pk", [uuid4(), 7, "name"], ids=["UUID", "number", "text"])
def test_keys_of_rows_may_be_of_any_type(pk: Any) -> None:
    assert Reference(model=User, pk=pk, field="file").as_json()["pk"] == str(pk)


def test_composite_keys_are_written_as_their_field_reads_them() -> None:
    assert Reference(model=User, pk=(1, uuid4()), field="file").as_json()["pk"].startswith('["1", "')


@pytest.mark.parametrize(
    "stored",
    [
        {"model": "films.Gone", "pk": "1", "field": "video"},
        {"model": "gone.Film", "pk": "1", "field": "video"},
        {"model": "films.Film", "pk": "1", "field": "gone"},
    ],
    ids=["model", "app", "field"],
)
def test_a_reference_by_what_the_project_has_removed_is_none(stored: dict[str, str]) -> None:
    assert Reference.from_json(stored) is None
