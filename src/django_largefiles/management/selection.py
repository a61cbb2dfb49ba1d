"""Which assets a command is about."""

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
    """All of them, ordered by id: no cursor is held while the caller takes its time, and memory stays flat."""
    assets = assets.order_by("pk")
    page = list(assets[:PAGE])
    while page:
        yield from page
        page = list(assets.filter(pk__gt=page[-1].pk)[:PAGE])


def age(text: str) -> timedelta:
    """``90m``, ``12h`` or ``7d``, as the type of an argument."""
    match = _AGE.fullmatch(text)
    if match is None:
        raise ArgumentTypeError(f"{text!r} is no age such as 90m, 12h or 7d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
