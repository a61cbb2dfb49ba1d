"""Extract the texts that are marked for translation, compile the catalogues, and check them.

``update`` adds new texts to the catalogue of each language, drops those that are gone, and compiles it. ``check``
tells what is missing, uncertain or damaged. Neither needs the programs of GNU gettext.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

LANGUAGES = ("ar", "de", "es", "fr", "ja", "pt", "zh_Hans")
PACKAGE = Path("src") / "django_largefiles"

ONE, CONTEXT_AND_ONE = None, ((1, "c"), 2)
TWO, CONTEXT_AND_TWO = (1, 2), ((1, "c"), 2, 3)
KEYWORDS = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop"), ONE),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), TWO),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), CONTEXT_AND_ONE),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), CONTEXT_AND_TWO),
}
COMMENTS = ("Translators:",)

PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[a-z]|\{\w*\}|</?\w+>")
"""What is filled in, by Python or by the widget, and tags."""

POSITIONAL = re.compile(r"%[a-z]")

HEADER = "# Translations of the texts of django-largefiles."

KEPT = {"Language", "Plural-Forms", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"}
"""Fields of the header. Others change with each extraction, or name nobody."""


class Lasting(Catalog):
    """A catalogue that is written alike as long as its texts are."""

    @property
    def mime_headers(self) -> list[tuple[str, str]]:
        *others, (name, value) = ((name, value) for name, value in super().mime_headers if name in KEPT)
        return [*others, (name, f"{value}\n")]

    @mime_headers.setter
    def mime_headers(self, headers: list[tuple[str, str]]) -> None:
        Catalog.mime_headers.fset(self, headers)


def marked(root: Path) -> Catalog:
    """Return a catalogue of all texts of the package that are marked."""
    catalog = Catalog(project="django-largefiles", charset="utf-8")
    for path in sorted((root / PACKAGE).rglob("*")):
        for line, message, comments, context in _marked_in(path):
            place = (path.relative_to(root).as_posix(), line)
            catalog.add(message, None, [place], auto_comments=comments, context=context)
    return catalog


def _marked_in(path: Path) -> Iterator[tuple[int, Any, list[str], str | None]]:
    if path.suffix == ".py":
        source = path.read_text()
    elif "templates" in path.parts and path.suffix in {".html", ".txt"}:
        # Indentation means something to the extractor, which takes this for Python.
        source = "\n".join(line.strip() for line in templatize(path.read_text()).splitlines())
    else:
        return iter(())
    return extract("python", BytesIO(source.encode()), KEYWORDS, COMMENTS, options={"encoding": "utf-8"})


def update(root: Path, languages: Sequence[str]) -> None:
    texts = marked(root)
    for language in languages:
        path = _catalogue(root, language)
        path.parent.mkdir(parents=True, exist_ok=True)
        catalog = _read(path, language) if path.exists() else Lasting(language)
        catalog.update(texts, no_fuzzy_matching=True)
        path.write_bytes(_as_text(catalog))
        path.with_suffix(".mo").write_bytes(_compiled(_read(path, language)))


def problems(root: Path, languages: Sequence[str]) -> Iterator[str]:
    texts = marked(root)
    for language in languages:
        path = _catalogue(root, language)
        if path.exists():
            yield from (f"{path.relative_to(root)}: {problem}" for problem in _problems_of(path, language, texts))
        else:
            yield f"{path.relative_to(root)} is missing"


def _problems_of(path: Path, language: str, texts: Catalog) -> Iterator[str]:
    catalog = _read(path, language)
    wanted, there = ({(each.context, each.id): each for each in side if each.id} for side in (texts, catalog))
    yield from (f"{_shown(wanted[key])} is missing" for key in wanted.keys() - there.keys())
    yield from (f"{_shown(there[key])} is in no source" for key in there.keys() - wanted.keys())
    for message in there.values():
        yield from (f"{_shown(message)} {problem}" for problem in _problems_with(message))
    if path.with_suffix(".mo").exists() and path.with_suffix(".mo").read_bytes() == _compiled(catalog):
        return
    yield "is not compiled"


def _problems_with(message: Message) -> Iterator[str]:
    sources = message.id if isinstance(message.id, tuple) else (message.id,)
    translations = message.string if isinstance(message.string, tuple) else (message.string,)
    if not all(translations):
        yield "is not translated"
    if message.fuzzy:
        yield "is uncertain (fuzzy)"
    wanted = set(PLACEHOLDER.findall(sources[-1]))
    for number, translation in enumerate(translations):
        is_last = number == len(translations) - 1
        # Other forms than the last may have a word for the number, unless it is filled in by its position.
        needed = wanted if is_last else {each for each in wanted if POSITIONAL.fullmatch(each)}
        found = set(PLACEHOLDER.findall(translation or ""))
        if translation and not needed <= found <= wanted:
            yield f"has {sorted(found)} where there must be {sorted(wanted)}"


def _catalogue(root: Path, language: str) -> Path:
    return root / PACKAGE / "locale" / language / "LC_MESSAGES" / "django.po"


def _read(path: Path, language: str) -> Catalog:
    with path.open("rb") as file:
        found = read_po(file, locale=language)
    catalog = Lasting(language)
    catalog.mime_headers = found.mime_headers
    for message in found:
        if message.id:
            catalog[message.id] = message
    return catalog


def _as_text(catalog: Catalog) -> bytes:
    catalog.header_comment, catalog.fuzzy = HEADER, False
    file = BytesIO()
    write_po(file, catalog, width=118, include_lineno=False, sort_by_file=True, ignore_obsolete=True)
    return file.getvalue()


def _compiled(catalog: Catalog) -> bytes:
    file = BytesIO()
    write_mo(file, catalog)
    return file.getvalue()


def _shown(message: Message) -> str:
    return repr(message.id[0] if isinstance(message.id, tuple) else message.id)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("act", choices=("update", "check"))
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[1])
    parser.add_argument("--languages", nargs="+", default=LANGUAGES)
    options = parser.parse_args()
    if options.act == "update":
        update(options.root, options.languages)
        return
    found = list(problems(options.root, options.languages))
    sys.exit("\n".join(found) or 0)


if __name__ == "__main__":
    main()
