"""Texts that a file states about itself."""

from __future__ import annotations

import re

MAX_TEXT = 1000
"""Characters kept of a text."""

# PostgreSQL accepts neither NUL nor lone surrogates; bidirectional overrides disguise one title as another.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


def clean_text(value: object, limit: int = MAX_TEXT) -> str:
    """Return ``value`` on one line, cut to ``limit``.

    Control characters, lone surrogates and bidirectional overrides are replaced by spaces.

    Return ``""`` for anything that is neither text nor bytes.
    """
    if isinstance(value, bytes):
        value = value[: 4 * limit].decode("utf-8", "replace")
    if not isinstance(value, str):
        return ""
    return " ".join(_UNSAFE.sub(" ", value[: 4 * limit]).split())[:limit].rstrip()
