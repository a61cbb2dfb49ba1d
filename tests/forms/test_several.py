"""A form with several assets."""

from __future__ import annotations

from typing import Any

import pytest
from django import forms
from django.utils.datastructures import MultiValueDict

from django_largefiles.forms import AssetFormMixin, AssetsFormField
from django_largefiles.models import FileAsset
from django_largefiles.states import Attachment
from tests.conftest import EXECUTABLE, png
from tests.films.models import Album
from tests.forms.conftest import Visitor
from tests.forms.pages import Inputs, picture

pytestmark = pytest.mark.django_db(transaction=True)


class AlbumForm(AssetFormMixin, forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Album
        fields = ("files", "title")


def album_form(visitor: Visitor, *tokens: str, album: Album | None = None, **data: Any) -> AlbumForm:
    values = MultiValueDict({"title": ["Summer"], "files": list(tokens)})
    files = MultiValueDict({"files": data.pop("sent", [])})
    for name, value in data.items():
        values.setlist(name.replace("_", "-"), value if isinstance(value, list) else [value])
    return AlbumForm(values, files, instance=album, request=visitor.request)


@pytest.fixture
def album(visitor: Visitor) -> Album:
    album = Album.objects.create(title="Summer")
    album.files.add(*(visitor.upload("default", name=name) for name in ("first.png", "second.png")))
    return album


def names(album: Album) -> list[str]:
    return sorted(album.files.values_list("original_name", flat=True))


def uploads(visitor: Visitor, *names: str) -> list[str]:
    return [visitor.token(profile="default", name=name) for name in names]


def test_tokens_and_files_are_attached_together(visitor: Visitor) -> None:
    form = album_form(
        visitor, *uploads(visitor, "a.png", "b.png"), sent=[picture(name="c.png"), picture(name="d.png")]
    )
    assert form.is_valid(), form.errors
    assert names(form.save()) == ["a.png", "b.png", "c.png", "d.png"]
    assert set(FileAsset.objects.values_list("attachment", flat=True)) == {Attachment.ATTACHED}


def test_nothing_submitted_keeps_all(visitor: Visitor, album: Album) -> None:
    form = album_form(visitor, album=album)
    assert form.is_valid()
    assert form.changed_data == []
    assert names(form.save()) == ["first.png", "second.png"]


def test_files_are_added_and_removed(visitor: Visitor, album: Album) -> None:
    first = album.files.get(original_name="first.png")
    form = album_form(visitor, *uploads(visitor, "third.png"), album=album, files_clear=[str(first.pk)])
    assert names(form.save()) == ["second.png", "third.png"]
    assert not FileAsset.objects.filter(pk=first.pk).exists()


def test_a_form_that_is_submitted_twice_changes_nothing_the_second_time(visitor: Visitor, album: Album) -> None:
    tokens = [visitor.token(asset) for asset in album.files.all()]
    form = album_form(visitor, *tokens, *tokens, album=album)
    assert form.is_valid(), form.errors
    assert names(form.save()) == ["first.png", "second.png"]


def test_an_upload_may_be_removed_before_it_is_saved(visitor: Visitor) -> None:
    kept, removed = visitor.upload("default", name="kept.png"), visitor.upload("default")
    form = album_form(visitor, visitor.token(kept), visitor.token(removed), files_clear=[str(removed.pk)])
    assert form.is_valid()
    assert form.cleaned_data["files"] == [kept]


def test_an_id_that_is_not_the_row_s_removes_nothing(visitor: Visitor, album: Album) -> None:
    other = visitor.upload("default")
    form = album_form(visitor, album=album, files_clear=[str(other.pk), "nonsense"])
    assert names(form.save()) == ["first.png", "second.png"]
    assert FileAsset.objects.filter(pk=other.pk).exists()


def test_one_wrong_file_among_others_is_named_and_the_others_survive(visitor: Visitor, album: Album) -> None:
    sent = [picture(name="good.png"), picture(EXECUTABLE, name="bad.png")]
    form = album_form(visitor, "forged", *uploads(visitor, "a.png"), album=album, sent=sent)
    assert [error.code for error in form.errors.as_data()["files"]] == ["upload_token_invalid", "type_not_allowed"]
    assert form.errors["files"][1].startswith("bad.png: This is a program")
    inputs = Inputs(form)
    for name in ("first.png", "second.png", "a.png", "good.png"):
        assert name in inputs.page
    tokens = [str(attrs["value"]) for attrs in inputs.named("files", "hidden")]
    assert len(tokens) == 2
    assert names(album_form(visitor, *tokens, album=album).save()) == ["a.png", "first.png", "good.png", "second.png"]


def test_each_file_has_a_box_to_remove_it(visitor: Visitor, album: Album) -> None:
    inputs = Inputs(AlbumForm(instance=album, request=visitor.request))
    boxes = inputs.named("files-clear", "checkbox")
    assert [attrs["value"] for attrs in boxes] == [str(asset.pk) for asset in album.files.all()]
    assert len({attrs["id"] for attrs in boxes}) == 2
    (file,) = inputs.named("files", "file")
    assert "multiple" in file
    assert inputs.named("files", "hidden") == []


class GalleryForm(AssetFormMixin, forms.Form):
    files = AssetsFormField()


def test_a_saved_form_that_is_shown_again_has_the_files_of_the_row(visitor: Visitor, album: Album) -> None:
    kept, removed = album.files.all()
    form = album_form(visitor, *uploads(visitor, "third.png"), album=album, files_clear=[str(removed.pk)])
    form.save()
    shown = form["files"].value()
    assert (set(shown.initial), shown.uploaded) == (set(album.files.all()), ())
    assert kept in shown.initial


def test_one_file_at_least_is_required(visitor: Visitor) -> None:
    assert GalleryForm({}, request=visitor.request).has_error("files", "required")
    form = GalleryForm({"files": uploads(visitor, "a.png")}, request=visitor.request)
    assert form.is_valid()
    assert [asset.original_name for asset in form.cleaned_data["files"]] == ["a.png"]


def test_the_last_file_cannot_be_removed_where_one_is_required(visitor: Visitor) -> None:
    asset = visitor.upload("default")
    form = GalleryForm({"files-clear": [str(asset.pk)]}, initial={"files": [asset]}, request=visitor.request)
    assert form.has_error("files", "required")
    assert Inputs(form).named("files-clear", "checkbox")


def test_a_disabled_field_keeps_all(visitor: Visitor, album: Album) -> None:
    form = album_form(visitor, *uploads(visitor, "a.png"), album=album)
    form.fields["files"].disabled = True
    assert names(form.save()) == ["first.png", "second.png"]
    assert Inputs(form).named("files-clear", "checkbox") == []


def test_the_same_file_sent_twice_is_two(visitor: Visitor) -> None:
    form = album_form(visitor, sent=[picture(), picture(png(4, 4))])
    assert form.is_valid()
    assert len(form.cleaned_data["files"]) == 2
