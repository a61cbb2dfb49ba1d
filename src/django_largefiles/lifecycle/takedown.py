"""After a takedown: a worker's hold on a blocked asset, whose bytes may have to be moved.

A storage that signs URLs cannot call them back, but they end with the name that they were signed for. While a blocked
asset has ``lease_expires_at``, that is still to be done; ``stage`` tells whether a worker is at it. The state does not
change.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import router
from django.db.models import F, Q

from .. import clock
from ..models import FileAsset
from ..states import Reason, Stage, State
from ..transactions import in_transaction_of
from . import leases
from .claims import Claim, ClaimLost
from .transitions import move

UNSETTLED = Q(state=State.REJECTED, reason=Reason.BLOCKED, lease_expires_at__isnull=False)


def unsettled_and_overdue() -> Q:
    """Return the condition: no worker has settled the takedown, and none is at it."""
    return UNSETTLED & Q(lease_expires_at__lte=clock.now())


@in_transaction_of(FileAsset)
def claim_blocked(asset_id: UUID) -> Claim | None:
    """Hold a blocked asset whose takedown is not settled. Return ``None`` if there is nothing to do."""
    waiting = UNSETTLED & (Q(stage="") | Q(lease_expires_at__lte=clock.now()))
    changes = {"stage": Stage.STORING, "stage_done": 0, "lease_expires_at": clock.after(leases.LEASE)}
    if not move(asset_id, waiting, State.REJECTED, claims=F("claims") + 1, **changes):
        return None
    assets = FileAsset.objects.using(router.db_for_write(FileAsset))
    return Claim(asset_id=asset_id, number=assets.values_list("claims", flat=True).get(pk=asset_id), attempt=1)


def renew_blocked(claim: Claim, *, done: int = 0) -> None:
    """Keep the claim, and store the progress. Raise ``ClaimLost``."""
    _change(claim, stage_done=done, lease_expires_at=clock.after(leases.LEASE))


def settle_blocked(claim: Claim, **columns: Any) -> None:
    """End the takedown: no URL that was signed before leads to the bytes. Raise ``ClaimLost``."""
    _change(claim, lease_expires_at=None, stage="", **columns)


def _change(claim: Claim, **columns: Any) -> None:
    held = UNSETTLED & Q(claims=claim.number)
    if not move(claim.asset_id, held, State.REJECTED, **columns):
        raise ClaimLost
