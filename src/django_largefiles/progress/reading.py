"""The rows of assets that are followed."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from uuid import UUID

from django.db import router
from django.db.models import Q

from ..access import User, access_policy
from ..assets import uploaded_in
from ..models import FileAsset, FileAssetQuerySet
from .status import STATUS_FIELDS, Status
from .updates import Update

COLUMNS = (
    *(name for name in STATUS_FIELDS if name not in {"received", "words"}),
    # Of these the two others are made.
    "upload__offset",
    "original_name",
    "profile",
)


def read(asset_ids: Collection[UUID]) -> dict[UUID, Update]:
    """Return the updates of these assets, by one query."""
    return updates_of(asset_ids, _assets().filter(pk__in=asset_ids))


def read_visible(user: User, asset_ids: Collection[UUID], session: str = "") -> dict[UUID, Update]:
    """Return the same, by one query, but take assets that the user may not view for gone.

    ``session`` is what ``upload_tokens.session_of`` returns: its uploads are visible to it as by ``assets.may_see``.
    """
    assets = _assets().filter(pk__in=asset_ids)
    visible = access_policy().visible(user, assets)
    if session:
        # Not by an operator of query sets: that of the host may be distinct, or have annotations.
        visible = assets.filter(Q(pk__in=visible.values("pk")) | uploaded_in(session))
    return updates_of(asset_ids, visible)


def updates_of(asset_ids: Collection[UUID], assets: Iterable[FileAsset]) -> dict[UUID, Update]:
    found = {asset.pk: Status.of(asset) for asset in assets}
    updates = {asset_id: Update(asset_id=asset_id, status=found.get(asset_id)) for asset_id in asset_ids}
    for update in updates.values():
        # Computed here, and not in the thread of an event loop.
        update.version  # noqa: B018
    return updates


def _assets() -> FileAssetQuerySet:
    # Replicas lag, each by a time of its own, so that a state read from them could go back.
    assets = FileAsset.objects.using(router.db_for_write(FileAsset))
    return assets.select_related("upload").only(*COLUMNS)
