"""Maintenance: clean up after crashes, lost messages and clients that do not come back."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, router
from django.db.models import Q, QuerySet

from . import clock, lifecycle, usage
from .dispatch import hand_over
from .exceptions import ConfigurationError, LargeFilesError, StoreError
from .intake.assembly import are_complete, parts_of
from .intake.resuming import arrived, complete_arrived
from .models import FileAsset, FileAssetQuerySet, SweeperRun, Upload
from .outbox.removals import remove_leftovers
from .outbox.signals import send_overdue
from .pipeline.rejection import discard_rejected
from .states import State

logger = logging.getLogger(__name__)

BATCH = 1000
"""How many rows of each kind one sweep handles, except for owners: see ``usage.repair``."""


@dataclass(frozen=True, kw_only=True)
class Swept:
    """What one sweep did."""

    uploads_completed: int
    """Uploads that had all their bytes, and whose process died before it completed them."""
    uploads_expired: int
    """Expired uploads that were deleted."""
    finals_handed_over: int
    """Final uploads, made of others, that were given to a worker again."""
    assets_handed_over: int
    """Assets that were given to a worker again."""
    signals_sent: int
    """Signals whose process died before it had sent them."""
    rejected_files_removed: int
    """Rejected assets whose bytes were removed, because their worker died before."""
    deleted_files_removed: int
    """Deleted assets whose bytes were removed, or proved to be."""
    provisional_expired: int
    """Files of forms that were not saved, and of rows that were changed or deleted, whose time ran out."""
    attachments_corrected: int
    """Files that rows came to refer to, or ceased to refer to, without a signal."""
    usage_corrected: int
    """Owners whose usage was counted wrongly."""


def sweep() -> Swept:
    """Run one maintenance pass; what fails is retried by the next.

    Complete uploads that have all their bytes, delete those that have expired, hand over final uploads and assets that
    no worker works on, send the signals of processes that died, remove the bytes of rejected and deleted assets,
    delete provisional assets that have expired, and check the attachment of some assets and the usage of some owners.
    """
    swept = Swept(
        uploads_completed=complete_uploads(BATCH),
        # Before the expired ones are deleted: it puts off the expiry of those whose parts are arriving.
        finals_handed_over=hand_over_finals(BATCH),
        uploads_expired=expire_uploads(BATCH),
        assets_handed_over=hand_over_assets(BATCH),
        signals_sent=send_overdue(BATCH),
        rejected_files_removed=remove_rejected(BATCH),
        deleted_files_removed=remove_leftovers(BATCH),
        provisional_expired=expire_provisional(BATCH),
        attachments_corrected=correct_attachments(BATCH),
        usage_corrected=usage.repair(),
    )
    _record_run()
    return swept


def has_run(within: timedelta) -> bool:
    """Return whether a sweep has ended in this time, by the database's clock."""
    return _runs().filter(ran_at__gt=clock.after(-within)).exists()


def _record_run() -> None:
    _record(ran_at=clock.now())


def _record(**columns: Any) -> None:
    if not _runs().update(**columns):
        _runs().bulk_create([SweeperRun(pk=1, **columns)], ignore_conflicts=True)


def _runs() -> QuerySet[SweeperRun]:
    return SweeperRun.objects.using(router.db_for_write(SweeperRun))


def complete_uploads(limit: int) -> int:
    count = 0
    for upload in list(arrived()[:limit]):
        try:
            complete_arrived(upload)
        except LargeFilesError as error:
            logger.warning("Upload %s has all its bytes, and cannot be completed: %s.", upload.pk, error.detail)
        else:
            count += 1
    return count


def expire_uploads(limit: int) -> int:
    expired = Upload.objects.filter(expires_at__lt=clock.now()).order_by("expires_at").values_list("pk", flat=True)
    # Asked again for each: a client may have come back since.
    still = Q(upload__expires_at__lt=clock.now())
    return sum(_discard(pk, still) for pk in list(expired[:limit]))


def _discard(upload_id: UUID, still: Q) -> bool:
    try:
        return lifecycle.discard(upload_id, only=still)
    except IntegrityError:
        logger.warning("Upload %s has expired and is kept, because a row refers to its file.", upload_id)
        return False


def expire_provisional(limit: int) -> int:
    """Delete provisional assets whose time has run out; those that rows refer to are attached."""
    using = router.db_for_write(FileAsset)
    due = lifecycle.expired(using).values_list("pk", flat=True)
    return sum(lifecycle.reconcile(pk, using) is not None for pk in list(due[:limit]))


def correct_attachments(limit: int) -> int:
    """Look at the next assets, and correct up to ``limit`` whose attachment is not what the rows say."""
    using, after = router.db_for_write(FileAsset), _runs().values_list("attachments_until", flat=True).first()
    found, last = lifecycle.untrue(using, after)
    corrected = sum(lifecycle.reconcile(pk, using) is not None for pk in found[:limit])
    _record(attachments_until=found[limit - 1] if len(found) > limit else last)
    return corrected


def hand_over_finals(limit: int) -> int:
    """Hand over final uploads whose parts are complete, and keep the others as long as all their parts."""
    count = 0
    for final in list(lifecycle.overdue_finals()[:limit]):
        parts = parts_of(final) if lifecycle.reclaim_final(final.pk) else []
        if parts:
            lifecycle.put_off_final(final.pk, min(part.expires_at for part in parts))
        if not (parts and are_complete(parts)):
            continue
        if not hand_over(final.pk):
            break
        count += 1
    return count


def hand_over_assets(limit: int) -> int:
    count = 0
    for pk in list(lifecycle.overdue().values_list("pk", flat=True)[:limit]):
        if not lifecycle.reclaim(pk):
            continue
        if not hand_over(pk):
            # The cause, such as a broker that is down, would stop the others too; the next sweep continues.
            break
        count += 1
    return count


def remove_rejected(limit: int) -> int:
    """Remove the bytes of rejected assets, of at most ``limit`` in each storage."""
    aliases = _with_rejected_bytes().order_by("storage").values_list("storage", flat=True).distinct()
    return sum(_remove_rejected_from(storage, limit) for storage in list(aliases))


def _remove_rejected_from(storage: str, limit: int) -> int:
    """Remove the bytes of rejected assets from one storage; if it fails it is left alone until the next sweep."""
    count = 0
    for asset in list(_with_rejected_bytes().filter(storage=storage).order_by("updated_at")[:limit]):
        try:
            discard_rejected(asset)
        except (StoreError, ConfigurationError):
            logger.exception(
                "The bytes of the rejected asset %s are still in storage %r; the next sweep tries again.",
                asset.pk,
                storage,
            )
            break
        count += 1
    return count


def _with_rejected_bytes() -> FileAssetQuerySet:
    return FileAsset.objects.filter(state=State.REJECTED).exclude(reason__in=lifecycle.KEPT).exclude(file="")
