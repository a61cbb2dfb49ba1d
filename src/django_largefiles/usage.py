"""How many files and bytes an owner keeps, arriving ones included, and how many are arriving.

Each owner has one row. It counts an arriving file as large as it may become, and a rejected one only while its bytes
are kept. It is changed in the transaction that changes the file, whether or not there is a quota.

Lock order: a transaction that changes what counts locks the owner's row of ``Usage`` first, then rows of ``FileAsset``
and ``Upload``, then inserts into the outbox. So two of them never wait for each other, and while one holds the row of
``Usage`` no other adds, removes or resizes a file of that owner: what it reads of the owner's files then is what the
row must say. The exception is a transaction of the host that deletes files of several owners: it locks their rows in
the order of the files, and the database may end it because of another that does the same.

A file that the host creates, or gives to another owner, without this package is not counted until ``repair`` computes
the row anew. The row is deleted with its owner; the files that stay have no owner then, and do not count.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import router
from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from . import clock
from .access import User, access_policy
from .exceptions import QuotaExceeded, TooManyUploads
from .models import FileAsset, FileAssetQuerySet, Upload, Usage
from .options import Quota
from .states import State
from .transactions import run_in_transaction, write_before_reading

logger = logging.getLogger(__name__)

COUNTED = Q(state=State.RECEIVING) | ~Q(file="")

OPEN = Q(state=State.RECEIVING, upload__is_open=True)

RETRY_AFTER = 60
"""Seconds: an owner with too many uploads may complete one at any time."""

CHECK_AFTER = timedelta(days=1)
"""How old the last check of an owner's row must be for ``repair`` to check it again."""

OWNERS_AT_ONCE = 20
FILES_AT_ONCE = 100_000
"""How many owners, and about how many files of theirs, one call of ``repair`` reads."""


@dataclass(frozen=True, kw_only=True)
class Totals:
    bytes: int
    files: int
    uploads: int


def admit(owner: User | None, size: int, using: str) -> None:
    """Count one more file of ``size`` bytes, as the first step of the transaction that creates it.

    Raises ``QuotaExceeded`` and ``TooManyUploads``.
    """
    if owner is None or not owner.pk:
        return
    quota = access_policy().quota(owner)
    if _within(owner.pk, size, quota, using).update(
        bytes=F("bytes") + size, files=F("files") + 1, uploads=F("uploads") + 1
    ):
        return
    # There is no row yet, or no room. What made room since the update is seen under the lock.
    used = lock(owner.pk, using) or _create(owner.pk, using)
    _check(Totals(bytes=used.bytes + size, files=used.files + 1, uploads=used.uploads + 1), quota)
    change(owner.pk, using, bytes=size, files=1, uploads=1)


def lock(owner_id: Any, using: str) -> Usage | None:
    """Keep every other transaction from changing what the owner keeps, and return the row, if the owner has one."""
    if owner_id is None:
        return None
    rows = Usage.objects.using(using).filter(pk=owner_id)
    write_before_reading(rows, "bytes")
    return rows.select_for_update().first()


def change(owner_id: Any, using: str, **by: int) -> None:
    """Add to columns of the owner's row, in a transaction that has locked it."""
    changes = {column: F(column) + number for column, number in by.items() if number}
    if owner_id is not None and changes:
        Usage.objects.using(using).filter(pk=owner_id).update(**changes)


def owner_of(asset_id: UUID, using: str) -> Any:
    """Return the key of the asset's owner, or ``None``; to be asked before the transaction that locks the row."""
    return FileAsset.objects.using(using).filter(pk=asset_id).values_list("owner_id", flat=True).first()


def reserved(upload_id: UUID, using: str) -> int:
    """Return the bytes for which an upload counts, or 0 if it is gone; the owner's row must be locked."""
    rows = Upload.objects.using(using).filter(pk=upload_id)
    return rows.values_list("reserved", flat=True).first() or 0


