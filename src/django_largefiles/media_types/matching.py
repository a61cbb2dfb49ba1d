"""Rules about media types: patterns, file extensions, and what a type may turn out to be or count as."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TypeVar

from .families import ACTIVE_TYPES, EXTENSIONS, POSSIBLE, SYNONYMS, TELLING
from .table import EMPTY, EQUIVALENT_TEXTS

T = TypeVar("T")

# restricted-name of RFC 6838 section 4.2.
_NAME = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
_PATTERN = re.compile(rf"\*/\*|{_NAME}/(?:\*|{_NAME})")


def matches(media_type: str, patterns: Iterable[str]) -> bool:
    """Return whether ``media_type`` matches one of ``patterns``: a type, ``image/*`` or ``*/*``.

    Case and parameters are ignored.
    """
    wider = _widening(media_type)
    return any(_essence(pattern) in wider for pattern in patterns)


def most_specific(media_type: str, mapping: Mapping[str, T]) -> T | None:
    """Return the value for the exact type, else for ``type/*``, else for ``*/*``, else ``None``."""
    by_pattern = {_essence(pattern): value for pattern, value in mapping.items()}
    return next((by_pattern[pattern] for pattern in _widening(media_type) if pattern in by_pattern), None)


def is_pattern(text: str) -> bool:
    """Return whether ``text`` is a media type without parameters, ``type/*`` or ``*/*`` (RFC 6838 section 4.2)."""
    return _PATTERN.fullmatch(text) is not None


@lru_cache(maxsize=256)
def covers_active_types(pattern: str) -> bool:
    """Return whether ``pattern`` covers a type that browsers may execute: HTML, SVG, all XML, scripts, programs."""
    essence = _essence(pattern)
    return essence.endswith("+xml") or any(matches(kind, (essence,)) for kind in ACTIVE_TYPES)


def extension_fits(extension: str, media_type: str) -> bool:
    """Return whether a file of the sniffed ``media_type`` may have ``extension`` (with its dot, ``""`` for none).

    - A name without an extension fits every type, and an empty file fits every extension.
    - A type of the table fits its own extensions only.
    - A type that is not in the table, such as ``application/octet-stream``, fits extensions that promise no type:
      ``.bin``, ``.dat`` and all that belong to no known type.
    - Plain text, and the source code that libmagic guesses at, fit extensions that are read as text (``.csv``,
      ``.md``, ``.py``), but none that a browser, a shell or a server may run or render on sight: ``.html``,
      ``.svg``, ``.xml``, ``.js``, ``.php``, ``.bat``.
    """
    suffix, kind = extension.lower(), _essence(media_type)
    if not suffix or kind == EMPTY:
        return True
    own = EXTENSIONS.get(kind)
    return suffix not in TELLING if own is None else suffix in own


def extension_allowed(extension: str, patterns: Iterable[str]) -> bool:
    """Return whether a type that matches ``patterns`` may have ``extension``, or it belongs to no known type."""
    suffix, wanted = extension.lower(), tuple(patterns)
    if suffix not in TELLING:
        return True
    return any(suffix in own and matches(kind, wanted) for kind, own in EXTENSIONS.items())


def possible_types(head_type: str) -> tuple[str, ...]:
    """Return the types that a file may turn out to be if its first bytes show ``head_type``, which comes first."""
    head = _essence(head_type)
    return (head, *(kind for kind in POSSIBLE.get(head, ()) if kind != head))


def declarable_types(declared: str, extension: str) -> tuple[str, ...]:
    """Return the types that a client may mean by ``declared``, for a file with this extension.

    Browsers take the type from the system's registry, which knows ZIP by another name, or CSV as a spreadsheet.
    """
    named = SYNONYMS.get(_essence(declared), (_essence(declared),))
    return (*named, "text/csv") if extension == ".csv" and "application/vnd.ms-excel" in named else named


def equivalents(media_type: str, extension: str) -> tuple[str, ...]:
    """Return the types that a file of ``media_type`` with this extension may count as; ``media_type`` comes first."""
    named = (
        row.counts_as for row in EQUIVALENT_TEXTS if media_type in row.shown and row.extension in {"*", extension}
    )
    return media_type, *(kind for kind in named if kind != media_type)


def _essence(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()


def _widening(media_type: str) -> tuple[str, str, str]:
    exact = _essence(media_type)
    return exact, f"{exact.partition('/')[0]}/*", "*/*"
