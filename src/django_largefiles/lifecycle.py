"""The only code that writes ``FileAsset.state``.

Each transition is one compare-and-set: an ``UPDATE`` that names the states it may start from. Whoever changes no row
has lost, is told so by the return value, and cleans up after itself. Signals are sent after commit, by the winner; see
``announcements`` for what happens if it dies.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import router, transaction
from django.db.models import F, Q
from django.dispatch import Signal
from django.utils import timezone

from .models import FileAsset, FileAssetQuerySet, Upload
from .outbox.signals import announce
from .states import Reason, Stage, State

LEASE = timedelta(seconds=15)
"""How long a worker may be silent before another takes its asset over."""

HAND_OVER = timedelta(seconds=60)
"""How long a received asset may wait for a worker before it is handed over again: messages get lost."""

LONGEST_HAND_OVER = timedelta(hours=1)
"""The wait doubles each time up to here: messages also queue, and a long queue must not grow by what is in it."""

MAX_ATTEMPTS = 5

FIRST_DELAY = timedelta(seconds=5)
"""Before the second attempt; each further one waits twice as long."""

asset_waiting = Signal()
"""Sent after commit, with ``asset_id``, when an asset waits for a worker and every receiver has heard that it arrived.

Only ``dispatch`` listens. Where the process dies before, the asset's lease runs out, and the sweeper hands it over.
"""

ALWAYS = Q()

REPROCESSABLE = (State.FAILED, State.READY)

KEPT = (Reason.BLOCKED, Reason.UNSCANNABLE)
"""Why the bytes of a rejected asset may stay: a takedown is evidence, and what is in quarantine may be released."""

QUARANTINED = Q(state=State.REJECTED, reason=Reason.UNSCANNABLE) & ~Q(file="")


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A worker's hold on an asset. ``number`` is the fence: a later claim has a higher one, for ever."""

    asset_id: UUID
    number: int
    attempt: int


def back_off(attempt: int, first: timedelta = FIRST_DELAY) -> timedelta:
    """How long to wait after the failure of this attempt: twice as long each time, and ``first`` after the first."""
    return first * (1 << (attempt - 1))


def complete(upload: Upload, *, name: str, size: int, sha256: str, media_type: str, crc32: int | None = None) -> bool:
    """receiving → received: the bytes are all there, under ``name`` in the storage.

    Only for who holds the upload's lease, and for no other size than its length. ``upload.asset`` is kept up to date.
    """
    asset, now = upload.asset, timezone.now()
    changes = {
        "state": State.RECEIVED,
        "file": name,
        "size": size,
        "sha256": sha256,
        "crc32": crc32,
        "media_type": media_type,
        "lease_expires_at": now + HAND_OVER,
        "updated_at": now,
    }
    using = router.db_for_write(FileAsset)
    with transaction.atomic(using=using):
        whole = Q(length=size) | Q(length=None)
        held = Upload.objects.using(using).filter(whole, pk=upload.pk, lease_token=upload.lease_token)
        receiving = FileAsset.objects.using(using).filter(pk=asset.pk, state=State.RECEIVING)
        won = bool(held.delete()[0]) and bool(receiving.update(**changes))
        if won:
            for column, value in changes.items():
                setattr(asset, column, value)
            announce(asset.pk, State.RECEIVED, using, asset=asset)
            _let_wait(asset.pk, using)
    return won


def discard(asset_id: UUID, *, only: Q = ALWAYS) -> bool:
    """receiving → deleted, where ``only`` holds too. Whoever is still writing finds out at its next heartbeat."""
    using = router.db_for_write(FileAsset)
    with transaction.atomic(using=using):
        # The update takes the row, so that no ``complete`` comes between the question and the deletion.
        won = _move(asset_id, Q(state=State.RECEIVING) & only, State.RECEIVING)
        if won:
            FileAsset.objects.using(using).filter(pk=asset_id).delete()
    return won


def claim(asset_id: UUID) -> Claim | None:
    """received → processing. ``None`` where there is nothing to do."""
    now = timezone.now()
    using = router.db_for_write(FileAsset)
    with transaction.atomic(using=using):
        won = _move(
            asset_id,
            Q(state=State.RECEIVED),
            State.PROCESSING,
            claims=F("claims") + 1,
            attempts=F("attempts") + 1,
            lease_expires_at=now + LEASE,
            stage="",
            stage_done=0,
        )
        if not won:
            return None
        number, attempt = FileAsset.objects.using(using).values_list("claims", "attempts").get(pk=asset_id)
        return Claim(asset_id=asset_id, number=number, attempt=attempt)


def renew(claim: Claim, stage: Stage, *, done: int = 0, lease: timedelta = LEASE) -> bool:
    """Keep the hold and tell how far the work is; ``False`` where another worker has taken over."""
    now = timezone.now()
    held = FileAsset.objects.filter(_held(claim), pk=claim.asset_id)
    return bool(held.update(stage=stage, stage_done=done, lease_expires_at=now + lease, updated_at=now))


def accept(claim: Claim, **described: Any) -> bool:
    """processing → ready."""
    return _settle(claim, State.READY, reason="", detail="", **described)


