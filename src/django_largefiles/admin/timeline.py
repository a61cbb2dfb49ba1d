"""The timeline of a file, from the times that its row has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ..models import FileAsset
from ..states import State

SAME = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that has happened to a file, or will happen."""

    at: datetime
    text: str | Promise
    is_latest: bool = False
    """Whether it has led to the state in which the file is."""
    is_expected: bool = False


def timeline(asset: FileAsset) -> list[Event]:
    """Return what is known of the file's past, oldest first, and when it expires.

    Only the last transition has a time of its own: the admin's log has what people did before.
    """
    return [*sorted(_past(asset), key=lambda event: event.at), *_expected(asset)]


def _past(asset: FileAsset) -> Iterator[Event]:
    yield Event(at=asset.created_at, text=_("The upload began"))
    settled = asset.processed_at
    if settled and asset.updated_at - settled < SAME:
        yield Event(at=settled, text=_("Processing ended"), is_latest=True)
        return
    if settled:
        yield Event(at=settled, text=_("Processing ended"))
    yield Event(at=asset.updated_at, text=_("Last change"), is_latest=True)


def _expected(asset: FileAsset) -> Iterator[Event]:
    upload = getattr(asset, "upload", None) if asset.state == State.RECEIVING else None
    if upload:
        yield Event(at=upload.expires_at, text=_("The upload expires if no byte arrives before"), is_expected=True)
    elif asset.expires_at:
        text = _("The file is deleted unless a form with it is saved before")
        yield Event(at=asset.expires_at, text=text, is_expected=True)
