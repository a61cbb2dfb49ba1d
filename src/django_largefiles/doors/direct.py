"""The door for uploads whose bytes go directly to the storage. They are arranged here, and no byte passes.

The storage must take parts from clients (``Store.direct``). The REST API is the surface of this door.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..access import User
from ..assets import arriving, delete
from ..exceptions import StateConflict
from ..intake import creation, direct
from ..intake.creation import Declaration
from ..models import FileAsset, Upload
from ..stores.direct import DirectUpload, SignedPart, StoredPart


@dataclass(frozen=True, kw_only=True)
class Arranged:
    """A direct upload as its client sees it; ``upload`` and ``plan`` are ``None`` once it is complete."""

    asset: FileAsset
    upload: Upload | None = None
    plan: DirectUpload | None = None
    parts: tuple[StoredPart, ...] = ()
    """The parts that the storage has."""


def create(declaration: Declaration) -> Arranged:
    """Begin a direct upload. Raise ``DirectUnsupported`` and what ``intake.creation.create`` raises."""
    upload = creation.create(declaration, kind=Upload.Kind.DIRECT)
    return Arranged(asset=upload.asset, upload=upload, plan=direct.plan(upload))


def look_up(asset: FileAsset) -> Arranged:
    """Return the state of an upload, for a client that goes on with it. Raise ``StateConflict`` and ``StoreError``."""
    upload = arriving(asset)
    if upload is None:
        return Arranged(asset=asset)
    return Arranged(asset=asset, upload=upload, plan=direct.plan(upload), parts=tuple(direct.stored_parts(upload)))


def sign(user: User, asset: FileAsset, numbers: Iterable[int]) -> list[SignedPart]:
    """Return signed requests for parts. Raise ``StateConflict`` and what ``intake.direct.sign`` raises."""
    upload = arriving(asset)
    if upload is None:
        raise StateConflict("the upload is complete and takes no more parts", value=str(asset.pk))
    return direct.sign(user, upload, numbers)


def complete(user: User, asset: FileAsset) -> FileAsset:
    """Return the asset, also for a client that asks again because it did not receive the answer.

    Raise what ``intake.direct.complete`` raises.
    """
    upload = arriving(asset)
    return direct.complete(user, upload) if upload else asset


def abort(user: User, asset: FileAsset) -> None:
    """Remove an upload. Raise ``NotPermitted``."""
    delete(user, asset)
