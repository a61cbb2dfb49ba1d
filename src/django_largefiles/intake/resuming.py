"""Going on with an upload: taking it over, telling its length, and making it of others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from uuid import uuid4

from django.db import router, transaction

from .. import rules, usage
from ..access import User, access_policy
from ..assets import check_may_append
from ..conf import get_profile
from ..exceptions import MalformedRequest, OffsetMismatch, Refusal, StoreError, TakenOver
from ..models import FileAsset, Upload
from ..stores import store_of
from ..transactions import in_transaction_of
from .progress import reload
from .writing import UploadWriter


def resume(
    user: User,
    upload: Upload,
    offset: int,
    *,
    length: int | None = None,
    digests: Mapping[str, str] = MappingProxyType({}),
    checkpoints: bool = True,
) -> UploadWriter:
    """Take an upload over from the request that is writing to it, to write on from ``offset``.

    ``length`` is the length as of this request, ``None`` while it is deferred, ``digests`` those of the whole file
    that it declares: by ``"sha256"`` and ``"sha512"``, in hexadecimal. Raise ``NotPermitted`` unless the user may
    append, ``MalformedRequest`` if another digest was declared before, and what ``set_length`` and ``take_over``
    raise; then nothing has changed but the length.
    """
    check_may_append(user, upload.asset)
    told = _told_digests(upload.asset, digests)
    if length is not None:
        set_length(upload, length)
    writer = take_over(upload, offset, checkpoints=checkpoints)
    if told:
        FileAsset.objects.filter(pk=upload.pk).update(**told)
    return writer


def _told_digests(asset: FileAsset, digests: Mapping[str, str]) -> dict[str, str]:
    """Set the columns of ``asset`` that tell digests, and return those that are to be saved."""
    columns = {f"expected_{name}": digest for name, digest in digests.items()}
    for column, digest in columns.items():
        known = getattr(asset, column)
        if known not in {"", digest}:
            raise MalformedRequest("the file was declared with another digest before", limit=known, value=digest)
    told = {column: digest for column, digest in columns.items() if not getattr(asset, column)}
    for column, digest in told.items():
        setattr(asset, column, digest)
    return told


def take_over(upload: Upload, offset: int, *, checkpoints: bool = True) -> UploadWriter:
    """Take an upload over, without asking the access policy.

    Raise ``OffsetMismatch``, ``TakenOver``, ``UploadGone`` and ``StoreError``; then nothing has changed.
    """
    token, using = uuid4(), router.db_for_write(Upload)
    # The row stays locked until the store knows the token too. Otherwise, of two requests that come at once, one
    # could hold the row and the other the store, and neither could go on.
    with transaction.atomic(using=using):
        if not Upload.objects.using(using).filter(pk=upload.pk, offset=offset).update(lease_token=token):
            upload = reload(upload)
            raise OffsetMismatch(limit=upload.offset, value=offset)
        upload.lease_token = token
        if store_of(upload.asset).keeps_progress:
            states = Upload.objects.using(using).values_list("store_state", flat=True)
            upload.store_state = states.get(pk=upload.pk)
        return UploadWriter(upload, checkpoints=checkpoints)


def interrupt(user: User, upload: Upload) -> bool:
    """Stop the request that is writing to an upload, so that its offset holds until a later request.

    Return whether the user may do so.
    """
    permitted = access_policy().may_append(user, upload.asset)
    if permitted:
        Upload.objects.filter(pk=upload.pk).update(lease_token=None)
    return permitted


def assemble(upload: Upload, parts: Sequence[Upload]) -> FileAsset:
    """Make a final upload of its partial ones, which are kept. Raise what ``finish`` raises.

    The storage copies the bytes if it can; otherwise they are copied and hashed in one pass. An upload that cannot be
    made is aborted, unless another request has taken it over: its client can make another one of the same parts.
    """
    # Without checkpoints, so that a request after a crash finds it at offset 0.
    with take_over(upload, 0, checkpoints=False) as writer:
        try:
            writer.concatenate(parts)
            return writer.finish()
        except TakenOver:
            raise
        except (Refusal, StoreError):
            writer.abort()
            raise


def set_length(upload: Upload, length: int) -> None:
    """Set the length that was deferred. Raise ``MalformedRequest`` if another one is known, and ``TooLarge``."""
    if upload.length is None:
        if length < upload.offset:
            raise _other_length(upload.offset, length)
        rules.check_size(length, get_profile(upload.asset.profile))
        upload.length = length if _completes(upload, length) else _saved_length(upload, length)
    if upload.length != length:
        raise _other_length(upload.length, length)


def _completes(upload: Upload, length: int) -> bool:
    """Only ``complete`` may save such a length: a client that sees its offset at the end sends nothing more."""
    return upload.kind == Upload.Kind.WHOLE and upload.offset == length


def _saved_length(upload: Upload, length: int) -> int | None:
    """Return the length that is valid from now on: another request may have been the first to set it."""
    return length if _save_length(upload, length) else reload(upload).length


@in_transaction_of(Upload)
def _save_length(upload: Upload, length: int) -> bool:
    owner_id, using = upload.asset.owner_id, router.db_for_write(Upload)
    usage.lock(owner_id, using)
    growth = length - usage.reserved(upload.pk, using) if owner_id else 0
    uploads = Upload.objects.using(using).filter(pk=upload.pk, length=None)
    if not uploads.update(length=length, reserved=length):
        return False
    FileAsset.objects.using(using).filter(pk=upload.pk).update(size=length)
    usage.change(owner_id, using, bytes=growth)
    return True


def _other_length(known: int | None, length: int) -> MalformedRequest:
    return MalformedRequest(f"the length cannot become {length} any more", limit=known, value=length)
