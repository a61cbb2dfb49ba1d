"""Signals that are not lost when a process dies.

The transaction that makes a signal due also stores a ``PendingSignal``. After the commit the signal is sent and the
row deleted. If the process dies in between, the sweeper sends the signal. So a receiver is called at least once, and
more than once only if the process that calls it dies, loses its database or takes longer than ``RESEND_AFTER``.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from uuid import UUID

from django.db import router, transaction
from django.db.models import F

from .. import clock
from ..models import FileAsset, PendingSignal
from ..references import Reference
from ..signals import asset_failed, asset_ready, asset_received, asset_rejected, attachment_ready
from ..states import State

logger = logging.getLogger(__name__)

RESEND_AFTER = timedelta(minutes=5)
"""How long the receivers of a signal may take before the sweeper assumes that the process that called them died."""

MAX_TRIES = 5
"""How often the sweeper sends a signal: a receiver that kills its process must not do so again and again."""

SIGNALS = {
    State.RECEIVED: asset_received,
    State.READY: asset_ready,
    State.REJECTED: asset_rejected,
    State.FAILED: asset_failed,
}


def send_after_commit(asset_id: UUID, state: State, using: str, *, asset: FileAsset | None = None) -> None:
    """Send the signal of ``state`` once the transaction is committed. Passing ``asset`` saves a query."""
    pending = PendingSignal(asset_id=asset_id, state=state, due_at=clock.after(RESEND_AFTER))
    pending.save(using=using, force_insert=True)
    # No partial: Django names the function in its report of a failure, and a partial has no name.
    transaction.on_commit(lambda: _send(pending, using, asset), using=using, robust=True)


def send_attachment_ready(asset_id: UUID, reference: dict[str, str], using: str) -> None:
    """Send ``attachment_ready`` for one row once the transaction is committed."""
    pending = PendingSignal(
        asset_id=asset_id, state=State.READY, reference=reference, due_at=clock.after(RESEND_AFTER)
    )
    pending.save(using=using, force_insert=True)
    transaction.on_commit(lambda: _send(pending, using, None), using=using, robust=True)


def send_overdue(limit: int) -> int:
    """Send signals whose process died, in the order in which they were stored, and return how many."""
    using = router.db_for_write(PendingSignal)
    overdue = PendingSignal.objects.using(using).filter(due_at__lte=clock.now()).order_by("pk")
    return sum(_send_again(pending, using) for pending in list(overdue[:limit]))


def _send_again(pending: PendingSignal, using: str) -> bool:
    if pending.tries >= MAX_TRIES:
        logger.error(
            "Giving up on the signal that asset %s is %s, after %d attempts in which the process died.",
            _named(pending),
            pending.state,
            pending.tries,
        )
        pending.delete(using=using)
        return False
    untouched = PendingSignal.objects.using(using).filter(pk=pending.pk, tries=pending.tries)
    won = bool(untouched.update(tries=F("tries") + 1, due_at=clock.after(RESEND_AFTER)))
    if won:
        logger.warning(
            "Sending the signal that asset %s is %s, because the process that should have sent it did not.",
            _named(pending),
            pending.state,
        )
        _send(pending, using, None)
    return won


def _named(pending: PendingSignal) -> str:
    reference = pending.reference
    row = f" of {reference['model']} {reference['pk']}" if reference else ""
    return f"{pending.asset_id}{row}"


def _send(pending: PendingSignal, using: str, asset: FileAsset | None) -> None:
    asset = asset or FileAsset.objects.using(using).filter(pk=pending.asset_id).first()
    if asset and pending.reference:
        _send_for_row(asset, pending.reference, using)
    elif asset:
        SIGNALS[State(pending.state)].send_robust(sender=FileAsset, asset=asset)
    pending.delete(using=using)


def _send_for_row(asset: FileAsset, stored: dict[str, str], using: str) -> None:
    reference = Reference.from_json(stored)
    row = reference and reference.row(asset.pk, using)
    if reference and row:
        attachment_ready.send_robust(sender=reference.model, asset=asset, instance=row, field=reference.field)
