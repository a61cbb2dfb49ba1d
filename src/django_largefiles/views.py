from __future__ import annotations

from uuid import UUID

from django.db.transaction import non_atomic_requests
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe

from .access import User, access_policy
from .delivery import deliver
from .exceptions import AssetNotFound, NotPermitted, Refusal, StoreError
from .models import FileAsset
from .problems import problem_response


def visible_asset(user: User, asset_id: UUID) -> FileAsset:
    """Raises ``AssetNotFound`` alike for an asset that is not there and for one that the user may not know of."""
    asset = FileAsset.objects.filter(pk=asset_id).first()
    if asset is None or not access_policy().may_view(user, asset):
        raise AssetNotFound("there is no such file", value=str(asset_id))
    return asset


def downloadable_asset(user: User, asset_id: UUID) -> FileAsset:
    """Raises ``AssetNotFound`` and ``NotPermitted``."""
    asset = visible_asset(user, asset_id)
    if not access_policy().may_download(user, asset):
        raise NotPermitted("downloading the file is not permitted", value=str(asset_id))
    return asset


@require_safe
@non_atomic_requests
def download(request: HttpRequest, asset_id: UUID) -> HttpResponseBase:
    """The bytes of a ready asset, to whom the access policy lets have them."""
    try:
        return deliver(request, downloadable_asset(request.user, asset_id))
    except (Refusal, StoreError) as error:
        return problem_response(error)
