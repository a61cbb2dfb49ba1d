"""Creating uploads: the one funnel behind every door, and the place that authorises what comes in.

A door that takes a file in one request calls ``begin`` and then ``write``, ``finish`` or ``abort`` of the
``UploadWriter``. A door whose uploads can be interrupted calls ``create``, and for each request ``resume``, ``write``
and ``pause`` or ``finish``. The functions named ``…_trusted`` are for callers that speak for the host project.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth.models import AnonymousUser
from django.db import router
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from .. import clock, lifecycle, rules, throttling, usage
from ..access import User, access_policy
from ..conf import Profile, get_profile, largefiles_settings
from ..exceptions import NotPermitted, UnknownProfile
from ..media_types.matching import is_pattern
from ..models import FileAsset, Upload
from ..names import sanitize, storage_key
from ..options import DEFAULT_PROFILE
from ..states import Attachment
from ..stores import configured_store, direct_uploads, store_of
from ..stores.base import StoreState
from ..transactions import in_transaction_of
from ..upload_tokens import session_for
from .writing import UploadWriter, expected_sha256


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """What a client declares of a file before its bytes arrive. None of it is trusted.

    ``length`` is in bytes, ``None`` if it is not known, and then ``at_most`` if there is a bound; ``sha256`` is the
    digest that the client expects, in hexadecimal or Base64, or empty; ``sha512`` likewise, in lower-case hexadecimal
    alone; ``client_fields`` are stored verbatim; ``attachment`` is ``PROVISIONAL`` if the file is for a form that is
    saved later; ``head`` are the first 2 KiB of a file whose bytes do not pass through the site, or all of a smaller
    one, judged before anything is created, or empty; ``request`` is the one that declares it, for the throttles, and
    ``None`` in Python code.
    """

    name: str
    owner: User | None = None
    profile: str = DEFAULT_PROFILE
    length: int | None = None
    at_most: int | None = None
    media_type: str = ""
    sha256: str = ""
    sha512: str = ""
    client_fields: Mapping[str, str] = field(default_factory=dict)
    attachment: Attachment = Attachment.STANDALONE
    head: bytes = b""
    request: HttpRequest | None = None


def authorize(user: User, profile_name: str) -> None:
    """Check that a user may upload. Raise ``UnknownProfile`` and ``NotPermitted``.

    A profile to which the user may not upload is answered like one that does not exist: by ``NotPermitted`` if the
    user may not even upload to the default profile, else by ``UnknownProfile``. ``create`` and ``begin`` do this
    themselves; a door may do it earlier, to refuse a request before it reads on or tells anything of the profile.
    """
    policy = access_policy()
    if profile_name in largefiles_settings.profiles and policy.may_upload(user, profile_name):
        return
    if profile_name != DEFAULT_PROFILE and policy.may_upload(user, DEFAULT_PROFILE):
        raise UnknownProfile(f"there is no profile {profile_name!r} to which you may upload", value=profile_name)
    raise NotPermitted(f"uploading to the profile {profile_name!r} is not permitted", value=profile_name)


def begin(declaration: Declaration) -> UploadWriter:
    """Create an upload and open it for writing. Raise what ``create`` raises."""
    return _open(create(declaration))


def begin_trusted(declaration: Declaration) -> UploadWriter:
    """As ``begin``, without asking the access policy. Raise what ``create_trusted`` raises."""
    return _open(create_trusted(declaration))


def create(declaration: Declaration, *, kind: str = Upload.Kind.WHOLE, parts: Iterable[UUID] = ()) -> Upload:
    """Create the records of an upload, and make room for it in the store.

    Raise ``NotPermitted`` unless the owner, who is anonymous if there is none, may upload; ``Throttled``;
    ``TypeNotAllowed`` and ``TypeMismatch`` from the declared type, name and head; and what ``create_trusted`` raises.
    """
    owner = declaration.owner or AnonymousUser()
    authorize(owner, declaration.profile)
    if declaration.request:
        throttling.admit(declaration.request, owner)
    # Only the file that is made of partial uploads has a type.
    if kind != Upload.Kind.PARTIAL:
        _check_declared(declaration, get_profile(declaration.profile))
    return create_trusted(declaration, kind=kind, parts=parts)


def _check_declared(declaration: Declaration, profile: Profile) -> None:
    rules.check_declared(declaration.media_type, declaration.name, profile)
    if declaration.head:
        rules.check_head(rules.sniff_head(declaration.head), declaration.name, profile)


def create_trusted(declaration: Declaration, *, kind: str = Upload.Kind.WHOLE, parts: Iterable[UUID] = ()) -> Upload:
    """As ``create``, without asking the access policy or judging the declared type.

    Raise ``UnknownProfile``, ``TooLarge`` from the declared length alone, ``QuotaExceeded``, ``TooManyUploads``,
    ``MalformedRequest`` and ``StoreError``.
    """
    profile = get_profile(declaration.profile)
    rules.check_size(declaration.length or 0, profile)
    configured_store().check_room(declaration.length or declaration.at_most or 0)
    # The rows come first: what a crash leaves in the store then has a row that expires.
    upload = _create_records(declaration, profile, kind, [str(part) for part in parts])
    with discarded_on_failure(upload):
        state = _begun(upload)
        if state != upload.store_state:
            upload.store_state = state
            upload.save(update_fields=["store_state"])
    return upload


@contextmanager
def discarded_on_failure(upload: Upload) -> Iterator[None]:
    """Remove a new upload if the block fails: its client does not know of it yet, and could not go on with it.

    Another request may have found and taken over the upload; it is kept then. A final upload has no bytes of its own.
    """
    held = Q(upload__kind=Upload.Kind.FINAL) | Q(upload__lease_token=upload.lease_token)
    try:
        yield
    except BaseException:
        lifecycle.discard(upload.pk, only=held)
        raise


@contextmanager
def aborted_on_failure(writer: UploadWriter) -> Iterator[None]:
    """Release the store after the block, and remove the upload if the block fails before ``pause`` and ``finish``.

    For a request that creates an upload and writes to it. Another request may have found and taken over the upload; it
    is kept then.
    """
    with writer:
        try:
            yield
        except BaseException:
            writer.abort()
            raise


def _open(upload: Upload) -> UploadWriter:
    with discarded_on_failure(upload):
        return UploadWriter(upload)


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
        **_hold(kind),
        expires_at=clock.after(profile.upload_expires_after),
    )
    # For headers alone: it agrees with the response's Date, which is of this machine too.
    upload.expires_at = timezone.now() + profile.upload_expires_after
    return upload


def _hold(kind: str) -> dict[str, Any]:
    """Return the columns of a new upload that say who may write to it."""
    if kind == Upload.Kind.FINAL:
        return {"lease_expires_at": lifecycle.wait_for_parts()}
    return {"lease_token": uuid4()}


def _create_asset(declaration: Declaration, profile: Profile, using: str) -> FileAsset:
    owner, session = declaration.owner, _session(declaration)
    asset = FileAsset.objects.using(using).create(
        owner_id=owner.pk if owner and owner.is_authenticated else None,
        profile=profile.name,
        original_name=sanitize(declaration.name),
        size=declaration.length,
        client_fields=dict(declaration.client_fields),
        declared_type=declaration.media_type if is_pattern(declaration.media_type) else "",
        expected_sha256=expected_sha256(declaration.sha256),
        expected_sha512=declaration.sha512,
        attachment=declaration.attachment,
        expires_at=lifecycle.expiry(declaration.attachment),
        session=session,
    )
    asset.is_of_this_session = bool(session)
    return asset


def _session(declaration: Declaration) -> str:
    if declaration.request is None:
        return ""
    owner, is_for_form = declaration.owner or AnonymousUser(), declaration.attachment == Attachment.PROVISIONAL
    return session_for(owner, declaration.request, with_token=is_for_form)


def _begun(upload: Upload) -> StoreState:
    name: str = upload.store_state["name"]
    if upload.kind == Upload.Kind.DIRECT:
        assert upload.length is not None
        return direct_uploads(upload.asset.storage).begin(name, upload.length).state()
    return store_of(upload.asset).begin(name, upload.length)


def _reservation(declaration: Declaration, profile: Profile) -> int:
    if declaration.length is not None:
        return declaration.length
    return min(profile.max_upload_size, declaration.at_most or profile.max_upload_size)
