"""What a client asks for: the assets, and the version that it has of them."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from ..exceptions import MalformedRequest

MOST_ASKED = 100
"""Assets in one request. A browser has six connections to a site over HTTP/1.1, so that a page needs one for all."""


def asked_assets(values: Iterable[str]) -> tuple[UUID, ...]:
    """Return the ids, each once. Raise ``MalformedRequest`` for none, too many, and what is no id."""
    asset_ids = tuple(dict.fromkeys(map(_asset_id, values)))
    if not asset_ids:
        raise MalformedRequest("the request names no files: give the id of each in a parameter 'asset'")
    if len(asset_ids) > MOST_ASKED:
        raise MalformedRequest("the request names too many files", limit=MOST_ASKED, value=len(asset_ids))
    return asset_ids


def _asset_id(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        raise MalformedRequest("this is not the id of a file", value=value) from None
