from __future__ import annotations

from uuid import UUID

from django.core.handlers.asgi import ASGIRequest
from django.db.transaction import non_atomic_requests
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from .assets import downloadable_asset, linked_asset
from .authentication import current_authenticator
from .delivery.bodiless import BodilessResponse
from .delivery.disposition import asked_disposition
from .delivery.headers import with_headers
from .delivery.problems import problem_response
from .delivery.responses import deliver
from .doors.cors import add_cors_headers
from .exceptions import MethodNotAllowed, Refusal, StoreError, TooManyStreams
from .links import Link
from .progress import event_stream
from .progress.asking import asked_assets
from .progress.event_stream import EventStream
from .progress.reading import read_visible
from .progress.streams import streams
from .progress.watcher import Watcher
from .upload_tokens import session_of

LINK_METHODS = "GET, HEAD, OPTIONS"

EVENTS_METHODS = "GET, OPTIONS"

LINK_HEADERS = {
    # A link is made to be used by other pages, and what it allows does not depend on their user's cookies.
    "Cross-Origin-Resource-Policy": "cross-origin",
    # Its URL is a secret, which a file that is shown must not tell to the pages that it refers to.
    "Referrer-Policy": "no-referrer",
}


@require_safe
@non_atomic_requests
def download(request: HttpRequest, asset_id: UUID, **kwargs: object) -> HttpResponseBase:
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
def link(request: HttpRequest, token: str, **kwargs: object) -> HttpResponseBase:
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


@non_atomic_requests
def events(request: HttpRequest, **kwargs: object) -> HttpResponseBase:
    """Tell how the assets of a page are, and what changes: by a stream of events, or once as JSON, for polling.

    204 ends a stream for good (HTML Standard, section 9.2.3): nothing more is to come, or this is WSGI, under which
    each stream would keep a thread.
    """
    try:
        response = _tell(request)
    except (Refusal, TooManyStreams) as error:
        response = problem_response(error)
    response["Cache-Control"] = "no-store"
    patch_vary_headers(response, ["Accept"])
    add_cors_headers(request, response)
    return response


def _tell(request: HttpRequest) -> HttpResponseBase:
    if request.method == "OPTIONS":
        return HttpResponse(headers={"Allow": EVENTS_METHODS})
    if request.method != "GET":
        raise MethodNotAllowed(limit=EVENTS_METHODS, value=request.method)
    user = current_authenticator().authenticate(request)
    asset_ids = asked_assets(request.GET.getlist("asset"))
    is_poll = request.get_preferred_type([event_stream.CONTENT_TYPE, "application/json"]) == "application/json"
    if not (is_poll or isinstance(request, ASGIRequest)):
        return BodilessResponse()
    updates = read_visible(user, asset_ids, session_of(user, request))
    watcher = Watcher(asset_ids, version=request.headers.get("Last-Event-ID", ""))
    watcher.offer_all(updates)
    if is_poll:
        return _polled(watcher)
    if watcher.is_settled:
        return BodilessResponse()
    streams.check(user)
    visible = [asset_id for asset_id, update in updates.items() if update.status]
    return StreamingHttpResponse(
        EventStream(user, watcher, visible), content_type=event_stream.CONTENT_TYPE, headers=event_stream.HEADERS
    )


def _polled(watcher: Watcher) -> JsonResponse:
    updates = list(watcher.take())
    return JsonResponse(
        {
            "version": watcher.version,
            "settled": watcher.is_settled,
            "states": [update.data for update in updates if update.status],
            "gone": [update.data["id"] for update in updates if not update.status],
        }
    )
