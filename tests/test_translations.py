"""The check of the catalogues, which is a script."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("babel", reason="Babel is not installed")

MODULE = """
from django.utils.translation import gettext as _, ngettext, pgettext

def texts(count, name):
    return (
        _("%(name)s is ready") % {"name": name},
        ngettext("%d file of yours", "%d files of yours", count) % count,
        ngettext("one file of %(name)s", "%(count)s files of %(name)s", count) % {"count": count, "name": name},
        pgettext("a noun", "record"),
    )
"""
TEMPLATE = """
{% load i18n %}
<p>
    {% translate "{sent} of {size}" %}
  {% blocktranslate %}<bdi>{{ name }}</bdi> isn't here{% endblocktranslate %}
</p>
"""
GERMAN = {
    "%(name)s is ready": "%(name)s ist bereit",
    "record": "Datensatz",
    "{sent} of {size}": "{sent} von {size}",
    "<bdi>%(name)s</bdi> isn't here": "<bdi>%(name)s</bdi> ist nicht hier",
}

GERMAN_FORMS = (
    'msgstr[0] "%d Datei von Ihnen"',
    'msgstr[1] "%d Dateien von Ihnen"',
    'msgstr[0] "eine Datei von %(name)s"',
    'msgstr[1] "%(count)s Dateien von %(name)s"',
)


def _script() -> ModuleType:
    spec = spec_from_file_location("translations", Path(__file__).parents[1] / ".ci" / "translations.py")
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SCRIPT = _script()


def update(root: Path) -> None:
    SCRIPT.update(root, ["de"])


def problems(root: Path) -> list[str]:
    return list(SCRIPT.problems(root, ["de"]))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with a few texts, and their German catalogue."""
    package = tmp_path / "src" / "django_largefiles"
    (package / "templates").mkdir(parents=True)
    (package / "texts.py").write_text(MODULE)
    (package / "templates" / "page.html").write_text(TEMPLATE)
    update(tmp_path)
    path = catalogue(tmp_path)
    text = path.read_text()
    for source, translation in GERMAN.items():
        assert f'msgid "{source}"\nmsgstr ""' in text
        text = text.replace(f'msgid "{source}"\nmsgstr ""', f'msgid "{source}"\nmsgstr "{translation}"')
    for form in GERMAN_FORMS:
        text = re.sub(r'msgstr\[\d\] ""', form, text, count=1)
    path.write_text(text)
    update(tmp_path)
    return tmp_path


def catalogue(root: Path) -> Path:
    return root / "src" / "django_largefiles" / "locale" / "de" / "LC_MESSAGES" / "django.po"


def test_a_complete_catalogue_is_right(root: Path) -> None:
    assert problems(root) == []


def test_an_update_keeps_what_is_translated(root: Path) -> None:
    before = catalogue(root).read_text()
    update(root)
    assert catalogue(root).read_text() == before
    # It would be another one at another time, and by another version of Babel.
    assert "Date:" not in before
    assert "Generated-By:" not in before


def edited(before: str, after: str) -> Callable[[Path], None]:
    def edit(root: Path) -> None:
        text = catalogue(root).read_text()
        assert before in text
        catalogue(root).write_text(text.replace(before, after))

    return edit


def with_another_text(root: Path) -> None:
    (root / "src" / "django_largefiles" / "more.py").write_text('_("new")')


def without_a_text(root: Path) -> None:
    (root / "src" / "django_largefiles" / "templates" / "page.html").write_text("")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        pytest.param(with_another_text, "'new' is missing", id="a new text"),
        pytest.param(without_a_text, "'{sent} of {size}' is in no source", id="a text that is gone"),
        pytest.param(edited('"Datensatz"', '""'), "'record' is not translated", id="untranslated"),
        pytest.param(
            edited('"%d Dateien von Ihnen"', '""'), "'%d file of yours' is not translated", id="without a plural"
        ),
        pytest.param(
            edited('msgctxt "a noun"', '#, fuzzy\nmsgctxt "a noun"'), "'record' is uncertain (fuzzy)", id="fuzzy"
        ),
        pytest.param(
            edited("von {size}", "von {grösse}"),
            "'{sent} of {size}' has ['{grösse}', '{sent}'] where there must be ['{sent}', '{size}']",
            id="another placeholder",
        ),
        pytest.param(
            edited('"%(name)s ist', '"Er ist'),
            "'%(name)s is ready' has [] where there must be ['%(name)s']",
            id="no placeholder",
        ),
        pytest.param(
            edited('"%d Dateien', '"Dateien'), "'%d file of yours' has [] where there must be ['%d']", id="no number"
        ),
        pytest.param(
            edited('"%d Datei von', '"eine Datei von'),
            "'%d file of yours' has [] where there must be ['%d']",
            id="a word for a number by position",
        ),
        pytest.param(
            edited('"eine Datei von %(name)s', '"%(number)s Datei'),
            "'one file of %(name)s' has ['%(number)s'] where there must be ['%(count)s', '%(name)s']",
            id="another name",
        ),
        pytest.param(edited("bereit", "fertig"), "is not compiled", id="not compiled"),
        pytest.param(lambda root: catalogue(root).with_suffix(".mo").unlink(), "is not compiled", id="no .mo"),
    ],
)
def test_a_fault_is_told(change: Callable[[Path], None], complaint: str, root: Path) -> None:
    change(root)
    assert f"src/django_largefiles/locale/de/LC_MESSAGES/django.po: {complaint}" in problems(root)


def test_a_missing_catalogue_is_told(root: Path) -> None:
    catalogue(root).unlink()
    assert problems(root) == ["src/django_largefiles/locale/de/LC_MESSAGES/django.po is missing"]
