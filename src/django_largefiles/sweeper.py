"""What puts right whatever a crash, a lost message or a client that went away has left behind."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q
from django.utils import timezone

from . import lifecycle
from .dispatch import hand_over
from .models import FileAsset, Upload
from .pipeline import discard_rejected
from .states import State

BATCH = 1000
"""How many rows of each kind one sweep looks at."""


@dataclass(frozen=True, kw_only=True)
class Swept:
    """Counts of one sweep."""

    expired: int
    handed_over: int
    emptied: int


def sweep() -> Swept:
    """Remove uploads that have expired, hand over what no worker works on, and empty what was rejected."""
    return Swept(expired=_expire(), handed_over=_hand_over(), emptied=_empty())


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
    kept = FileAsset.objects.filter(state=State.REJECTED).exclude(reason__in=lifecycle.KEPT).exclude(file="")
    emptied = list(kept[:BATCH])
    for asset in emptied:
        discard_rejected(asset)
    return len(emptied)
