from __future__ import annotations

from uuid import UUID

from django.db.transaction import non_atomic_requests
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe

from .assets import downloadable_asset
from .delivery.disposition import asked_disposition
from .delivery.problems import problem_response
from .delivery.responses import deliver
from .exceptions import Refusal, StoreError


@require_safe
@non_atomic_requests
def download(request: HttpRequest, asset_id: UUID) -> HttpResponseBase:
    """Answer with the bytes of a ready asset, only for users that the access policy allows.

    ``?disposition=inline`` asks to have it shown.
    """
    try:
        asset = downloadable_asset(request.user, asset_id)
        return deliver(request, asset, disposition=asked_disposition(request))
    except (Refusal, StoreError) as error:
        return problem_response(error)
