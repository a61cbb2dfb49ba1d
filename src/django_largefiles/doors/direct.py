"""The door for uploads whose bytes go straight to the storage: here they are only arranged, and no byte passes.

What it needs of the storage is that it takes parts from clients (``Store.direct``). Its surface is the REST API.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from ..access import User
from ..assets import arriving, check_may_append, delete, unexpired_asset
from ..conf import get_profile, largefiles_settings
from ..exceptions import StateConflict
from ..intake import direct
from ..intake.creation import Declaration, authorize, create as create_upload
from ..models import FileAsset, Upload
from ..rules import check_declared
from ..stores import direct_uploads
from ..stores.direct import DirectUpload, SignedPart, StoredPart


@dataclass(frozen=True, kw_only=True)
class Arranged:
    """A direct upload as its client sees it; without ``upload`` and ``plan`` once it is complete."""

    asset: FileAsset
    upload: Upload | None = None
    plan: DirectUpload | None = None
    parts: tuple[StoredPart, ...] = ()
    """Those that the storage has."""


def create(declaration: Declaration) -> Arranged:
    """Raises what ``intake.create`` raises, ``NotPermitted``, ``DirectUnsupported``, and refuses declared types."""
    assert declaration.owner is not None
    authorize(declaration.owner, declaration.profile)
    check_declared(declaration.media_type, declaration.name, get_profile(declaration.profile))
    direct_uploads(largefiles_settings.storage)
    upload = create_upload(declaration, kind=Upload.Kind.DIRECT)
    return Arranged(asset=upload.asset, upload=upload, plan=direct.plan(upload))


def look_up(user: User, asset_id: UUID) -> Arranged:
    """How far an upload is, for a client that has lost track of it.

    Raises ``AssetNotFound``, ``UploadGone``, ``StateConflict`` and ``StoreError``.
    """
    asset = unexpired_asset(user, asset_id)
    upload = arriving(asset)
    if upload is None:
        return Arranged(asset=asset)
    return Arranged(asset=asset, upload=upload, plan=direct.plan(upload), parts=tuple(direct.stored_parts(upload)))


def sign(user: User, asset_id: UUID, numbers: Iterable[int]) -> list[SignedPart]:
    """Raises ``AssetNotFound``, ``NotPermitted``, ``StateConflict``, and what ``direct_arrival.sign`` raises."""
    upload = arriving(_asset_to_append_to(user, asset_id))
    if upload is None:
        raise StateConflict("the upload is complete and takes no more parts", value=str(asset_id))
    return direct.sign(upload, numbers)


def complete(user: User, asset_id: UUID) -> FileAsset:
    """The asset, also for a client that asks again because it has not heard the answer.

    Raises ``AssetNotFound``, ``NotPermitted``, ``StateConflict``, and what ``direct_arrival.complete`` raises.
    """
    asset = _asset_to_append_to(user, asset_id)
    upload = arriving(asset)
    return direct.complete(upload) if upload else asset


def abort(user: User, asset_id: UUID) -> None:
    """Nothing is left of it. Raises ``AssetNotFound``, ``UploadGone`` and ``NotPermitted``."""
    delete(user, unexpired_asset(user, asset_id))


def _asset_to_append_to(user: User, asset_id: UUID) -> FileAsset:
    asset = unexpired_asset(user, asset_id)
    check_may_append(user, asset)
    return asset
