"""What the two fields have in common: options, migrations, system checks."""

from __future__ import annotations

from typing import Any

import pytest
from django import forms
from django.apps import apps
from django.core.management import call_command
from django.db import models
from django.db.migrations.state import ProjectState
from django.test.utils import isolate_apps
from pytest_django.fixtures import Settings

from django_largefiles.fields import AssetField, AssetsField
from django_largefiles.forms import AssetFormField, AssetInput, AssetsFormField
from tests.conftest import Largefiles
from tests.films import migrations
from tests.films.models import Album, Collection, Film, Poster, Reel


@pytest.mark.parametrize("field", ["video", "files"])
def test_migrations_have_fields_of_django(field: str) -> None:
    model = {"video": Film, "files": Album}[field]
    _, path, args, options = model._meta.get_field(field).deconstruct()
    assert (path.startswith("django.db.models."), args) == (True, [])
    assert options.keys() <= {"to", "on_delete", "blank"}


@pytest.mark.django_db
def test_no_migration_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("makemigrations", "films", check=True, dry_run=True)
    assert "No changes detected" in capsys.readouterr().out
    assert migrations


@pytest.mark.parametrize(("model", "name"), [(Reel, "file"), (Collection, "files")], ids=["one", "several"])
def test_a_clone_has_the_same_options(model: type[models.Model], name: str) -> None:
    field: Any = model._meta.get_field(name)
    clone = field.clone()
    assert (type(clone), clone.terms, clone.orphans) == (type(field), field.terms, field.orphans)
    assert clone.deconstruct()[1:] == field.deconstruct()[1:]


def test_historical_models_attach_nothing() -> None:
    historical = ProjectState.from_apps(apps).apps.get_model("films", "film")
    assert not hasattr(historical.save_base, "attaches_assets")
    assert hasattr(Film.save_base, "attaches_assets")


def told(field: Any) -> list[tuple[str, str]]:
    """What the system check says of a field of a model."""
    with isolate_apps("tests.films"):
        model: Any = type("Checked", (models.Model,), {"__module__": __name__, "Meta": Meta, "field": field})
        messages = model.check(databases=[])
    ours = [message for message in messages if str(message.id).startswith("django_largefiles.")]
    return [(str(message.id), f"{message.msg} {message.hint or ''}") for message in ours]


class Meta:
    app_label = "films"


@pytest.mark.parametrize("kind", [AssetField, AssetsField])
def test_an_unknown_profile_is_an_error(kind: Any) -> None:
    ((check, text),) = told(kind("books"))
    assert check == "django_largefiles.E030"
    assert (
        text == "There is no profile 'books'. Add it to LARGEFILES['PROFILES'], or name one of these: default, videos."
    )


def test_of_profiles_that_cannot_be_read_the_check_of_the_settings_tells(largefiles: Largefiles) -> None:
    largefiles.set(PROFILES=1)
    assert told(AssetField("books")) == []


@pytest.mark.parametrize("kind", [AssetField, AssetsField])
def test_unknown_orphans_are_an_error(kind: Any) -> None:
    ((check, text),) = told(kind(orphans="forget"))
    assert check == "django_largefiles.E031"
    assert "'forget'" in text
    assert "'delete' and 'keep'" in text


@pytest.mark.parametrize("kind", [AssetField, AssetsField])
def test_another_model_is_an_error(kind: Any) -> None:
    assert [check for check, _ in told(kind(to="auth.User"))] == ["django_largefiles.E032"]


def test_a_table_of_the_projects_own_in_between_is_an_error() -> None:
    assert [check for check, _ in told(AssetsField(through="films.Still"))] == ["django_largefiles.E033"]


class Router:
    def db_for_write(self, model: type[models.Model], **_: Any) -> str | None:
        return "films" if model._meta.app_label == "films" else None


def test_rows_in_another_database_are_an_error(settings: Settings) -> None:
    settings.DATABASE_ROUTERS = [Router()]
    ((check, text),) = told(AssetField())
    assert check == "django_largefiles.E034"
    assert "to the database 'films', and assets to 'default'" in text


@pytest.mark.parametrize(
    "field", [AssetField("videos"), AssetsField(orphans="keep", shared=True)], ids=["one", "several"]
)
def test_of_others_nothing_is_said(field: Any) -> None:
    assert told(field) == []


@pytest.mark.parametrize(
    ("field", "options", "made"),
    [
        ("video", {}, AssetFormField),
        ("video", {"widget": AssetInput}, AssetFormField),
        ("video", {"widget": AssetInput(), "using": "default", "queryset": None}, AssetFormField),
        ("video", {"widget": forms.Select}, forms.ModelChoiceField),
        ("video", {"form_class": forms.ModelChoiceField}, forms.ModelChoiceField),
        ("files", {}, AssetsFormField),
        ("files", {"widget": forms.SelectMultiple()}, forms.ModelMultipleChoiceField),
    ],
    ids=["one", "our class", "our widget", "another class", "another field", "several", "another widget"],
)
def test_a_form_has_a_field_for_uploads_unless_the_host_wants_another(
    field: str, options: dict[str, Any], made: type[forms.Field]
) -> None:
    model = {"video": Film, "files": Album}[field]
    assert type(model._meta.get_field(field).formfield(**options)) is made


def test_the_form_field_asks_for_what_the_model_field_does() -> None:
    video, sheet = (model._meta.get_field(name).formfield() for model, name in ((Film, "video"), (Poster, "sheet")))
    assert (video.terms.profile, video.widget.profile, video.terms.shared) == ("videos", "videos", False)
    assert (video.required, sheet.required, sheet.terms.shared) == (True, False, True)