def release(sender: type[FileAsset], instance: FileAsset, using: str, **_: Any) -> None:
    """Count a file no longer: the receiver of ``pre_delete``, which is called in the transaction of the deletion."""
    owner_id = instance.owner_id
    if lock(owner_id, using) is None:
        return
    counted = _totals(FileAsset.objects.using(using).filter(pk=instance.pk, owner_id=owner_id))
    change(owner_id, using, bytes=-counted.bytes, files=-counted.files, uploads=-counted.uploads)


def repair() -> int:
    """Recompute the rows of some owners, least recently checked first, and return how many were wrong.

    Each owner is checked about once in ``CHECK_AFTER``, independent of the number of owners and of calls.
    """
    using = router.db_for_write(Usage)
    due = Usage.objects.using(using).filter(checked_at__lte=clock.after(-CHECK_AFTER)).order_by("checked_at", "pk")
    return sum(
        run_in_transaction(partial(_repair, owner_id, using), using)
        for owner_id in _within_budget(due.values_list("pk", "files")[:OWNERS_AT_ONCE])
    )


def _within_budget(owners: Iterable[tuple[Any, int]]) -> list[Any]:
    """Return the first owner, and as many of the next as have no more than ``FILES_AT_ONCE`` files with it."""
    chosen, total = list[Any](), 0
    for owner_id, files in owners:
        total += files
        if chosen and total > FILES_AT_ONCE:
            break
        chosen.append(owner_id)
    return chosen


def _repair(owner_id: Any, using: str) -> bool:
    row = lock(owner_id, using)
    if row is None:
        return False
    counted, found = Totals(bytes=row.bytes, files=row.files, uploads=row.uploads), _compute(owner_id, using)
    if counted != found:
        logger.warning("The usage of owner %s was counted as %s; its files are %s.", owner_id, counted, found)
    return counted != found


def _create(owner_id: Any, using: str) -> Usage:
    """Make the row of an owner who has none, of the files that the host may have created, and return it locked."""
    row = Usage(pk=owner_id, checked_at=clock.now())
    # Of two that come at once, the second waits here for the first to commit.
    Usage.objects.using(using).bulk_create([row], ignore_conflicts=True)
    lock(owner_id, using)
    _compute(owner_id, using)
    return Usage.objects.using(using).get(pk=owner_id)


def _compute(owner_id: Any, using: str) -> Totals:
    """Set the row, which must be locked, to what the owner's files are, and return that."""
    found = _totals(FileAsset.objects.using(using).filter(owner_id=owner_id))
    Usage.objects.using(using).filter(pk=owner_id).update(**asdict(found), checked_at=clock.now())
    return found


def _totals(assets: FileAssetQuerySet) -> Totals:
    counted = assets.filter(COUNTED).aggregate(
        files=Count("pk"), bytes=Sum(Coalesce("upload__reserved", "size")), uploads=Count("pk", filter=OPEN)
    )
    return Totals(bytes=counted["bytes"] or 0, files=counted["files"], uploads=counted["uploads"])


def _within(owner_id: Any, size: int, quota: Quota, using: str) -> QuerySet[Usage]:
    """Return the owner's row, if the quota has room for one more file of this size."""
    rows = Usage.objects.using(using).filter(pk=owner_id)
    if quota.bytes is not None:
        rows = rows.filter(bytes__lte=quota.bytes - size)
    if quota.files is not None:
        rows = rows.filter(files__lte=quota.files - 1)
    if quota.uploads is not None:
        rows = rows.filter(uploads__lte=quota.uploads - 1)
    return rows


def _check(wanted: Totals, quota: Quota) -> None:
    for unit, limit, value in (("files", quota.files, wanted.files), ("bytes", quota.bytes, wanted.bytes)):
        if limit is not None and value > limit:
            problem = f"with this file it would be {value} {unit}, more than {limit}"
            raise QuotaExceeded(problem, limit=limit, value=value)
    if quota.uploads is not None and wanted.uploads > quota.uploads:
        raise TooManyUploads(limit=quota.uploads, retry_after=RETRY_AFTER)
