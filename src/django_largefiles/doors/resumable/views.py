"""The two resources of the resumable door: the collection, and one upload in it."""

from __future__ import annotations

from types import ModuleType
from uuid import UUID

from django.db.transaction import non_atomic_requests
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from ...delivery.problems import CONTENT_TYPE, problem_details, problem_response
from ...exceptions import LargeFilesError, MethodNotAllowed, NotAuthenticated, NotPermitted, Refusal, StoreError
from ...protocols import ietf, tus
from ...protocols.errors import ProtocolError
from ..authentication import current_authenticator
from ..cors import add_cors_headers
from ..multipart import largest_upload
from . import ietf as ietf_verbs, tus as tus_verbs
from .exchange import Exchange, passes_trailers


@csrf_exempt
@non_atomic_requests
def uploads(request: HttpRequest, asset_id: UUID | None = None) -> HttpResponseBase:
    """tus and the IETF draft, by their headers; ``GET`` of a finished upload is its download."""
    protocol = _protocol(request)
    try:
        response = _answer(request, asset_id, protocol)
    except (ProtocolError, Refusal, StoreError) as error:
        response = _refuse(request, error, protocol)
    add_cors_headers(request, response)
    return response


def _protocol(request: HttpRequest) -> ModuleType:
    if ietf.is_draft(request.headers):
        return ietf_verbs
    # Downloading, asking for the offset and cancelling need no header of the draft's.
    if "Tus-Resumable" not in request.headers and request.method in {"GET", "HEAD", "DELETE"}:
        return ietf_verbs
    return tus_verbs


def _answer(request: HttpRequest, asset_id: UUID | None, protocol: ModuleType) -> HttpResponseBase:
    method = tus.method_override(request.method or "", request.headers.get("X-HTTP-Method-Override"))
    if method == "OPTIONS":
        return _options(request)
    user = current_authenticator().authenticate(request)
    exchange = Exchange(request=request, method=method, user=user, asset_id=asset_id)
    try:
        response: HttpResponseBase = protocol.answer(exchange)
    except NotPermitted as error:
        challenge = "" if user.is_authenticated else current_authenticator().challenge(request)
        if challenge:
            raise NotAuthenticated(error.detail, challenge=challenge) from error
        raise
    return response


def _options(request: HttpRequest) -> HttpResponse:
    """What the server can: of no secret, so nobody needs to be known."""
    extensions = [name for name in tus.EXTENSIONS if name != "checksum-trailer" or passes_trailers(request)]
    headers = tus.options_headers(largest_upload(), extensions)
    headers |= ietf_verbs.options_headers(request)
    headers["Accept-Patch"] = f"{tus.CONTENT_TYPE}, {ietf.CONTENT_TYPE}"
    return HttpResponse(status=204, headers=headers)


def _refuse(request: HttpRequest, error: ProtocolError | LargeFilesError, protocol: ModuleType) -> HttpResponseBase:
    response = problem_response(error)
    if protocol is ietf_verbs and isinstance(error, ProtocolError):
        members = problem_details(error) | ietf.problem_members(error)
        response = JsonResponse(members, status=error.status, content_type=CONTENT_TYPE)
    if isinstance(error, ProtocolError):
        response.reason_phrase = error.phrase
    if isinstance(error, NotAuthenticated):
        response["WWW-Authenticate"] = error.challenge
    if isinstance(error, MethodNotAllowed):
        response["Allow"] = str(error.limit)
    for name, value in protocol.refusal_headers(error).items():
        response[name] = value
    response["Cache-Control"] = "no-store"
    return response
