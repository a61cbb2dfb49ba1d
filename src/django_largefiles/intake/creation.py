"""The one funnel behind every door.

A door that takes a file in one request calls ``begin`` and then ``write``, ``finish`` or ``abort`` of the
``UploadWriter``. One that may be interrupted calls ``create``, and for each request ``resume``, ``write`` and
``pause`` or ``finish``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from django.db import router, transaction
from django.utils import timezone

from .. import clock, lifecycle, rules, usage
from ..access import User, access_policy
from ..conf import Profile, get_profile
from ..exceptions import MalformedRequest, NotPermitted, Refusal, StoreError, TakenOver
from ..media_types.matching import is_pattern
from ..models import FileAsset, Upload
from ..names import sanitize, storage_key
from ..options import DEFAULT_PROFILE
from ..protocols.errors import OffsetMismatch
from ..stores import current_store, direct_uploads
from ..stores.base import StoreState
from ..transactions import in_transaction_of
from .writing import UploadWriter, expected_sha256, reload


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """What is said of a file before its bytes arrive. Nothing of it is believed.

    ``length`` is in bytes, ``None`` where it is not known, and then ``at_most`` where a bound is; ``sha256`` is the
    digest that the client expects, in hexadecimal or Base64, or empty; ``client_fields`` are kept as they are.
    """

    name: str
    owner: User | None = None
    profile: str = DEFAULT_PROFILE
    length: int | None = None
    at_most: int | None = None
    media_type: str = ""
    sha256: str = ""
    client_fields: Mapping[str, str] = field(default_factory=dict)


def authorize(user: User, profile_name: str) -> None:
    """Raises ``UnknownProfile`` and ``NotPermitted``."""
    get_profile(profile_name)
    if not access_policy().may_upload(user, profile_name):
        raise NotPermitted(f"uploading to the profile {profile_name!r} is not permitted", value=profile_name)


def begin(declaration: Declaration) -> UploadWriter:
    """Make the records and the room for a file, and open it for writing. Raises what ``create`` raises."""
    upload = create(declaration)
    with discarded_on_failure(upload):
        return UploadWriter(upload)


@contextmanager
def discarded_on_failure(upload: Upload) -> Iterator[None]:
    """Around what is done with a new upload before its client knows of it: where that fails, it must not stay."""
    try:
        yield
    except BaseException:
        lifecycle.discard(upload.pk)
        raise


def create(declaration: Declaration, *, kind: str = Upload.Kind.WHOLE, parts: Iterable[UUID] = ()) -> Upload:
    """Make the records and the room for a file.

    Raises ``UnknownProfile``, ``TooLarge`` from the declared length alone, ``QuotaExceeded``, ``MalformedRequest`` and
    ``StoreError``.
    """
    profile = get_profile(declaration.profile)
    rules.check_size(declaration.length or 0, profile)
    # The rows come first: whatever a crash leaves in the store then has a row that expires.
    upload = _create_records(declaration, profile, kind, [str(part) for part in parts])
    with discarded_on_failure(upload):
        state = _begun(upload)
        if state != upload.store_state:
            upload.store_state = state
            upload.save(update_fields=["store_state"])
    return upload


def resume(upload: Upload, offset: int, *, checkpoints: bool = True) -> UploadWriter:
    """Take an upload over, from whomever is writing to it, to write on from ``offset``.

    Raises ``OffsetMismatch``, ``TakenOver``, ``UploadGone`` and ``StoreError``; then nothing has changed.
    """
    token, using = uuid4(), router.db_for_write(Upload)
    # The row stays locked until the store knows the token too: else of two requests that come at once one could hold
    # the row and the other the store, and neither could go on.
    with transaction.atomic(using=using):
        if not Upload.objects.using(using).filter(pk=upload.pk, offset=offset).update(lease_token=token):
            upload = reload(upload)
            raise OffsetMismatch(upload.offset, offset)
        upload.lease_token = token
        if current_store().keeps_progress:
            states = Upload.objects.using(using).values_list("store_state", flat=True)
            upload.store_state = states.get(pk=upload.pk)
        return UploadWriter(upload, checkpoints=checkpoints)


def interrupt(asset_id: UUID) -> None:
    """Stop whoever is writing to an upload: its offset then stays what it is until a later request."""
    Upload.objects.filter(pk=asset_id).update(lease_token=None)


def assemble(upload: Upload, parts: Sequence[Upload]) -> FileAsset:
    """Make a final upload of its partial ones, which stay as they are; raises what ``finish`` raises.

    The storage copies the bytes where it can; else they are copied and hashed in one pass. What cannot be put together
    is aborted, unless it is somebody else's by then: the parts are still there to make another of.
    """
    # Without checkpoints, so that whoever comes after a crash finds it at its beginning.
    writer = resume(upload, 0, checkpoints=False)
    try:
        writer.concatenate(parts)
        return writer.finish()
    except TakenOver:
        raise
    except (Refusal, StoreError):
        writer.abort()
        raise
    finally:
        writer.close()


def set_length(upload: Upload, length: int) -> None:
    """Tell the length that was deferred. Raises ``MalformedRequest`` where another is known, and ``TooLarge``."""
    if upload.length is None:
        if length < upload.offset:
            raise _other_length(upload.offset, length)
        rules.check_size(length, get_profile(upload.asset.profile))
        upload.length = length if _completes(upload, length) else _told_length(upload, length)
    if upload.length != length:
        raise _other_length(upload.length, length)


def _completes(upload: Upload, length: int) -> bool:
    """Only ``complete`` may save such a length: a client that sees its offset at the end sends nothing more."""
    return upload.kind == Upload.Kind.WHOLE and upload.offset == length


def _told_length(upload: Upload, length: int) -> int | None:
    """Return the length that counts from now on: another request may have been the first to tell it."""
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


@in_transaction_of(FileAsset)
def _create_records(declaration: Declaration, profile: Profile, kind: str, parts: list[str]) -> Upload:
    using, reservation = router.db_for_write(FileAsset), _reservation(declaration, profile)
    usage.admit(declaration.owner, reservation, using)
    asset = _create_asset(declaration, profile, using)
    upload = Upload.objects.using(using).create(
        asset=asset,
        kind=kind,
        parts=parts,
        length=declaration.length,
        reserved=reservation,
        store_state={"name": storage_key(asset.pk)},
        lease_token=uuid4(),
        expires_at=clock.after(profile.upload_expires_after),
    )
    # For headers alone: it agrees with the response's Date, which is of this machine too.
    upload.expires_at = timezone.now() + profile.upload_expires_after
    return upload


def _create_asset(declaration: Declaration, profile: Profile, using: str) -> FileAsset:
    owner = declaration.owner
    return FileAsset.objects.using(using).create(
        owner_id=owner.pk if owner and owner.is_authenticated else None,
        profile=profile.name,
        original_name=sanitize(declaration.name),
        size=declaration.length,
        client_fields=dict(declaration.client_fields),
        declared_type=declaration.media_type if is_pattern(declaration.media_type) else "",
        expected_sha256=expected_sha256(declaration.sha256),
    )


def _begun(upload: Upload) -> StoreState:
    name: str = upload.store_state["name"]
    if upload.kind == Upload.Kind.DIRECT:
        assert upload.length is not None
        return direct_uploads().begin(name, upload.length).state()
    return current_store().begin(name, upload.length)


def _reservation(declaration: Declaration, profile: Profile) -> int:
    if declaration.length is not None:
        return declaration.length
    return min(profile.max_upload_size, declaration.at_most or profile.max_upload_size)
