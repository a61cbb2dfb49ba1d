"""Assets that wait too long: the message to a worker was lost, or the worker died."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db.models import Q

from .. import clock
from ..models import FileAsset, FileAssetQuerySet
from ..states import Reason, State
from . import leases
from .takedown import UNSETTLED, unsettled_and_overdue
from .transitions import move, move_and_signal


def overdue() -> FileAssetQuerySet:
    """Return the assets that a worker should work on and that none does, the longest waiting first.

    They are to be processed, or blocked and to be moved.
    """
    return FileAsset.objects.filter(_overdue() | unsettled_and_overdue()).order_by("lease_expires_at")


def reclaim(asset_id: UUID) -> bool:
    """An overdue asset → received, to be handed to a worker again; → failed if its attempts are used up.

    A blocked one stays rejected.

    Return whether the caller, and no other, is to hand it over.
    """
    wait = min(max(2 * _last_wait(asset_id), leases.HAND_OVER), leases.LONGEST_HAND_OVER)
    move_and_signal(
        asset_id,
        _overdue() & Q(attempts__gte=leases.MAX_ATTEMPTS),
        State.FAILED,
        reason=Reason.GAVE_UP,
        detail=f"{leases.MAX_ATTEMPTS} workers stopped without an answer",
        lease_expires_at=None,
        stage="",
        processed_at=clock.now(),
    )
    tried_again = _overdue() & Q(attempts__lt=leases.MAX_ATTEMPTS)
    waits = {"lease_expires_at": clock.after(wait), "stage": ""}
    return move(asset_id, tried_again, State.RECEIVED, **waits) or move(
        asset_id, unsettled_and_overdue(), State.REJECTED, **waits
    )


def not_handed_over(asset_id: UUID) -> None:
    """Make an asset that could not be given to a worker overdue at once."""
    for waiting, state in ((Q(state=State.RECEIVED), State.RECEIVED), (UNSETTLED, State.REJECTED)):
        move(asset_id, waiting, state, lease_expires_at=clock.now())


def _overdue() -> Q:
    """Return the condition: waiting beyond its time, or its worker's lease and its attempt's back-off ran out."""
    left = Q(attempts__gte=leases.MAX_ATTEMPTS, lease_expires_at__lte=clock.now())
    for attempt in range(1, leases.MAX_ATTEMPTS):
        left |= Q(attempts=attempt, lease_expires_at__lte=clock.after(-leases.back_off(attempt)))
    return Q(state=State.RECEIVED, lease_expires_at__lte=clock.now()) | (Q(state=State.PROCESSING) & left)


def _last_wait(asset_id: UUID) -> timedelta:
    """Return how long the asset was to wait when it last changed: both times are the database's."""
    row = FileAsset.objects.filter(pk=asset_id).values_list("lease_expires_at", "updated_at").first()
    return row[0] - row[1] if row and row[0] else timedelta(0)
