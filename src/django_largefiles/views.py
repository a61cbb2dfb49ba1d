from __future__ import annotations

from uuid import UUID

from django.db.transaction import non_atomic_requests
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from .assets import downloadable_asset, linked_asset
from .delivery.disposition import asked_disposition
from .delivery.headers import with_headers
from .delivery.problems import problem_response
from .delivery.responses import deliver
from .doors.cors import add_cors_headers
from .exceptions import MethodNotAllowed, Refusal, StoreError
from .links import Link

LINK_METHODS = "GET, HEAD, OPTIONS"

LINK_HEADERS = {
    # A link is made to be used by other pages, and what it allows does not depend on their user's cookies.
    "Cross-Origin-Resource-Policy": "cross-origin",
    # Its URL is a secret, which a file that is shown must not tell to the pages that it refers to.
    "Referrer-Policy": "no-referrer",
}


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


@csrf_exempt
@non_atomic_requests
def link(request: HttpRequest, token: str) -> HttpResponseBase:
    """Answer with the bytes of a ready asset, for the holder of a link that ``FileAsset.signed_url`` made."""
    try:
        response = _follow(request, token)
    except (Refusal, StoreError) as error:
        # A cache may store a 404 and a 410 that do not forbid it (RFC 9111 section 4.2.2).
        response = with_headers(problem_response(error), {"Cache-Control": "no-store"})
    add_cors_headers(request, response)
    return with_headers(response, LINK_HEADERS)


def _follow(request: HttpRequest, token: str) -> HttpResponseBase:
    if request.method == "OPTIONS":
        return HttpResponse(headers={"Allow": LINK_METHODS})
    if request.method not in {"GET", "HEAD"}:
        raise MethodNotAllowed(limit=LINK_METHODS, value=request.method)
    followed = Link.read(token)
    # Links need no session, so that a project may have no middleware that sets the user.
    asset = linked_asset(getattr(request, "user", None), followed)
    return deliver(request, asset, disposition=followed.disposition)
