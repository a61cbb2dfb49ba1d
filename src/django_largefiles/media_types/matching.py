"""Media types: patterns over them, and the file extensions that go with them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

from .table import EMPTY, EXTENSIONS, POSSIBLE, TELLING

T = TypeVar("T")

# restricted-name of RFC 6838 section 4.2.
_NAME = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
_PATTERN = re.compile(rf"\*/\*|{_NAME}/(?:\*|{_NAME})")


def matches(media_type: str, patterns: Iterable[str]) -> bool:
    """Whether ``media_type`` is one of ``patterns``: exact, ``image/*`` or ``*/*``.

    Case and parameters do not count.
    """
    wider = _widening(media_type)
    return any(_essence(pattern) in wider for pattern in patterns)


def most_specific(media_type: str, mapping: Mapping[str, T]) -> T | None:
    """The value under the exact type, else under ``type/*``, else under ``*/*``."""
    by_pattern = {_essence(pattern): value for pattern, value in mapping.items()}
    return next((by_pattern[pattern] for pattern in _widening(media_type) if pattern in by_pattern), None)


def is_pattern(text: str) -> bool:
    """Whether ``text`` is a media type without parameters, ``type/*`` or ``*/*`` (RFC 6838 section 4.2)."""
    return _PATTERN.fullmatch(text) is not None


def extension_fits(extension: str, media_type: str) -> bool:
    """Whether a file of the sniffed ``media_type`` may have ``extension`` (with its dot, ``""`` for none).

    - No extension fits every type, and every extension an empty file.
    - A type that we know fits its own extensions alone.
    - A type that we do not know, such as ``application/octet-stream``, fits those that promise nothing:
      ``.bin``, ``.dat`` and all that belong to no known type.
    - Plain text, and the source code that libmagic guesses at, fit what is read as text (``.csv``, ``.md``,
      ``.py``), but nothing that a browser, a shell or a server may run or render on sight: ``.html``,
      ``.svg``, ``.xml``, ``.js``, ``.php``, ``.bat``.
    """
    suffix, kind = extension.lower(), _essence(media_type)
    if not suffix or kind == EMPTY:
        return True
    own = EXTENSIONS.get(kind)
    return suffix not in TELLING if own is None else suffix in own


def extension_allowed(extension: str, patterns: Iterable[str]) -> bool:
    """Whether some type among ``patterns`` may have ``extension``; of one that belongs to no known type any may."""
    suffix, wanted = extension.lower(), tuple(patterns)
    if suffix not in TELLING:
        return True
    return any(suffix in own and matches(kind, wanted) for kind, own in EXTENSIONS.items())


def possible_types(head_type: str) -> tuple[str, ...]:
    """What a whole file may turn out to be, whose first bytes alone show ``head_type``; itself first."""
    head = _essence(head_type)
    return (head, *(kind for kind in POSSIBLE.get(head, ()) if kind != head))


def _essence(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()


def _widening(media_type: str) -> tuple[str, str, str]:
    exact = _essence(media_type)
    return exact, f"{exact.partition('/')[0]}/*", "*/*"
