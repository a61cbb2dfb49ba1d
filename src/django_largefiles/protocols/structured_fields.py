"""Structured fields (RFC 9651), parsed by ``http-sf`` under a limit of length."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import http_sf

from ..exceptions import MalformedHeader

MAX_LENGTH = 8 * 1024
"""Characters of a field. The fields that this package reads have some hundred."""


def parse_item(header: str | None) -> object:
    """Return the value of an Item without its parameters; ``None`` if the field is absent or malformed."""
    try:
        value: object = _parse(header or "", "item")[0]
    except MalformedHeader:
        return None
    return value


def parse_dictionary(header: str | None) -> Mapping[str, object]:
    """Return the values of a Dictionary without their parameters; empty if the field is absent.

    An Inner List is a list. Raise ``MalformedHeader``.
    """
    return {key: value for key, (value, _) in _parse(header or "", "dictionary").items()}


def _parse(header: str, kind: Literal["item", "dictionary"]) -> Any:
    if len(header) > MAX_LENGTH:
        problem = f"the field has more than the {MAX_LENGTH} characters allowed"
        raise MalformedHeader(problem, limit=MAX_LENGTH, value=len(header))
    try:
        return http_sf.parse(header.encode(), tltype=kind)
    except ValueError as error:
        # Besides those of http-sf: characters that cannot be encoded.
        raise MalformedHeader(f"the field is not a valid structured field: {error}", value=header) from error
