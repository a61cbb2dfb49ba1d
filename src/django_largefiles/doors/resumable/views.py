"""The two resources of resumable uploads: the collection, and one upload in it; and all other paths below it."""

from __future__ import annotations

from uuid import UUID

from django.db.transaction import non_atomic_requests
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from ...authentication import current_authenticator
from ...delivery.problems import full_database_told, problem_response
from ...exceptions import AssetNotFound, LargeFilesError, NotAuthenticated, NotPermitted, Refusal, StoreError
from ...protocols import ietf, tus
from ...transport.lingering import linger
from ..claims import streams_body
from ..cors import add_cors_headers
from .exchange import Exchange
from .ietf import IETF
from .protocol import Protocol
from .tus import TUS


@streams_body
@csrf_exempt
@non_atomic_requests
def uploads(request: HttpRequest, asset_id: UUID | None = None, **kwargs: object) -> HttpResponseBase:
    """Answer tus and the IETF draft, by their headers; ``GET`` of a complete upload is its download."""
    protocol = _protocol(request)
    try:
        response = _answer(request, asset_id, protocol)
    except (Refusal, StoreError) as error:
        response = _refuse(error, protocol)
    add_cors_headers(request, response)
    linger(request.META, response)
    return response


@csrf_exempt
@non_atomic_requests
def unknown_upload(request: HttpRequest, path: str, **kwargs: object) -> HttpResponseBase:
    """Answer at the ``path`` of no upload as for an upload that does not exist, so that clients can read it."""
    if request.method == "OPTIONS":
        response: HttpResponseBase = _options(request)
    else:
        response = _refuse(AssetNotFound(value=path), _protocol(request))
    add_cors_headers(request, response)
    return response


def _protocol(request: HttpRequest) -> Protocol:
    if ietf.is_ietf(request.headers):
        return IETF
    # In the draft, downloading, asking for the offset and cancelling need no header.
    if "Tus-Resumable" not in request.headers and request.method in {"GET", "HEAD", "DELETE"}:
        return IETF
    return TUS


@full_database_told()
def _answer(request: HttpRequest, asset_id: UUID | None, protocol: Protocol) -> HttpResponseBase:
    method = tus.method_override(request.method or "", request.headers.get("X-HTTP-Method-Override"))
    if method == "OPTIONS":
        return _options(request)
    authenticator = current_authenticator()
    user = authenticator.authenticate(request)
    if method == "POST" and asset_id is None:
        authenticator.admit_creation(request, user)
    try:
        return protocol.answer(Exchange(request=request, method=method, user=user, asset_id=asset_id))
    except NotPermitted as error:
        challenge = "" if user.is_authenticated else authenticator.challenge(request)
        if challenge:
            raise NotAuthenticated(error.detail, challenge=challenge) from error
        raise


def _options(request: HttpRequest) -> HttpResponse:
    """Tell what the server supports. This is no secret, unlike the limits of profiles, and needs no authentication.

    The status is 200: some clients take no other for a success.
    """
    headers = dict(TUS.options_headers(request)) | dict(IETF.options_headers(request))
    headers["Accept-Patch"] = f"{tus.CONTENT_TYPE}, {ietf.CONTENT_TYPE}"
    return HttpResponse(headers=headers)


def _refuse(error: LargeFilesError, protocol: Protocol) -> HttpResponseBase:
    response = problem_response(error, protocol.problem_members(error))
    for name, value in protocol.refusal_headers(error).items():
        response[name] = value
    response["Cache-Control"] = "no-store"
    return response
