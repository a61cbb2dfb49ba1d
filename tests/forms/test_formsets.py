"""Fields of assets in formsets."""

from __future__ import annotations

from typing import Any

import pytest
from django import forms

from django_largefiles.forms import AssetFormMixin
from django_largefiles.models import FileAsset
from tests.films.models import Film, Still
from tests.forms.conftest import Visitor
from tests.forms.pages import Inputs, picture

pytestmark = pytest.mark.django_db(transaction=True)


class StillForm(AssetFormMixin, forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Still
        fields = ("image",)


Stills = forms.inlineformset_factory(Film, Still, form=StillForm, extra=2)


@pytest.fixture
def film(visitor: Visitor) -> Film:
    film = Film.objects.create(title="Metropolis", video=visitor.upload())
    for name in ("a.png", "b.png"):
        Still.objects.create(film=film, image=visitor.upload("default", name=name))
    return film


def submitted(visitor: Visitor, film: Film, files: dict[str, Any] | None = None, **changes: str) -> Any:
    """The formset of a film with two stills and two rows for new ones."""
    ids = Still.objects.order_by("pk").values_list("pk", flat=True)
    data = {"still_set-TOTAL_FORMS": "4", "still_set-INITIAL_FORMS": "2"}
    data |= {f"still_set-{number}-id": str(pk) for number, pk in enumerate(ids)}
    data |= {f"still_set-{name.replace('_', '-')}": value for name, value in changes.items()}
    return Stills(data, files, instance=film, form_kwargs={"request": visitor.request})


def stills(film: Film) -> list[str | None]:
    return [still.image and still.image.original_name for still in Still.objects.filter(film=film).order_by("pk")]


def test_rows_are_kept_changed_deleted_and_added(visitor: Visitor, film: Film) -> None:
    token = visitor.token(profile="default", name="new.png")
    files = {"still_set-3-image": picture(name="sent.png")}
    formset = submitted(visitor, film, files, **{"1_DELETE": "on", "2_image": token})
    assert formset.is_valid(), formset.errors
    formset.save()
    assert stills(film) == ["a.png", "new.png", "sent.png"]
    assert not FileAsset.objects.filter(original_name="b.png").exists()


def test_rows_in_which_nothing_was_chosen_are_no_rows(visitor: Visitor, film: Film) -> None:
    formset = submitted(visitor, film, **{"2_image": "", "3_image": ""})
    assert formset.is_valid()
    assert not formset.has_changed()
    formset.save()
    assert stills(film) == ["a.png", "b.png"]


def test_a_file_in_a_row_is_replaced_and_cleared(visitor: Visitor, film: Film) -> None:
    token = visitor.token(profile="default", name="c.png")
    submitted(visitor, film, **{"0_image": token, "1_image_clear": "on"}).save()
    assert stills(film) == ["c.png", None]


def test_the_uploads_of_all_rows_survive_a_formset_that_is_shown_again(visitor: Visitor, film: Film) -> None:
    token = visitor.token(profile="default", name="new.png")
    formset = submitted(visitor, film, **{"2_image": token, "3_image": "forged"})
    assert [bool(errors) for errors in formset.errors] == [False, False, False, True]
    inputs = Inputs(formset)
    again = submitted(visitor, film, **{"2_image": inputs.hidden["still_set-2-image"]})
    again.save()
    assert stills(film) == ["a.png", "b.png", "new.png"]


def test_one_upload_in_two_rows_is_taken_by_one(visitor: Visitor, film: Film) -> None:
    token = visitor.token(profile="default")
    formset = submitted(visitor, film, **{"2_image": token, "3_image": token})
    assert formset.is_valid()
    with pytest.raises(Exception, match="cannot be attached"):
        formset.save()
