"""A file on its way in past the application: its client sends the bytes to the storage, and here it is asked for them.

Nobody has seen the bytes when such an upload is complete. A worker reads them all, before anything is served.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.utils import timezone

from .. import clock, lifecycle, rules
from ..conf import get_profile, largefiles_settings
from ..exceptions import MalformedRequest, SizeMismatch, StateConflict, StoreError, UploadGone
from ..models import FileAsset, Upload
from ..states import State
from ..stores import current_store, direct_uploads
from ..stores.direct import DirectUpload, SignedPart, StoredPart

SIGNED_AT_ONCE = 100
"""Parts for which one call signs: some fifth of a millisecond each."""


def plan(upload: Upload) -> DirectUpload:
    """How the file is cut into parts. Raises ``StateConflict`` for an upload through another door."""
    if upload.kind != Upload.Kind.DIRECT:
        raise StateConflict("the upload is not a direct one", limit=Upload.Kind.DIRECT, value=upload.kind)
    return DirectUpload.read(upload.store_state)


def sign(upload: Upload, numbers: Iterable[int]) -> list[SignedPart]:
    """Let the client send these parts, and put the upload's expiry off.

    Raises ``MalformedRequest``, ``UploadGone`` and ``StoreError``.
    """
    planned, wanted = plan(upload), sorted(set(numbers))
    if len(wanted) > SIGNED_AT_ONCE:
        raise MalformedRequest("too many parts at once", limit=SIGNED_AT_ONCE, value=len(wanted))
    for number in wanted:
        if not 1 <= number <= planned.part_count:
            raise MalformedRequest(
                f"the parts have the numbers from 1 to {planned.part_count}", limit=planned.part_count, value=number
            )
    lifetime = get_profile(upload.asset.profile).upload_expires_after
    if not Upload.objects.filter(pk=upload.pk).update(expires_at=clock.after(lifetime)):
        raise UploadGone("the upload was aborted or is complete")
    # For the answer alone: it agrees with the response's Date, which is of this machine too.
    upload.expires_at = timezone.now() + lifetime
    return direct_uploads().sign(planned, wanted, largefiles_settings.part_url_expires_after)


def stored_parts(upload: Upload) -> list[StoredPart]:
    """Those that the storage has. Raises ``StoreError``."""
    return direct_uploads().parts(plan(upload))


def complete(upload: Upload) -> FileAsset:
    """All parts are there: make the file of them, and give the asset, now ``received``, or further.

    May be repeated, and come twice at once. Raises ``PartsMissing``, ``UploadGone`` and ``StoreError``; then nothing
    has changed. A file that has not the promised size is removed: ``SizeMismatch``.
    """
    planned = plan(upload)
    try:
        size = direct_uploads().finish(planned)
    except (UploadGone, StoreError):
        # A worker may be through with it by now, and may have removed what it rejected.
        asset = FileAsset.objects.filter(pk=upload.pk).exclude(state=State.RECEIVING).first()
        if asset is None:
            raise
        return asset
    try:
        rules.check_stored_size(size, planned.length)
    except SizeMismatch:
        lifecycle.discard(upload.pk)
        raise
    if lifecycle.complete(upload, name=planned.name, size=size, sha256="", media_type=""):
        return upload.asset
    return _completed_by_another(upload)


def _completed_by_another(upload: Upload) -> FileAsset:
    """Raises ``UploadGone`` where it was not, but removed, with bytes that were perhaps not all together then."""
    asset = FileAsset.objects.filter(pk=upload.pk).first()
    if asset is None:
        current_store().abort(upload.store_state)
        raise UploadGone("the upload was aborted or has expired")
    return asset