def reject(claim: Claim, reason: Reason, detail: str, **described: Any) -> bool:
    """processing → rejected."""
    return _settle(claim, State.REJECTED, reason=reason, detail=detail[:1000], **described)


def give_back(claim: Claim, reason: Reason, detail: str, *, retry_after: timedelta, **described: Any) -> bool:
    """processing → received, to be tried again; → failed where ``MAX_ATTEMPTS`` are used up."""
    if claim.attempt >= MAX_ATTEMPTS:
        return _settle(claim, State.FAILED, reason=reason, detail=detail[:1000], **described)
    return _move(
        claim.asset_id,
        _held(claim),
        State.RECEIVED,
        lease_expires_at=timezone.now() + retry_after,
        detail=detail[:1000],
        stage="",
        **described,
    )


def overdue() -> FileAssetQuerySet:
    """Assets that nobody works on although somebody should, the longest waiting first."""
    return FileAsset.objects.filter(_overdue()).order_by("lease_expires_at")


def reclaim(asset_id: UUID) -> bool:
    """An overdue asset → received, to be handed to a worker again; → failed where its attempts are used up.

    Whether it is to be handed over, and by this caller alone.
    """
    waited = _last_wait(asset_id)
    _move_and_announce(
        asset_id,
        _overdue() & Q(attempts__gte=MAX_ATTEMPTS),
        State.FAILED,
        reason=Reason.GAVE_UP,
        detail=f"{MAX_ATTEMPTS} workers stopped without an answer",
        lease_expires_at=None,
        stage="",
        processed_at=timezone.now(),
    )
    wait = min(max(2 * waited, HAND_OVER), LONGEST_HAND_OVER)
    tried_again = _overdue() & Q(attempts__lt=MAX_ATTEMPTS)
    return _move(asset_id, tried_again, State.RECEIVED, lease_expires_at=timezone.now() + wait, stage="")


def not_handed_over(asset_id: UUID) -> None:
    """A received asset that could not be given to a worker is overdue at once."""
    _move(asset_id, Q(state=State.RECEIVED), State.RECEIVED, lease_expires_at=timezone.now())


def reprocess(asset_id: UUID) -> bool:
    """failed, ready or in quarantine → received: verify and describe the kept bytes anew."""
    using = router.db_for_write(FileAsset)
    with transaction.atomic(using=using):
        won = _move_and_announce(
            asset_id,
            Q(state__in=REPROCESSABLE) | QUARANTINED,
            State.RECEIVED,
            reason="",
            detail="",
            attempts=0,
            lease_expires_at=timezone.now() + HAND_OVER,
            stage="",
            stage_done=0,
            scan_verdict="",
            scan_detail=[],
        )
        if won:
            _let_wait(asset_id, using)
    return won


def block(asset_id: UUID, detail: str = "") -> bool:
    """ready → rejected: a takedown. The bytes are kept, as evidence; no route serves them."""
    return _move_and_announce(
        asset_id, Q(state=State.READY), State.REJECTED, reason=Reason.BLOCKED, detail=detail[:1000]
    )


def _overdue() -> Q:
    """Waiting beyond its time, or left by a worker whose lease ran out and whose attempt's back-off is over."""
    now = timezone.now()
    left = Q(attempts__gte=MAX_ATTEMPTS, lease_expires_at__lte=now)
    for attempt in range(1, MAX_ATTEMPTS):
        left |= Q(attempts=attempt, lease_expires_at__lte=now - back_off(attempt))
    return Q(state=State.RECEIVED, lease_expires_at__lte=now) | (Q(state=State.PROCESSING) & left)


def _last_wait(asset_id: UUID) -> timedelta:
    """What the asset was given to wait when it last changed."""
    row = FileAsset.objects.filter(pk=asset_id).values_list("lease_expires_at", "updated_at").first()
    return row[0] - row[1] if row and row[0] else timedelta(0)


def _held(claim: Claim) -> Q:
    return Q(state=State.PROCESSING, claims=claim.number)


def _settle(claim: Claim, state: State, **changes: Any) -> bool:
    return _move_and_announce(
        claim.asset_id,
        _held(claim),
        state,
        lease_expires_at=None,
        stage="",
        processed_at=timezone.now(),
        **changes,
    )


def _move_and_announce(asset_id: UUID, source: Q, target: State, **changes: Any) -> bool:
    using = router.db_for_write(FileAsset)
    with transaction.atomic(using=using):
        won = _move(asset_id, source, target, **changes)
        if won:
            announce(asset_id, target, using)
    return won


def _move(asset_id: UUID, source: Q, target: State, **changes: Any) -> bool:
    """The compare-and-set. Whether it was this call that moved the asset."""
    assets = FileAsset.objects.using(router.db_for_write(FileAsset)).filter(source, pk=asset_id)
    return bool(assets.update(state=target, updated_at=timezone.now(), **changes))


def _let_wait(asset_id: UUID, using: str) -> None:
    # After the announcement, which was put there first.
    transaction.on_commit(lambda: _tell_dispatch(asset_id), using=using, robust=True)


def _tell_dispatch(asset_id: UUID) -> None:
    asset_waiting.send_robust(sender=FileAsset, asset_id=asset_id)
