"""Uploads whose client sends the bytes to the storage itself; the application only asks the storage for them.

The bytes of such an upload were not seen when it is complete. A worker reads all of them before anything is served.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.utils import timezone

from .. import clock, lifecycle, rules
from ..access import User
from ..assets import check_may_append
from ..conf import get_profile, largefiles_settings
from ..exceptions import MalformedRequest, SizeMismatch, StateConflict, StoreError, UploadGone
from ..models import FileAsset, Upload
from ..states import State
from ..stores import direct_uploads, store_of
from ..stores.direct import DirectUpload, SignedPart, StoredPart

SIGNED_AT_ONCE = 100
"""Parts that one call signs: each takes about a fifth of a millisecond."""


def plan(upload: Upload) -> DirectUpload:
    """Return how the file is cut into parts. Raise ``StateConflict`` for an upload through another door."""
    if upload.kind != Upload.Kind.DIRECT:
        raise StateConflict("the upload is not a direct one", limit=Upload.Kind.DIRECT, value=upload.kind)
    return DirectUpload.read(upload.store_state)


def sign(user: User, upload: Upload, numbers: Iterable[int]) -> list[SignedPart]:
    """Return signed requests by which a client can send these parts, and put the expiry of the upload off.

    Raise ``NotPermitted`` unless the user may append, ``StateConflict``, ``MalformedRequest``, ``UploadGone`` and
    ``StoreError``.
    """
    check_may_append(user, upload.asset)
    planned, wanted = plan(upload), sorted(set(numbers))
    if len(wanted) > SIGNED_AT_ONCE:
        problem = f"{len(wanted)} parts at once are more than the {SIGNED_AT_ONCE} allowed"
        raise MalformedRequest(problem, limit=SIGNED_AT_ONCE, value=len(wanted))
    for number in wanted:
        if not 1 <= number <= planned.part_count:
            raise MalformedRequest(
                f"the parts have the numbers from 1 to {planned.part_count}, not {number}",
                limit=planned.part_count,
                value=number,
            )
    lifetime = get_profile(upload.asset.profile).upload_expires_after
    if not Upload.objects.filter(pk=upload.pk).update(expires_at=clock.after(lifetime)):
        raise UploadGone("the upload was aborted or is complete")
    # For the answer alone: it agrees with the response's Date, which is of this machine too.
    upload.expires_at = timezone.now() + lifetime
    return direct_uploads(upload.asset.storage).sign(planned, wanted, largefiles_settings.part_url_expires_after)


def stored_parts(upload: Upload) -> list[StoredPart]:
    """Return the parts that the storage has. Raise ``StateConflict`` and ``StoreError``."""
    return direct_uploads(upload.asset.storage).parts(plan(upload))


def complete(user: User, upload: Upload) -> FileAsset:
    """Make the file of its parts, and return the asset, now ``received`` or further.

    May be repeated, also at the same time. Raise ``NotPermitted`` unless the user may append, ``StateConflict``,
    ``PartsMissing``, ``UploadGone`` and ``StoreError``; then nothing has changed. A file of another size than declared
    is removed: ``SizeMismatch``.
    """
    check_may_append(user, upload.asset)
    planned = plan(upload)
    try:
        size = direct_uploads(upload.asset.storage).finish(planned)
    except (UploadGone, StoreError):
        # A worker may have processed the file by now, and removed it if it was rejected.
        asset = FileAsset.objects.filter(pk=upload.pk).exclude(state=State.RECEIVING).first()
        if asset is None:
            raise
        return asset
    try:
        rules.check_stored_size(size, planned.length)
    except SizeMismatch:
        lifecycle.discard(upload.pk)
        raise
    if lifecycle.complete(upload, name=planned.name, size=size, media_type=""):
        return upload.asset
    return _completed_by_another(upload)


def _completed_by_another(upload: Upload) -> FileAsset:
    """Return the asset. Raise ``UploadGone`` if it was removed instead.

    The removal may have come before the file was made of its parts, so that the file is removed again.
    """
    asset = FileAsset.objects.filter(pk=upload.pk).first()
    if asset is None:
        store_of(upload.asset).abort(upload.store_state)
        raise UploadGone
    return asset
