"""What arrives, waits and fails: a few rows of each, and how many there are, by queries with a limit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .. import lifecycle
from ..access import User
from ..models import FileAsset, PendingRemoval, PendingSignal, SweeperRun, Upload
from ..states import State
from .bounds import COUNTED_AT_MOST, bounded_count

SHOWN = 10
"""Rows of each section."""


@dataclass(frozen=True, kw_only=True)
class Count:
    """A number of rows, exact up to ``COUNTED_AT_MOST``."""

    label: str | Promise
    number: int

    @property
    def is_bounded(self) -> bool:
        return self.number >= COUNTED_AT_MOST


@dataclass(frozen=True, kw_only=True)
class Section:
    """Files in one state, of which some are shown."""

    state: State
    title: str | Promise
    order: str | Promise
    """Which of them come first."""
    count: Count
    assets: list[FileAsset]


def sections(user: User) -> Iterator[Section]:
    """Return the states that are left by themselves, in their order, and those that people look after.

    They have the files that the access policy lets ``user`` see.
    """
    assets = FileAsset.objects.all()
    visible = assets.visible_to(user)
    yield _arriving(Upload.objects.all() if visible is assets else Upload.objects.filter(asset__in=visible))
    lease = "lease_expires_at"
    yield _section(visible, State.RECEIVED, _("Waiting for a worker"), _("those that have waited longest"), lease)
    yield _section(
        visible, State.PROCESSING, _("Being processed"), _("those whose worker is due to report next"), lease
    )
    yield _section(visible, State.FAILED, _("Failed"), _("those that were uploaded last"), "-created_at")
    yield _section(visible, State.REJECTED, _("Rejected"), _("those that were uploaded last"), "-created_at")


def duties() -> list[Count]:
    """Return what the sweeper is to do; numbers that grow mean that it does not run."""
    return [
        Count(label=_("Files that wait longer than they should"), number=bounded_count(lifecycle.overdue())),
        Count(label=_("Signals to be sent"), number=bounded_count(PendingSignal.objects.all())),
        Count(label=_("Deletions to be confirmed"), number=bounded_count(PendingRemoval.objects.all())),
    ]


def last_sweep() -> Any:
    """Return when the sweeper last ended a pass, or ``None`` if it never has."""
    return SweeperRun.objects.values_list("ran_at", flat=True).first()


def _arriving(uploads: QuerySet[Upload]) -> Section:
    # Its expiry moves with the bytes of an upload.
    uploads = uploads.order_by("-expires_at").select_related("asset__owner")
    title, order = _("Arriving"), _("those whose bytes arrived last")
    count = Count(label=title, number=bounded_count(uploads))
    return Section(
        state=State.RECEIVING, title=title, order=order, count=count, assets=[row.asset for row in uploads[:SHOWN]]
    )


def _section(
    assets: QuerySet[FileAsset], state: State, title: str | Promise, order: str | Promise, column: str
) -> Section:
    assets = assets.filter(state=state).order_by(column).select_related("owner")
    count = Count(label=title, number=bounded_count(assets))
    return Section(state=state, title=title, order=order, count=count, assets=list(assets[:SHOWN]))
