"""The page about languages: its table, and a catalogue of a project."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import pytest
from django.conf import global_settings
from django.utils.translation import override
from pytest_django.fixtures import Settings

from django_largefiles.forms.submissions import OBSTACLES
from django_largefiles.lifecycle import Obstacle
from tests.snippets.blocks import ROOT, find
from tests.snippets.claims import claim
from tests.snippets.project import run_settings

SETTINGS = find("docs/translations.rst", 'LOCALE_PATHS = [BASE_DIR / "locale"]')
CATALOGUE = claim("docs/translations.rst", 'msgid "This file is already in use."')


def test_languages_are_listed() -> None:
    listed = re.findall(
        r"^   \* - ``([\w-]+)``\n     - ([\w ]+)", (ROOT / "docs" / "translations.rst").read_text(), re.MULTILINE
    )
    folders = (ROOT / "src" / "django_largefiles" / "locale").iterdir()
    shipped = [folder.name.lower().replace("_", "-") for folder in folders]
    assert sorted(code for code, _ in listed) == sorted(["en", *shipped])
    assert set(listed) <= set(global_settings.LANGUAGES)


@pytest.mark.parametrize("language", ["en", "nl"])
def test_a_catalogue_of_the_project_has_precedence(language: str, settings: Settings, tmp_path: Path) -> None:
    compile_to(tmp_path / "locale" / language / "LC_MESSAGES" / "django.mo")
    settings.LOCALE_PATHS = run_settings(SETTINGS.text, tmp_path)["LOCALE_PATHS"]
    with override(language):
        assert str(OBSTACLES[Obstacle.ATTACHED]) == "This film belongs to another page."
        # Of what it leaves out, the text is the original one.
        assert str(OBSTACLES[Obstacle.MISSING]) == "This file does not exist any more."


def compile_to(path: Path) -> None:
    """In place of ``compilemessages``, which needs GNU gettext."""
    pofile = pytest.importorskip("babel.messages.pofile", reason="Babel is not installed")
    mofile = pytest.importorskip("babel.messages.mofile")
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        mofile.write_mo(file, pofile.read_po(BytesIO(CATALOGUE.text.encode())))
