"""Assets in any state, as tests need them."""

from __future__ import annotations

import base64
from io import SEEK_END, BytesIO
from mimetypes import MimeTypes
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from asgiref.sync import sync_to_async
from django.db import router

from .. import clock, usage
from ..access import User
from ..conf import Profile, get_profile
from ..lifecycle import HAND_OVER, KEPT, LEASE, MAX_ATTEMPTS
from ..lifecycle.attachment import expiry
from ..media_types.sniffing import HEAD_LENGTH, sniff_head
from ..models import FileAsset, Upload
from ..names import sanitize, storage_key
from ..options import DEFAULT_PROFILE
from ..states import Attachment, Reason, ScanVerdict, Stage, State
from ..stores import store_at
from ..stores.storage import configured_alias
from ..transactions import in_transaction_of
from . import contents

PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
"""A PNG of one pixel."""

FAILURES = (Reason.GAVE_UP, Reason.STORE_UNAVAILABLE, Reason.SCANNER_UNAVAILABLE)

REASONS = {
    State.REJECTED: tuple(reason for reason in Reason if reason not in FAILURES),
    State.FAILED: FAILURES,
}
"""Those that an asset can have in a state; the first is the default."""

VERDICTS = {
    Reason.INFECTED: ScanVerdict.INFECTED,
    Reason.UNSCANNABLE: ScanVerdict.UNSCANNABLE,
    Reason.SCANNER_UNAVAILABLE: ScanVerdict.ERROR,
}

SET_AFTERWARDS = ("file", "created_at", "updated_at")
"""Columns whose values are refused or replaced when a row is inserted."""


def make_asset(
    state: State | str = State.READY,
    *,
    content: bytes | Path | None = None,
    name: str = "",
    owner: User | None = None,
    profile: str = DEFAULT_PROFILE,
    media_type: str = "",
    attachment: Attachment | str = Attachment.STANDALONE,
    reason: Reason | str = "",
    received: int = 0,
    **columns: Any,
) -> FileAsset:
    """Return a new asset in any state, with the columns, the bytes and the upload that it has in production.

    ``content`` are the bytes, or the path of a file that is copied; by default a PNG of one pixel. ``name`` defaults
    to that of the file, and ``media_type`` to the type that the extension of the name stands for, or else to that of
    the bytes. ``reason`` is for rejected and failed assets. Of a ``receiving`` one, ``received`` bytes have arrived.
    ``columns`` are other columns of the row, such as ``width`` or ``created_at``. They replace those that are
    computed: a ``size`` need not be that of the bytes.

    No rule is applied, no worker notified, no scanner or extractor run, and no signal sent. Raise ``ValueError`` for a
    state or a reason that an asset cannot have, ``UnknownProfile`` and ``StoreError``.
    """
    state, rules = State(state), get_profile(profile)
    row = {
        "id": uuid4(),
        "storage": configured_alias(),
        "state": state,
        "owner": owner if owner and owner.is_authenticated else None,
        "profile": rules.name,
        "attachment": Attachment(attachment),
        "expires_at": expiry(Attachment(attachment)),
        "original_name": sanitize(name or _name_of(content)),
        **_progress(state, rules),
        **_refusal(state, reason),
        **columns,
    }
    with contents.opened(PICTURE if content is None else content) as file:
        kind = media_type or _type_of(row["original_name"], file)
        if state == State.RECEIVING:
            upload = _upload(row, rules, file, received, kind)
        else:
            upload, row = None, {**_stored(row, file), "media_type": kind, **row}
    return _inserted(row, upload)


async def amake_asset(state: State | str = State.READY, **options: Any) -> FileAsset:
    """Do what ``make_asset`` does, in a thread, with the same options."""
    return await sync_to_async(make_asset)(state, **options)


def _name_of(content: bytes | Path | None) -> str:
    if content is None:
        return "picture.png"
    return content.name if isinstance(content, Path) else "file"


def _type_of(name: str, file: IO[bytes]) -> str:
    # Without the system's table, which differs between machines.
    named, _ = MimeTypes(filenames=()).guess_type(name)
    head = file.read(HEAD_LENGTH)
    file.seek(0)
    return named or sniff_head(head)


