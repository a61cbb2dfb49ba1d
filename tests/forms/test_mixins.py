"""What of a form did not arrive, because a file was refused."""

from __future__ import annotations

from typing import Any

import pytest
from django import forms

from django_largefiles.doors.form_files import RefusedFile
from django_largefiles.exceptions import TypeNotAllowed
from django_largefiles.forms import AssetFormField, AssetFormMixin, AssetsFormField
from tests.forms.conftest import Visitor

pytestmark = pytest.mark.django_db


class Everything(AssetFormMixin, forms.Form):
    files = AssetsFormField(required=False)
    title = forms.CharField()
    video = AssetFormField(profile="videos")
    subtitle = forms.CharField(required=False)
    published = forms.BooleanField()
    locked = forms.CharField(disabled=True, initial="x")


def refused(name: str = "video") -> dict[str, Any]:
    error = TypeNotAllowed(limit="video/*", value="text/html", name="a.mp4")
    return {name: RefusedFile(error, name="a.mp4", field_name=name, content_type="video/mp4")}


def codes(form: forms.BaseForm) -> dict[str, list[str | None]]:
    return {name: [error.code for error in errors] for name, errors in form.errors.as_data().items()}


def test_fields_of_assets_come_last(visitor: Visitor) -> None:
    assert list(Everything(request=visitor.request).fields) == [
        "title",
        "subtitle",
        "published",
        "locked",
        "files",
        "video",
    ]


def test_the_order_that_a_form_names_is_kept(visitor: Visitor) -> None:
    form = Everything(request=visitor.request, field_order=["video"])
    assert next(iter(form.fields)) == "video"


def test_fields_behind_a_refused_file_were_not_received(visitor: Visitor) -> None:
    form = Everything({"title": "Metropolis"}, refused(), request=visitor.request)
    assert codes(form) == {
        "video": ["type_not_allowed"],
        "subtitle": ["not_received"],
        # Browsers do not send a box that is not ticked: it may have arrived.
        "published": ["required"],
    }
    assert form.errors["video"] == ["This is a web page, not a video. Allowed here: videos."]


def test_a_field_that_was_received_empty_is_required(visitor: Visitor) -> None:
    form = Everything({"title": "", "subtitle": ""}, refused(), request=visitor.request)
    assert codes(form)["title"] == ["required"]


def test_without_a_refused_file_nothing_is_marked(visitor: Visitor) -> None:
    assert codes(Everything({}, request=visitor.request))["title"] == ["required"]


def test_a_row_of_a_formset_that_was_left_empty_stays_so(visitor: Visitor) -> None:
    formset = forms.formset_factory(Everything, extra=2)(
        {"form-TOTAL_FORMS": "2", "form-INITIAL_FORMS": "0", "form-0-title": "Metropolis"},
        refused("form-0-video"),
        form_kwargs={"request": visitor.request},
    )
    assert [sorted(errors) for errors in formset.errors] == [["published", "subtitle", "video"], []]
