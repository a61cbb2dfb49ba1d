from __future__ import annotations

from uuid import UUID

from django.db.transaction import non_atomic_requests
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe

from .assets import downloadable_asset
from .delivery.problems import problem_response
from .delivery.responses import deliver
from .exceptions import Refusal, StoreError


@require_safe
@non_atomic_requests
def download(request: HttpRequest, asset_id: UUID) -> HttpResponseBase:
    """Answer with the bytes of a ready asset, only for users that the access policy allows."""
    try:
        return deliver(request, downloadable_asset(request.user, asset_id))
    except (Refusal, StoreError) as error:
        return problem_response(error)
