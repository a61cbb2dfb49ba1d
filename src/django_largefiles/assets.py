"""Assets by their id, as far as the access policy lets a user see them."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone

from .access import User, access_policy
from .exceptions import AssetNotFound, NotPermitted, UploadGone
from .models import FileAsset, Upload
from .states import State


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
    check_may_download(user, asset)
    return asset


def check_may_download(user: User, asset: FileAsset) -> None:
    """Raise ``NotPermitted``."""
    if not access_policy().may_download(user, asset):
        raise NotPermitted("downloading the file is not permitted", value=str(asset.pk))


def arriving(asset: FileAsset) -> Upload | None:
    """The record of an asset whose bytes are not all there."""
    upload: Upload | None = getattr(asset, "upload", None)
    if upload:
        upload.asset = asset
    return upload if asset.state == State.RECEIVING else None


def check_not_expired(upload: Upload) -> None:
    """Raises ``UploadGone``."""
    if upload.expires_at < timezone.now():
        raise UploadGone("the upload has expired", value=str(upload.pk))


def unexpired_asset(user: User, asset_id: UUID) -> FileAsset:
    """Raises ``AssetNotFound``, and ``UploadGone`` for one whose bytes were awaited too long."""
    asset = visible_asset(user, asset_id)
    upload = arriving(asset)
    if upload:
        check_not_expired(upload)
    return asset


def check_may_append(user: User, asset: FileAsset) -> None:
    """Raises ``NotPermitted``."""
    if not access_policy().may_append(user, asset):
        raise NotPermitted("going on with the upload is not permitted", value=str(asset.pk))


def delete(user: User, asset: FileAsset) -> None:
    """With its bytes, arriving or not. Raises ``NotPermitted``."""
    if not access_policy().may_delete(user, asset):
        raise NotPermitted("deleting the file is not permitted", value=str(asset.pk))
    asset.delete()
