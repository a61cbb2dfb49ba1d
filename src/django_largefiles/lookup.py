"""Assets by their id, as far as the access policy lets a user see them."""

from __future__ import annotations

from uuid import UUID

from .access import User, access_policy
from .exceptions import AssetNotFound, NotPermitted
from .models import FileAsset


def visible_asset(user: User, asset_id: UUID) -> FileAsset:
    """Raises ``AssetNotFound`` alike for an asset that is not there and for one that the user may not know of."""
    not_found = AssetNotFound("there is no such file", value=str(asset_id))
    try:
        asset = FileAsset.objects.select_related("upload").get(pk=asset_id)
    except FileAsset.DoesNotExist:
        raise not_found from None
    if not access_policy().may_view(user, asset):
        raise not_found
    return asset


def downloadable_asset(user: User, asset_id: UUID) -> FileAsset:
    """Raises ``AssetNotFound`` and ``NotPermitted``."""
    asset = visible_asset(user, asset_id)
    if not access_policy().may_download(user, asset):
        raise NotPermitted("downloading the file is not permitted", value=str(asset_id))
    return asset
