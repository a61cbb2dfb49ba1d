"""Going on with an upload: taking it over, telling its length, and completing it late."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any, TypeAlias
from uuid import UUID, uuid4

from django.db import router, transaction
from django.db.models import F, Q, QuerySet

from .. import clock, lifecycle, rules, usage
from ..access import User
from ..assets import check_may_append, may_append
from ..conf import get_profile, largefiles_settings
from ..exceptions import MalformedRequest, OffsetMismatch, UploadGone, WrongContent
from ..models import FileAsset, Upload
from ..stores import store_of
from ..transactions import in_transaction_of
from .progress import reload
from .takeover import watch
from .writing import UploadWriter

UploadQuerySet: TypeAlias = QuerySet[Upload]

IDLE = timedelta(minutes=1)
"""How long the last bytes of an upload must be past for it to be completed without a request."""


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
    """Take an upload over, without asking the access policy. A request that is reading its body is ended.

    Raise ``OffsetMismatch``, ``TakenOver``, ``UploadGone`` and ``StoreError``; then nothing has changed, but that an
    upload of which the store has lost bytes is removed.
    """
    try:
        writer = _taken_over(upload, offset, checkpoints=checkpoints)
    except UploadGone:
        lifecycle.discard(upload.pk)
        raise
    watch.check(upload.pk)
    return writer


def _taken_over(upload: Upload, offset: int, *, checkpoints: bool) -> UploadWriter:
    token, using = uuid4(), router.db_for_write(Upload)
    # The row stays locked until the store knows the token too. Otherwise, of two requests that come at once, one
    # could hold the row and the other the store, and neither could go on.
    with transaction.atomic(using=using):
        if not Upload.objects.using(using).filter(pk=upload.pk, offset=offset).update(lease_token=token):
            upload = reload(upload)
            raise OffsetMismatch(limit=upload.offset, value=offset)
        return opened(upload, token, checkpoints=checkpoints)


def opened(upload: Upload, token: UUID, *, checkpoints: bool) -> UploadWriter:
    """Return a writer for an upload whose row has the token and is locked.

    Raise ``StoreError``, and ``UploadGone`` if the store has lost bytes.
    """
    upload.lease_token = token
    for column, value in _current(upload).items():
        setattr(upload, column, value)
    return UploadWriter(upload, checkpoints=checkpoints)


def _current(upload: Upload) -> dict[str, Any]:
    """Return the columns that another request may have changed since the upload was read."""
    columns = ["store_state"] if store_of(upload.asset).keeps_progress else []
    if upload.length is None:
        columns.append("length")
    rows = Upload.objects.using(router.db_for_write(Upload)).values(*columns)
    return rows.get(pk=upload.pk) if columns else {}


def interrupt(user: User, upload: Upload) -> bool:
    """Stop the request that is writing to an upload, so that its offset holds until a later request.

    Return whether the user may do so. What puts a final upload together is not a client's request, and goes on.
    """
    permitted = may_append(user, upload.asset)
    if permitted:
        Upload.objects.filter(pk=upload.pk).exclude(kind=Upload.Kind.FINAL).update(lease_token=None)
        watch.check(upload.pk)
    return permitted


def finish(writer: UploadWriter) -> FileAsset:
    """Complete an upload. One whose content is refused is aborted. Raise what ``UploadWriter.finish`` raises."""
    try:
        return writer.finish()
    except WrongContent:
        writer.abort()
        raise


def arrived() -> UploadQuerySet:
    """Return the uploads that have had all their bytes for a while, and that no request has completed.

    Its process died, or another request told the length meanwhile. A client that sees the offset at the end sends
    nothing more.
    """
    idle = Q()
    for name in largefiles_settings.profiles:
        idle |= Q(asset__profile=name, expires_at__lt=clock.after(get_profile(name).upload_expires_after - IDLE))
    whole = Upload.objects.select_related("asset").filter(kind=Upload.Kind.WHOLE, offset=F("length"))
    return whole.filter(idle).order_by("expires_at")


def complete_arrived(upload: Upload) -> FileAsset:
    """Complete an upload that ``arrived``. Raise what ``take_over`` and ``finish`` raise."""
    with take_over(upload, upload.offset) as writer:
        return finish(writer)


def set_length(upload: Upload, length: int) -> None:
    """Set the length that was deferred. Raise ``MalformedRequest`` if another one is known, and ``TooLarge``."""
    if upload.length is None:
        if length < upload.offset:
            raise _other_length(upload.offset, length)
        rules.check_size(length, get_profile(upload.asset.profile))
        # Also one that is reached already: if this process dies before it completes the upload, the sweeper does.
        upload.length = _saved_length(upload, length)
    if upload.length != length:
        raise _other_length(upload.length, length)


def _saved_length(upload: Upload, length: int) -> int | None:
    """Return the length that is valid from now on: another request may have been the first to set it."""
    return length if _save_length(upload, length) else reload(upload).length


@in_transaction_of(Upload)
def _save_length(upload: Upload, length: int) -> bool:
    owner_id, using = upload.asset.owner_id, router.db_for_write(Upload)
    usage.lock(owner_id, using)
    growth = length - usage.reserved(upload.pk, using) if owner_id else 0
    uploads = Upload.objects.using(using).filter(pk=upload.pk, length=None, offset__lte=length)
    # A request that does not know the length must not write on.
    if not uploads.update(length=length, reserved=length, lease_token=None):
        return False
    FileAsset.objects.using(using).filter(pk=upload.pk).update(size=length)
    usage.change(owner_id, using, bytes=growth)
    return True


def _other_length(known: int | None, length: int) -> MalformedRequest:
    return MalformedRequest(f"the length cannot become {length} any more", limit=known, value=length)
