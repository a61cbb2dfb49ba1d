"""What passes between a form field and its widget."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest

from ..models import FileAsset


@dataclass(frozen=True, kw_only=True)
class Submission:
    """What a form submits for one field."""

    tokens: tuple[str, ...] = ()
    """Those of files that were uploaded before."""
    files: tuple[Any, ...] = ()
    """Those that came with the form."""
    removed: frozenset[str] = frozenset()
    """The ids of assets that are to be taken away, or ``on`` for the only one."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What a widget shows."""

    request: HttpRequest
    """The request for whose user and session tokens are issued."""
    initial: tuple[FileAsset, ...] = ()
    """Those to which the row refers."""
    uploaded: tuple[FileAsset, ...] = ()
    """Those that this form has submitted, and that no row refers to yet."""


def assets_of(value: Any) -> tuple[FileAsset, ...]:
    """Return the assets of an initial value: an asset or its key, or several of them. What is no key has none."""
    values = list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [value]
    keys = [item for item in values if item and not isinstance(item, FileAsset) and _is_key(item)]
    found = FileAsset.objects.in_bulk(keys) if keys else {}
    by_text = {str(pk): asset for pk, asset in found.items()}
    assets = (item if isinstance(item, FileAsset) else by_text.get(str(item)) for item in values)
    return tuple(asset for asset in assets if asset)


def _is_key(value: Any) -> bool:
    try:
        FileAsset._meta.pk.to_python(value)
    except ValidationError:
        return False
    return True
