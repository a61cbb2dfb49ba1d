"""Select the assets that a command works on."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from collections.abc import Iterator
from datetime import timedelta

from ..models import FileAsset, FileAssetQuerySet

PAGE = 1000

_AGE = re.compile(r"([0-9]{1,5})([mhd])", re.ASCII)
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def in_pages(assets: FileAssetQuerySet) -> Iterator[FileAsset]:
    """Yield the assets by id, page by page: no cursor stays open, and memory does not grow with their number."""
    assets = assets.order_by("pk")
    page = list(assets[:PAGE])
    while page:
        yield from page
        page = list(assets.filter(pk__gt=page[-1].pk)[:PAGE])


def age(text: str) -> timedelta:
    """Parse an argument such as ``90m``, ``12h`` or ``7d``."""
    match = _AGE.fullmatch(text)
    if match is None:
        raise ArgumentTypeError(f"{text!r} is not an age such as 90m, 12h or 7d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
