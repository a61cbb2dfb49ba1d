"""What puts right whatever a crash, a lost message or a client that went away has left behind."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from django.db.models import Q
from django.utils import timezone

from . import lifecycle
from .dispatch import hand_over
from .exceptions import ConfigurationError, StoreError
from .models import FileAsset, FileAssetQuerySet, Upload
from .outbox.removals import remove_leftovers
from .outbox.signals import send_overdue
from .pipeline.processing import discard_rejected
from .states import State

logger = logging.getLogger(__name__)

BATCH = 1000
"""How many rows of each kind one sweep looks at."""


@dataclass(frozen=True, kw_only=True)
class Swept:
    """Counts of one sweep."""

    expired: int
    handed_over: int
    announced: int
    emptied: int
    removed: int


def sweep() -> Swept:
    """Do what somebody should have done, but has not; what cannot be done now is left to the next sweep.

    Remove uploads that have expired, hand over what no worker works on, send the signals of processes that died, empty
    what was rejected, and make sure that the bytes of what was deleted are gone.
    """
    return Swept(
        expired=_expire(),
        handed_over=_hand_over(),
        announced=send_overdue(BATCH),
        emptied=_empty(),
        removed=remove_leftovers(BATCH),
    )


def _expire() -> int:
    now = timezone.now()
    expired = Upload.objects.filter(expires_at__lt=now).order_by("expires_at").values_list("pk", flat=True)
    return sum(lifecycle.discard(pk, only=Q(upload__expires_at__lt=now)) for pk in list(expired[:BATCH]))


def _hand_over() -> int:
    count = 0
    for pk in list(lifecycle.overdue().values_list("pk", flat=True)[:BATCH]):
        if not lifecycle.reclaim(pk):
            continue
        if not hand_over(pk):
            # What held this one back will hold back the others; the next sweep goes on.
            break
        count += 1
    return count


def _empty() -> int:
    aliases = _with_rejected_bytes().order_by("storage").values_list("storage", flat=True).distinct()
    return sum(_empty_in(storage) for storage in list(aliases))


def _empty_in(storage: str) -> int:
    """Empty the rejected assets of one storage; if it fails it is left alone until the next sweep."""
    count = 0
    for asset in list(_with_rejected_bytes().filter(storage=storage).order_by("updated_at")[:BATCH]):
        try:
            discard_rejected(asset)
        except (StoreError, ConfigurationError):
            logger.exception("The bytes of the rejected asset %s are still in storage %r.", asset.pk, storage)
            break
        count += 1
    return count


def _with_rejected_bytes() -> FileAssetQuerySet:
    return FileAsset.objects.filter(state=State.REJECTED).exclude(reason__in=lifecycle.KEPT).exclude(file="")
