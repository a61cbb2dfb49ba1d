"""Signals that no crash loses.

Each is noted in the transaction that makes it due, sent after its commit, and the note removed. What was noted by a
process that died before it had removed the note is sent by the sweeper: so a receiver is called at least once, and
once only unless the process that calls it dies, loses its database or takes longer than ``RESEND_AFTER``.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from uuid import UUID

from django.db import router, transaction
from django.db.models import F
from django.utils import timezone

from ..models import FileAsset, PendingSignal
from ..signals import asset_failed, asset_ready, asset_received, asset_rejected
from ..states import State

logger = logging.getLogger(__name__)

RESEND_AFTER = timedelta(minutes=5)
"""How long the receivers of a signal may take before the process that calls them is taken for dead."""

MAX_TRIES = 5
"""A receiver that kills every process that calls it must not do so for ever."""

SIGNALS = {
    State.RECEIVED: asset_received,
    State.READY: asset_ready,
    State.REJECTED: asset_rejected,
    State.FAILED: asset_failed,
}


def announce(asset_id: UUID, state: State, using: str, *, asset: FileAsset | None = None) -> None:
    """Send the signal of ``state`` once the transaction is committed. ``asset`` spares a query where it is at hand."""
    note = PendingSignal(asset_id=asset_id, state=state, due_at=timezone.now() + RESEND_AFTER)
    note.save(using=using, force_insert=True)
    # No partial: Django names the function in its report of a failure, and a partial has no name.
    transaction.on_commit(lambda: _send(note, using, asset), using=using, robust=True)


def send_overdue(limit: int) -> int:
    """Send what nobody has sent, in the order in which it fell due. How many signals that were."""
    using = router.db_for_write(PendingSignal)
    overdue = PendingSignal.objects.using(using).filter(due_at__lte=timezone.now()).order_by("pk")
    return sum(_send_again(note, using) for note in list(overdue[:limit]))


def _send_again(note: PendingSignal, using: str) -> bool:
    if note.tries >= MAX_TRIES:
        logger.error("Nobody survives to announce that asset %s is %s: given up.", note.asset_id, note.state)
        note.delete(using=using)
        return False
    untouched = PendingSignal.objects.using(using).filter(pk=note.pk, tries=note.tries)
    won = bool(untouched.update(tries=F("tries") + 1, due_at=timezone.now() + RESEND_AFTER))
    if won:
        logger.warning(
            "Announcing that asset %s is %s, as who should have done so has not.", note.asset_id, note.state
        )
        _send(note, using, None)
    return won


def _send(note: PendingSignal, using: str, asset: FileAsset | None) -> None:
    asset = asset or FileAsset.objects.using(using).filter(pk=note.asset_id).first()
    if asset:
        SIGNALS[State(note.state)].send_robust(sender=FileAsset, asset=asset)
    note.delete(using=using)