def _progress(state: State, profile: Profile) -> dict[str, Any]:
    """Return the columns that tell how far workers are."""
    match state:
        case State.RECEIVING:
            return {}
        case State.RECEIVED:
            return {"lease_expires_at": clock.after(HAND_OVER)}
        case State.PROCESSING:
            return {"claims": 1, "attempts": 1, "stage": Stage.READING, "lease_expires_at": clock.after(LEASE)}
        case State.FAILED:
            return {"claims": MAX_ATTEMPTS, "attempts": MAX_ATTEMPTS, "processed_at": clock.now()}
        case State.REJECTED:
            return {"claims": 1, "attempts": 1, "processed_at": clock.now()}
    verdict = ScanVerdict.CLEAN if profile.scanners else ""
    return {"claims": 1, "attempts": 1, "processed_at": clock.now(), "scan_verdict": verdict}


def _refusal(state: State, reason: Reason | str) -> dict[str, Any]:
    """Return the columns that tell why an asset is rejected or failed. Raise ``ValueError``."""
    possible = REASONS.get(state, ())
    if reason not in {*possible, ""}:
        raise ValueError(f"an asset that is {state} cannot have the reason {str(reason)!r}")
    if not possible:
        return {}
    chosen = Reason(reason or possible[0])
    refusal = {"reason": chosen, "detail": str(chosen.label), "scan_verdict": VERDICTS.get(chosen, "")}
    # A worker claims a blocked asset again, to move its bytes.
    return refusal | ({"link_generation": 1, "claims": 2} if chosen == Reason.BLOCKED else {})


def _stored(row: dict[str, Any], file: IO[bytes]) -> dict[str, Any]:
    """Store the bytes if they are kept in this state, and return the columns that tell of them."""
    digest = contents.digest_of(file)
    told = {"size": file.tell(), "sha256": digest.sha256(), "crc32": digest.crc32}
    if row["state"] == State.REJECTED and row["reason"] not in KEPT:
        return told
    file.seek(0)
    store = store_at(row["storage"])
    name = contents.store_all(store, storage_key(row["id"]), file)
    is_published = row["state"] == State.READY or row.get("reason") == Reason.BLOCKED
    return {**told, "file": contents.publish(store, name) if is_published else name}


def _upload(row: dict[str, Any], profile: Profile, file: IO[bytes], received: int, media_type: str) -> Upload:
    """Store the first bytes, and return the upload that has them. Raise ``ValueError`` if there are not as many."""
    size = file.seek(0, SEEK_END)
    if not 0 <= received <= size:
        raise ValueError(f"of {size} bytes {received} cannot have arrived")
    file.seek(0)
    head, length = file.read(received), row.setdefault("size", size)
    return Upload(
        asset_id=row["id"],
        length=length,
        offset=received,
        reserved=profile.max_upload_size if length is None else length,
        media_type=media_type if received >= HEAD_LENGTH else "",
        digest_state=contents.digest_of(BytesIO(head)).state(),
        store_state=contents.store_some(store_at(row["storage"]), storage_key(row["id"]), length, head),
        expires_at=clock.after(profile.upload_expires_after),
    )


@in_transaction_of(FileAsset)
def _inserted(row: dict[str, Any], upload: Upload | None) -> FileAsset:
    using, asset = router.db_for_write(FileAsset), FileAsset(**row)
    is_known = usage.lock(asset.owner_id, using) is not None
    # Not by ``save``, whose signals would have a later request of the test repair rows.
    later = {name: row[name] for name in SET_AFTERWARDS if name in row}
    FileAsset.objects.using(using).bulk_create([FileAsset(**(row | {"file": ""}))])
    FileAsset.objects.using(using).filter(pk=asset.pk).update(**later)
    if upload:
        upload.save(using=using, force_insert=True)
    if is_known and (upload or asset.file):
        size = upload.reserved if upload else asset.size or 0
        usage.change(asset.owner_id, using, bytes=size, files=1, uploads=1 if upload else 0)
    return FileAsset.objects.using(using).get(pk=asset.pk)
