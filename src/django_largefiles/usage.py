"""How much an owner keeps, arriving files included."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.auth import get_user_model
from django.db import connections
from django.db.models import Count, Q, Sum
from django.db.models.functions import Coalesce

from .access import User, access_policy
from .exceptions import QuotaExceeded
from .models import FileAsset
from .options import Quota
from .states import State


@contextmanager
def within_quota(owner: User | None, using: str) -> Iterator[None]:
    """Inside a transaction, around what adds to an owner's files: one such block after another for each owner.

    Raises ``QuotaExceeded`` at the end of the block, and the transaction takes back what it added.
    """
    quota = access_policy().quota(owner) if owner and owner.pk else Quota()
    if owner is None or quota == Quota():
        yield
        return
    _lock(owner, using)
    yield
    _check(owner, quota, using)


def _lock(owner: User, using: str) -> None:
    # SQLite knows no row locks, and needs none once the transaction has written.
    if connections[using].features.has_select_for_update:
        owners = get_user_model()._default_manager.using(using).select_for_update()
        list(owners.filter(pk=owner.pk).values_list("pk"))  # type: ignore[misc]  # a user of the host's


def _check(owner: User, quota: Quota, using: str) -> None:
    # What arrives counts as large as it may become; what was rejected and removed does not count.
    kept = FileAsset.objects.using(using).filter(Q(state=State.RECEIVING) | ~Q(file=""), owner=owner.pk)
    used = kept.aggregate(files=Count("pk"), bytes=Sum(Coalesce("upload__reserved", "size")))
    for unit, limit in (("files", quota.files), ("bytes", quota.bytes)):
        value = used[unit] or 0
        if limit is not None and value > limit:
            problem = f"with this file it would be {value} {unit}, more than {limit}"
            raise QuotaExceeded(problem, limit=limit, value=value)
