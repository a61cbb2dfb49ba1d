"""The compare-and-set that all transitions share, and the signals that follow it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import router, transaction
from django.db.models import Q
from django.dispatch import Signal

from .. import clock
from ..models import FileAsset
from ..outbox.signals import send_after_commit
from ..states import State
from ..transactions import in_transaction_of

MAX_DETAIL = 1000

asset_waiting = Signal()
"""Sent after commit, with ``asset_id``, when an asset waits for a worker, after the receivers of ``asset_received``.

Only ``dispatch`` listens. If the process dies before, the asset's lease runs out, and the sweeper hands it over.
"""


@in_transaction_of(FileAsset)
def move(asset_id: UUID, source: Q, target: State, **changes: Any) -> bool:
    """Set the state, if the asset matches ``source``. Return whether this call moved the asset."""
    assets = FileAsset.objects.using(router.db_for_write(FileAsset)).filter(source, pk=asset_id)
    return bool(assets.update(state=target, updated_at=clock.now(), **changes))


@in_transaction_of(FileAsset)
def move_and_signal(asset_id: UUID, source: Q, target: State, **changes: Any) -> bool:
    """Do the same, and send the signal of ``target`` after the commit."""
    moved = move(asset_id, source, target, **changes)
    if moved:
        send_after_commit(asset_id, target, router.db_for_write(FileAsset))
    return moved


def hand_over_after_commit(asset_id: UUID, using: str) -> None:
    """Send ``asset_waiting`` after the commit; to be called after the signals that must be sent before it."""
    # No partial: Django names the function in its report of a failure, and a partial has no name.
    transaction.on_commit(lambda: _send_waiting(asset_id), using=using, robust=True)


def _send_waiting(asset_id: UUID) -> None:
    asset_waiting.send_robust(sender=FileAsset, asset_id=asset_id)
