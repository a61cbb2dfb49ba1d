"""The forms of the documentation. ``integration/test_film_site.py`` makes the project with which the page begins."""

from __future__ import annotations

from typing import Any

import pytest
from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from django.test import RequestFactory
from django.urls import path
from pytest_django.fixtures import Settings

from django_largefiles.models import FileAsset
from django_largefiles.states import State
from tests.conftest import Largefiles
from tests.films.models import Film, Still
from tests.forms.pages import picture
from tests.snippets.claims import claim
from tests.snippets.running import run

FORM = claim("docs/forms.rst", "class FilmForm(AssetFormMixin, forms.ModelForm):")
CLASS_BASED = claim("docs/forms.rst", "class FilmView(UpdateView):")
FREE_FORM = claim("docs/forms.rst", "class ContributionForm(AssetFormMixin, forms.Form):")
FORMSET = claim("docs/forms.rst", "StillFormSet = inlineformset_factory(Film, Still, form=StillForm)")
ADMIN = claim("docs/forms.rst", "class StillInline(AssetAdminMixin, admin.TabularInline):")
VIEW = claim("docs/forms.rst", "def add(request):")

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls(__name__)]

urlpatterns = [path("films/<int:pk>/", lambda request, pk: None, name="film")]


@pytest.fixture(autouse=True)
def _project(settings: Settings, largefiles: Largefiles) -> None:
    largefiles.set(PROFILES={"videos": {"ALLOWED_MIME_TYPES": ["image/*"]}})


def request(user: User, data: dict[str, Any]) -> HttpRequest:
    request = RequestFactory().post("/", data)
    request.user, request.session = user, SessionStore()
    # As Django's test client does.
    request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
    return request


def test_a_form_takes_its_request_and_saves_the_file(owner: User) -> None:
    film_form = run(FORM, Film=Film)["FilmForm"]
    form = film_form({"title": "Metropolis"}, {"video": picture()}, request=request(owner, {}))
    assert form.is_valid(), form.errors
    assert form.save().video.owner == owner


def test_a_class_based_view_passes_its_request(owner: User) -> None:
    view = run(CLASS_BASED, **run(FORM, Film=Film))["FilmView"]()
    view.setup(request(owner, {}))
    view.object = None
    assert view.get_form().fields["video"].request is view.request


def test_a_view_streams_the_file_of_its_form(owner: User) -> None:
    names = run(FORM, Film=Film)
    add = run(VIEW, **names)["add"]
    answer = add(request(owner, {"title": "Metropolis", "video": picture()}))
    film = Film.objects.get()
    assert (answer.url, film.video.state) == (f"/films/{film.pk}/", State.RECEIVED)


def test_a_form_without_a_model_returns_assets(owner: User) -> None:
    form = run(FREE_FORM)["ContributionForm"]({}, {"video": picture()}, request=request(owner, {}))
    assert form.is_valid(), form.errors
    assert (form.cleaned_data["video"], form.cleaned_data["stills"]) == (FileAsset.objects.get(), [])


def test_a_formset_gives_the_request_to_its_forms(owner: User) -> None:
    film = Film.objects.create(title="Metropolis", video=FileAsset.objects.ingest(picture(), profile="videos"))
    names = {"Film": Film, "Still": Still, "forms": forms, **run(FORM, Film=Film)}
    stills = run(FORMSET, **names)["stills"]
    data = {"still_set-TOTAL_FORMS": "3", "still_set-INITIAL_FORMS": "0", "still_set-1-image": picture()}
    assert stills(request(owner, data), film.pk).url == f"/films/{film.pk}/"
    assert Still.objects.get().film == film


def test_an_admin_has_an_inline(monkeypatch: pytest.MonkeyPatch) -> None:
    site = admin.AdminSite()
    monkeypatch.setattr("django.contrib.admin.sites.site", site)
    run(ADMIN, Film=Film, Still=Still)
    assert [inline.model for inline in site.get_model_admin(Film).inlines] == [Still]
