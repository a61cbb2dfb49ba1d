"""Final uploads, which are made of partial ones (tus, concatenation): in a request if that copies little.

A request copies at most ``IN_REQUEST`` bytes, into at most ``FINALS_IN_REQUEST`` files: what one short request sets
off must not hold its thread for long. Larger ones are handed to a worker, and what a request leaves alone is found by
the sweeper.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from uuid import UUID

from django.db import router, transaction
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast

from .. import lifecycle
from ..assets import EXPIRED
from ..exceptions import Refusal, StoreError, TakenOver
from ..models import FileAsset, Upload
from ..options import MIB
from .progress import reload
from .resuming import opened
from .writing import UploadWriter

logger = logging.getLogger(__name__)

IN_REQUEST = 64 * MIB
FINALS_IN_REQUEST = 10


def partials(ids: Iterable[UUID]) -> dict[UUID, Upload]:
    """Return the partial uploads that there are of these."""
    uploads = Upload.objects.select_related("asset").annotate(**EXPIRED)
    found = uploads.filter(pk__in=set(ids), kind=Upload.Kind.PARTIAL)
    return {upload.pk: upload for upload in found}


def parts_of(final: Upload) -> list[Upload]:
    """Return the partial uploads, in their order; none if one of them is gone."""
    ids = [UUID(part) for part in final.parts]
    found = partials(ids)
    return [found[part] for part in ids] if len(found) == len(ids) else []


def complete_parts(final: Upload) -> list[Upload]:
    """Return the partial uploads; none if one of them is gone or has not all its bytes."""
    parts = parts_of(final)
    return parts if are_complete(parts) else []


def are_complete(parts: Iterable[Upload]) -> bool:
    return all(part.offset == part.length for part in parts)


def total_length(parts: Iterable[Upload]) -> int | None:
    """Return the length in bytes; ``None`` while that of one part is unknown."""
    total = 0
    for part in parts:
        if part.length is None:
            return None
        total += part.length
    return total


def known_length(upload: Upload) -> int | None:
    """Return the length in bytes, that of a final upload from its partial ones; ``None`` while it is unknown."""
    if upload.length is None and upload.kind == Upload.Kind.FINAL:
        parts = parts_of(upload)
        return total_length(parts) if parts else None
    return upload.length


def make_final(final: Upload) -> None:
    """Make a new final upload, here or by a worker, if all its parts are complete. Raise what ``assemble`` raises."""
    parts = complete_parts(final)
    if not parts:
        return
    if _size(parts) > IN_REQUEST:
        lifecycle.hand_over_final(final.pk)
        return
    # Another request may have completed the last part, and made the file.
    with suppress(TakenOver):
        assemble(final, parts)


def make_finals(part: Upload) -> None:
    """Make final uploads that were waiting for this partial one, now that it is complete.

    A final upload that is refused is removed; the partial one is not affected.
    """
    room = IN_REQUEST
    for final in _waiting_for(part)[:FINALS_IN_REQUEST]:
        parts = complete_parts(final)
        if parts and _size(parts) > room:
            lifecycle.hand_over_final(final.pk)
        elif parts:
            room -= _size(parts)
            _try_to_assemble(final, parts)


def hold(final: Upload) -> UploadWriter:
    """Claim a final upload, to put it together. Raise ``TakenOver``, ``UploadGone`` and ``StoreError``."""
    # The row stays locked until the store knows the token too, as in ``take_over``.
    with transaction.atomic(using=router.db_for_write(Upload)):
        token = lifecycle.claim_final(final.pk)
        if token is None:
            reload(final)
            raise TakenOver("another process is putting the upload together")
        # Without checkpoints, so that it is at offset 0 after a crash.
        return opened(final, token, checkpoints=False)


def put_together(writer: UploadWriter, parts: Sequence[Upload]) -> FileAsset:
    """Make a final upload that is held of its partial ones, which are kept. Raise what ``UploadWriter.finish`` raises.

    The storage copies the bytes if it can; otherwise they are copied and hashed in one pass. An upload that is refused
    is aborted, unless another process has taken it over; one that the storage fails is given back.
    """
    with writer:
        try:
            writer.concatenate(parts)
            return writer.finish()
        except TakenOver:
            raise
        except Refusal:
            writer.abort()
            raise
        except StoreError:
            lifecycle.give_back_final(writer.upload)
            raise


def assemble(final: Upload, parts: Sequence[Upload]) -> FileAsset:
    """Claim a final upload, and put it together. Raise what ``hold`` and ``put_together`` raise."""
    return put_together(hold(final), parts)


def _try_to_assemble(final: Upload, parts: Sequence[Upload]) -> None:
    try:
        assemble(final, parts)
    except (Refusal, StoreError) as error:
        logger.warning("Final upload %s cannot be made: %s.", final.pk, error.detail)


def _waiting_for(part: Upload) -> QuerySet[Upload]:
    finals = Upload.objects.select_related("asset").filter(kind=Upload.Kind.FINAL, lease_token=None)
    named = finals.annotate(named=Cast("parts", TextField())).filter(named__contains=str(part.pk))
    return named.filter(asset__owner=part.asset.owner_id).order_by("asset__created_at")


def _size(parts: Iterable[Upload]) -> int:
    return sum(part.offset for part in parts)
