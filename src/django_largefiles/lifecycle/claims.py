"""A worker's hold on an asset, and the transitions that it allows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import router
from django.db.models import F, Q

from .. import clock
from ..models import FileAsset
from ..states import Reason, Stage, State
from ..transactions import in_transaction_of, retry_on_conflict
from . import leases
from .attachment import announce_all
from .transitions import MAX_DETAIL, move, move_and_signal


class ClaimLost(Exception):
    """Another worker has taken the asset over, or it was deleted. Nothing was changed."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A worker's hold on an asset. ``number`` is the fence: each later claim of the asset has a higher one."""

    asset_id: UUID
    number: int
    attempt: int


@in_transaction_of(FileAsset)
def claim(asset_id: UUID) -> Claim | None:
    """received → processing. Return ``None`` if there is nothing to do."""
    moved = move(
        asset_id,
        Q(state=State.RECEIVED),
        State.PROCESSING,
        claims=F("claims") + 1,
        attempts=F("attempts") + 1,
        lease_expires_at=clock.after(leases.LEASE),
        stage="",
        stage_done=0,
    )
    if not moved:
        return None
    assets = FileAsset.objects.using(router.db_for_write(FileAsset))
    number, attempt = assets.values_list("claims", "attempts").get(pk=asset_id)
    return Claim(asset_id=asset_id, number=number, attempt=attempt)


def renew(claim: Claim, stage: Stage, *, done: int = 0, lease: timedelta | None = None) -> None:
    """Keep the claim for ``lease``, or for ``LEASE``, and store the progress. Raises ``ClaimLost``."""
    using = router.db_for_write(FileAsset)
    held = FileAsset.objects.using(using).filter(_held(claim), pk=claim.asset_id)
    changes = {"stage": stage, "stage_done": done, "lease_expires_at": clock.after(lease or leases.LEASE)}
    _check(bool(retry_on_conflict(lambda: held.update(updated_at=clock.now(), **changes), using)))


@in_transaction_of(FileAsset)
def accept(claim: Claim, **columns: Any) -> None:
    """processing → ready. Raises ``ClaimLost``."""
    _finish(claim, State.READY, reason="", detail="", **columns)
    announce_all(claim.asset_id, router.db_for_write(FileAsset))


def reject(claim: Claim, reason: Reason, detail: str, **columns: Any) -> None:
    """processing → rejected. Raises ``ClaimLost``."""
    _finish(claim, State.REJECTED, reason=reason, detail=detail[:MAX_DETAIL], **columns)


def give_back(claim: Claim, reason: Reason, detail: str, *, retry_after: timedelta, **columns: Any) -> None:
    """processing → received, to be tried again; → failed after ``MAX_ATTEMPTS``. Raises ``ClaimLost``."""
    if claim.attempt >= leases.MAX_ATTEMPTS:
        _finish(claim, State.FAILED, reason=reason, detail=detail[:MAX_DETAIL], **columns)
        return
    moved = move(
        claim.asset_id,
        _held(claim),
        State.RECEIVED,
        lease_expires_at=clock.after(retry_after),
        detail=detail[:MAX_DETAIL],
        stage="",
        **columns,
    )
    _check(moved)


def _held(claim: Claim) -> Q:
    return Q(state=State.PROCESSING, claims=claim.number)


def _finish(claim: Claim, state: State, **columns: Any) -> None:
    ended = {"lease_expires_at": None, "stage": "", "processed_at": clock.now()}
    _check(move_and_signal(claim.asset_id, _held(claim), state, **ended, **columns))


def _check(held: bool) -> None:
    if not held:
        raise ClaimLost
