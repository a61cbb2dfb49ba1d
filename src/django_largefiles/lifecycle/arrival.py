"""The end of an upload: its bytes are complete, or are given up."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import router
from django.db.models import Q
from django.utils import timezone

from .. import clock, usage
from ..conf import largefiles_settings
from ..models import FileAsset, Upload
from ..outbox.signals import send_after_commit
from ..states import Attachment, State
from ..transactions import in_transaction_of, run_in_transaction
from . import leases
from .transitions import hand_over_after_commit, move

ALWAYS = Q()


@in_transaction_of(FileAsset)
def complete(
    upload: Upload,
    *,
    name: str,
    size: int,
    media_type: str,
    sha256: str = "",
    sha512: str = "",
    crc32: int | None = None,
    attachment: Attachment | None = None,
) -> bool:
    """receiving → received: the bytes are complete, under ``name`` in the storage.

    ``attachment`` is what the asset's becomes, if that was not known when it was created. Only if the caller holds the
    upload's lease, and if ``size`` is the upload's length or that is unknown. ``upload.asset`` is kept up to date.
    """
    asset, using = upload.asset, router.db_for_write(FileAsset)
    usage.lock(asset.owner_id, using)
    growth = size - usage.reserved(upload.pk, using) if asset.owner_id else 0
    columns = {"state": State.RECEIVED, "file": name, "size": size, "media_type": media_type}
    columns |= {"sha256": sha256, "sha512": sha512, "crc32": crc32, "attachment": attachment or asset.attachment}
    if not (_delete_record(upload, size, using) and _receive(asset, columns, using)):
        return False
    usage.change(asset.owner_id, using, bytes=growth, uploads=-1)
    send_after_commit(asset.pk, State.RECEIVED, using, asset=asset)
    hand_over_after_commit(asset.pk, using)
    return True


@in_transaction_of(Upload)
def close_part(upload: Upload) -> bool:
    """Count a partial upload, which has all its bytes, as open no longer. Return whether it was open."""
    owner_id, using = upload.asset.owner_id, router.db_for_write(Upload)
    usage.lock(owner_id, using)
    closed = bool(Upload.objects.using(using).filter(pk=upload.pk, is_open=True).update(is_open=False))
    if closed:
        usage.change(owner_id, using, uploads=-1)
    return closed


def discard(asset_id: UUID, *, only: Q = ALWAYS) -> bool:
    """receiving → deleted, if ``only`` matches too. A request that is still writing notices at its next heartbeat."""
    using = router.db_for_write(FileAsset)
    owner_id = usage.owner_of(asset_id, using)
    return run_in_transaction(partial(_discard, asset_id, only, owner_id, using), using)


def _discard(asset_id: UUID, only: Q, owner_id: Any, using: str) -> bool:
    usage.lock(owner_id, using)
    # The update locks the row, so that no ``complete`` comes between the question and the deletion.
    moved = move(asset_id, Q(state=State.RECEIVING) & only, State.RECEIVING)
    if moved:
        FileAsset.objects.using(using).filter(pk=asset_id).delete()
    return moved


def _delete_record(upload: Upload, size: int, using: str) -> bool:
    whole = Q(length=size) | Q(length=None)
    held = Upload.objects.using(using).filter(whole, pk=upload.pk, lease_token=upload.lease_token)
    return bool(held.delete()[0])


def _receive(asset: FileAsset, columns: dict[str, Any], using: str) -> bool:
    receiving = FileAsset.objects.using(using).filter(pk=asset.pk, state=State.RECEIVING)
    waits = {"lease_expires_at": leases.HAND_OVER, "updated_at": timedelta(0)}
    if columns["attachment"] == Attachment.PROVISIONAL:
        waits["expires_at"] = largefiles_settings.unattached_expires_after
    else:
        columns = {**columns, "expires_at": None}
    if not receiving.update(**columns, **{column: clock.after(wait) for column, wait in waits.items()}):
        return False
    # A read would cost a query, so the instance has the times of this machine: nothing is decided by them.
    now = timezone.now()
    for column, value in (columns | {column: now + wait for column, wait in waits.items()}).items():
        setattr(asset, column, value)
    return True
