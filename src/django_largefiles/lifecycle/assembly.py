"""A final upload's way to its bytes: it waits for its parts, until one process at a time puts them together.

::

    waiting ──claim──▶ held ──complete──▶ received
       ▲                │
       └─give back──────┘   (when its lease has run out, the sweeper does; after five attempts the upload is deleted)

``lease_expires_at`` is when the sweeper looks at it again, and ``lease_token`` is set while it is held.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

from django.db import router
from django.db.models import F, Q, QuerySet
from django.db.models.expressions import Combinable

from .. import clock
from ..models import Upload
from ..transactions import in_transaction_of, retry_on_conflict
from . import leases
from .arrival import discard
from .claims import ClaimLost
from .transitions import hand_over_after_commit


def final_lease() -> Combinable:
    """Return when the lease of a final upload runs out that is claimed or renewed now."""
    return clock.after(leases.LEASE)


@in_transaction_of(Upload)
def claim_final(upload_id: UUID) -> UUID | None:
    """waiting → held. Return the token, or ``None`` if another process holds the upload or it is gone."""
    token, free = uuid4(), Q(lease_token=None) | Q(lease_expires_at__lte=clock.now())
    waiting = _finals().filter(free, pk=upload_id)
    held = waiting.update(lease_token=token, lease_expires_at=final_lease(), attempts=F("attempts") + 1)
    return token if held else None


def renew_final(upload: Upload) -> None:
    """Keep a final upload that is held. Raises ``ClaimLost``."""
    held = _finals().filter(pk=upload.pk, lease_token=upload.lease_token)
    if not retry_on_conflict(lambda: held.update(lease_expires_at=final_lease()), router.db_for_write(Upload)):
        raise ClaimLost


@in_transaction_of(Upload)
def give_back_final(upload: Upload) -> None:
    """held → waiting, to be tried again: its attempt failed for a reason that may pass."""
    delay = leases.back_off(upload.attempts + 1)
    held = _finals().filter(pk=upload.pk, lease_token=upload.lease_token)
    held.update(lease_token=None, lease_expires_at=clock.after(delay))


@in_transaction_of(Upload)
def hand_over_final(upload_id: UUID) -> bool:
    """Have a worker put together a final upload that waits. Return whether it did wait."""
    waiting = _finals().filter(pk=upload_id, lease_token=None)
    handed = bool(waiting.update(lease_expires_at=clock.after(leases.HAND_OVER)))
    if handed:
        hand_over_after_commit(upload_id, router.db_for_write(Upload))
    return handed


def overdue_finals() -> QuerySet[Upload]:
    """Return the final uploads that wait for their parts or a worker, or whose worker died, the longest first."""
    return _finals().select_related("asset").filter(_overdue()).order_by("lease_expires_at")


def reclaim_final(upload_id: UUID) -> bool:
    """An overdue final upload → waiting; → deleted if its attempts are used up.

    Return whether the caller, and no other, is to hand it over.
    """
    used_up = Q(upload__attempts__gte=leases.MAX_ATTEMPTS, upload__lease_expires_at__lte=clock.now())
    return not discard(upload_id, only=used_up) and _release(upload_id)


@in_transaction_of(Upload)
def _release(upload_id: UUID) -> bool:
    overdue = _finals().filter(_overdue(), pk=upload_id)
    return bool(overdue.update(lease_token=None, lease_expires_at=clock.after(leases.HAND_OVER)))


@in_transaction_of(Upload)
def put_off_final(upload_id: UUID, until: datetime) -> None:
    """Keep a final upload at least until then, since its parts are still arriving."""
    _finals().filter(pk=upload_id, expires_at__lt=until).update(expires_at=until)


def wait_for_parts() -> Combinable:
    """Return when the sweeper first looks at a final upload that is created now."""
    return clock.after(leases.HAND_OVER)


def _overdue() -> Q:
    return Q(lease_expires_at__lte=clock.now())


def _finals() -> QuerySet[Upload]:
    return Upload.objects.using(router.db_for_write(Upload)).filter(kind=Upload.Kind.FINAL)
