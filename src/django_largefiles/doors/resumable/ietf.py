"""Resumable Uploads for HTTP, a function for each verb (draft-ietf-httpbis-resumable-upload)."""

from __future__ import annotations

from contextlib import suppress

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from ...assets import arriving
from ...authentication import current_authenticator
from ...conf import get_profile
from ...delivery.bodiless import BodilessResponse
from ...delivery.headers import digest_headers
from ...exceptions import OffsetMismatch, Refusal, StateConflict, TooLarge, UploadCompleted
from ...intake.creation import aborted_on_failure, authorize, begin
from ...intake.resuming import finish, interrupt, resume
from ...intake.writing import UploadWriter
from ...models import FileAsset, Upload
from ...options import DEFAULT_PROFILE
from ...protocols import ietf
from ...protocols.digests import ContentDigests, declared_digests
from .declarations import ietf_declaration, ietf_profile
from .exchange import (
    Exchange,
    check_completes,
    check_not_rejected,
    check_room,
    download,
    find_asset,
    raise_malformed,
    receive,
    tell_token,
    terminate,
)
from .protocol import Protocol


def post(exchange: Exchange) -> HttpResponse:
    """Section "Upload Creation": the body is the file, or its beginning."""
    complete = ietf.required_complete(exchange.header("Upload-Complete"))
    digests = ContentDigests(exchange.header("Content-Digest"))
    declaration = ietf_declaration(exchange, _length(exchange, offset=0, complete=complete, known=None))
    writer = begin(declaration)
    with aborted_on_failure(writer):
        response = _append(exchange, writer, digests, complete=complete)
    response.status_code = 201
    response["Location"] = exchange.location(writer.asset_id)
    tell_token(exchange, writer.upload.asset, response)
    return response


def head(exchange: Exchange) -> HttpResponse:
    """Section "Offset Retrieval"."""
    asset = _interrupted(exchange)
    upload = arriving(asset)
    if upload is None:
        check_not_rejected(asset)
    response = BodilessResponse(headers={"Cache-Control": "no-store"})
    response["Upload-Complete"] = ietf.format_complete(upload is None)
    response["Upload-Offset"] = str(upload.offset if upload else asset.size)
    response["Upload-Limit"] = _limits(asset)
    if asset.size is not None:
        response["Upload-Length"] = str(asset.size)
    tell_token(exchange, asset, response)
    return response


def get(exchange: Exchange) -> HttpResponseBase:
    """Download the file, once it is complete; until then, as ``head``."""
    asset = find_asset(exchange)
    return head(exchange) if arriving(asset) else download(exchange, asset)


def patch(exchange: Exchange) -> HttpResponse:
    """Section "Upload Append"."""
    ietf.check_content_type(exchange.header("Content-Type"))
    offset = ietf.required_offset(exchange.header("Upload-Offset"))
    complete = ietf.required_complete(exchange.header("Upload-Complete"))
    digests = ContentDigests(exchange.header("Content-Digest"))
    declared = declared_digests(exchange.header("Repr-Digest"))
    asset = find_asset(exchange)
    upload = arriving(asset)
    if upload is None:
        return _append_nothing(exchange, asset, offset=offset, complete=complete)
    if upload.kind != Upload.Kind.WHOLE:
        raise StateConflict(f"the upload is a {upload.kind} upload of tus; continue it with tus", value=upload.kind)
    if offset != upload.offset:
        raise OffsetMismatch(limit=upload.offset, value=offset)
    length = _length(exchange, offset=offset, complete=complete, known=upload.length)
    checkpoints = not digests
    with resume(exchange.user, upload, offset, length=length, digests=declared, checkpoints=checkpoints) as writer:
        try:
            return _append(exchange, writer, digests, complete=complete)
        except TooLarge:
            # Section "Upload Append": an upload that exceeds its length is invalid, and stays so.
            writer.abort()
            raise


def delete(exchange: Exchange) -> HttpResponse:
    """Section "Upload Cancellation"."""
    terminate(exchange)
    return BodilessResponse()


def _interrupted(exchange: Exchange) -> FileAsset:
    """Make the offset final for a client that may append to the upload (section "Concurrency")."""
    asset = find_asset(exchange)
    upload = arriving(asset)
    return find_asset(exchange) if upload and interrupt(exchange.user, upload) else asset


def _limits(asset: FileAsset) -> str:
    """Return the value of ``Upload-Limit``."""
    upload = arriving(asset)
    left = int((upload.expires_at - timezone.now()).total_seconds()) if upload else None
    return ietf.format_limit(max_size=get_profile(asset.profile).max_upload_size, max_age=left)


def _length(exchange: Exchange, *, offset: int, complete: bool, known: int | None) -> int | None:
    return ietf.announced_length(
        offset=offset,
        complete=complete,
        content_length=exchange.content_length,
        upload_length=ietf.parse_length(exchange.header("Upload-Length")),
        known=known,
    )


def _append(exchange: Exchange, writer: UploadWriter, digests: ContentDigests, *, complete: bool) -> HttpResponse:
    upload = writer.upload
    check_room(exchange, upload, upload.length)
    fault = receive(exchange, writer, digests.update if digests else None)
    if not fault:
        digests.verify()
    if fault or not complete:
        offset = writer.pause()
        raise_malformed(fault)
        return _unfinished(upload, offset)
    ietf.check_complete(offset=writer.received, length=upload.length)
    return _finished(exchange, finish(writer))


def _append_nothing(exchange: Exchange, asset: FileAsset, *, offset: int, complete: bool) -> HttpResponse:
    check_completes(exchange, asset, offset)
    if not complete:
        raise UploadCompleted(limit=asset.size)
    return _finished(exchange, asset)


def _unfinished(upload: Upload, offset: int) -> HttpResponse:
    return BodilessResponse(
        headers={
            "Upload-Complete": ietf.format_complete(False),
            "Upload-Offset": str(offset),
            "Upload-Limit": _limits(upload.asset),
        }
    )


def _finished(exchange: Exchange, asset: FileAsset) -> HttpResponse:
    headers = {
        "Location": exchange.location(asset.pk),
        "Upload-Complete": ietf.format_complete(True),
        "Upload-Offset": str(asset.size),
    }
    digests = digest_headers(asset, exchange.request.headers)
    return HttpResponse(status=201, headers=headers | digests)


def _options_headers(request: HttpRequest) -> dict[str, str]:
    """Section "Limits": those of an upload that would be created here, if the user may create it."""
    name = ietf_profile(request)
    if not (name == DEFAULT_PROFILE or _may_upload(request, name)):
        return {}
    profile = get_profile(name)
    lifetime = int(profile.upload_expires_after.total_seconds())
    return {"Upload-Limit": ietf.format_limit(max_size=profile.max_upload_size, max_age=lifetime)}


def _may_upload(request: HttpRequest, profile_name: str) -> bool:
    with suppress(Refusal):
        authorize(current_authenticator().authenticate(request), profile_name)
        return True
    return False


IETF = Protocol(
    collection={"POST": post},
    resource={"HEAD": head, "GET": get, "PATCH": patch, "DELETE": delete},
    options_headers=_options_headers,
    refusal_headers=ietf.refusal_headers,
    problem_members=ietf.problem_members,
)
