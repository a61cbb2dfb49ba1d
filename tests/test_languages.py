"""The texts of the package in the languages that it has."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.template.loader import render_to_string
from django.utils.translation import gettext, ngettext, override

from django_largefiles.exceptions import TooManyFiles, TypeNotAllowed
from django_largefiles.models import FileAsset
from django_largefiles.states import State
from django_largefiles.words import explain

LANGUAGES = ["ar", "de", "es", "fr", "ja", "pt", "zh-hans"]

REFUSED = TypeNotAllowed(limit="image/png, application/pdf", value="application/x-executable", name="photo.png")


def test_each_catalogue_is_of_a_language_here() -> None:
    folders = Path(__file__).parents[1].joinpath("src", "django_largefiles", "locale").iterdir()
    assert sorted(folder.name.replace("_H", "-h") for folder in folders) == LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_people_read_their_language(language: str) -> None:
    with override("en"):
        english = [explain(REFUSED), str(State.READY.label), str(FileAsset._meta.verbose_name)]
    with override(language):
        translated = [explain(REFUSED), str(State.READY.label), str(FileAsset._meta.verbose_name)]
    assert [text for text in translated if text in english] == []
    assert "PNG, PDF" in translated[0]


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("de", "Dies ist ein Programm und nicht ein Bild. Hier erlaubt: PNG, PDF."),
        ("pt-br", "Isto é um programa, não uma imagem. Aqui são permitidos: PNG, PDF."),
        ("en-gb", "This is a program, not an image. Allowed here: PNG, PDF."),
        ("nl", "This is a program, not an image. Allowed here: PNG, PDF."),
    ],
)
def test_a_variant_reads_its_language_and_others_english(language: str, expected: str) -> None:
    with override(language):
        assert explain(REFUSED) == expected


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("limit", [1, 2, 5, 11, 100])
def test_numbers_have_their_forms(limit: int, language: str) -> None:
    with override(language):
        assert str(limit) in explain(TooManyFiles(limit=limit))


def test_forms_of_numbers_differ() -> None:
    with override("ar"):
        forms = [
            ngettext("%d file was blocked.", "%d files were blocked.", number) for number in (0, 1, 2, 3, 11, 100)
        ]
    assert len(set(forms)) == 6


def test_the_words_of_the_widget_keep_what_the_script_fills_in() -> None:
    with override("ja"):
        assert "{share}" in render_to_string("django_largefiles/forms/parts.html")
        assert gettext("{sent} of {size}") == "{sent} / {size}"
