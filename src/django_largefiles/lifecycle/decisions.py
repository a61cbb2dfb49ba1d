"""What people decide about a file that was processed."""

from __future__ import annotations

from uuid import UUID

from django.db import router
from django.db.models import F, Q

from .. import clock
from ..models import FileAsset
from ..states import Reason, State
from ..transactions import in_transaction_of
from . import leases
from .transitions import MAX_DETAIL, hand_over_after_commit, move_and_signal

REPROCESSABLE = (State.FAILED, State.READY)

KEPT = (Reason.BLOCKED, Reason.UNSCANNABLE)
"""The reasons for which a rejected asset keeps its bytes: a takedown is evidence, and quarantine may be lifted."""

QUARANTINED = Q(state=State.REJECTED, reason=Reason.UNSCANNABLE) & ~Q(file="")


def is_reprocessable(asset: FileAsset) -> bool:
    """Return whether ``reprocess`` would move the asset, as far as can be told without asking the database."""
    is_quarantined = asset.state == State.REJECTED and asset.reason == Reason.UNSCANNABLE and bool(asset.file)
    return asset.state in REPROCESSABLE or is_quarantined


@in_transaction_of(FileAsset)
def reprocess(asset_id: UUID) -> bool:
    """failed, ready or in quarantine → received: verify and describe the kept bytes anew.

    Return whether this call moved the asset.
    """
    moved = move_and_signal(
        asset_id,
        Q(state__in=REPROCESSABLE) | QUARANTINED,
        State.RECEIVED,
        reason="",
        detail="",
        attempts=0,
        lease_expires_at=clock.after(leases.HAND_OVER),
        stage="",
        stage_done=0,
        scan_verdict="",
        scan_detail=[],
    )
    if moved:
        hand_over_after_commit(asset_id, router.db_for_write(FileAsset))
    return moved


@in_transaction_of(FileAsset)
def block(asset_id: UUID, detail: str = "") -> bool:
    """ready → rejected: a takedown. The bytes are kept, as evidence; no route serves them.

    Signed links that were made before stay dead, even if the asset becomes ready again. If the storage signs URLs, a
    worker moves the bytes, which ends those that were signed before.

    Return whether this call moved the asset.
    """
    moved = move_and_signal(
        asset_id,
        Q(state=State.READY),
        State.REJECTED,
        reason=Reason.BLOCKED,
        detail=detail[:MAX_DETAIL],
        link_generation=F("link_generation") + 1,
        lease_expires_at=clock.after(leases.HAND_OVER),
        stage="",
    )
    if moved:
        hand_over_after_commit(asset_id, router.db_for_write(FileAsset))
    return moved
