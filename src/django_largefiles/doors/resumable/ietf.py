"""The IETF draft "Resumable Uploads for HTTP", a function for each verb (draft-ietf-httpbis-resumable-upload)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.http import parse_header_parameters

from ...assets import arriving
from ...conf import get_profile
from ...exceptions import MalformedRequest, StateConflict, TooLarge, UnknownProfile, WrongContent
from ...intake.creation import Declaration, authorize, begin, interrupt, resume, set_length
from ...intake.writing import UploadWriter
from ...models import FileAsset, Upload
from ...options import DEFAULT_PROFILE
from ...protocols import ietf
from ...protocols.digests import ContentDigests, format_digest, parse_digests
from ...protocols.errors import MalformedHeader, OffsetMismatch, ProtocolError, UploadCompleted
from ...rules import check_declared
from .exchange import (
    Exchange,
    Verb,
    check_not_rejected,
    check_room,
    chosen_verb,
    download,
    find_asset,
    find_asset_to_append_to,
    finish,
    may_append,
    receive,
    terminate,
)


def answer(exchange: Exchange) -> HttpResponseBase:
    """Raises ``ProtocolError``, ``Refusal`` and ``StoreError``."""
    return chosen_verb(exchange, COLLECTION if exchange.asset_id is None else RESOURCE)(exchange)


def refusal_headers(error: object) -> dict[str, str]:
    if isinstance(error, ProtocolError):
        return ietf.refusal_headers(error)
    # A file that is not wanted is the answer of the resource that was uploaded to: resuming would not mend it.
    headers = {"Upload-Complete": ietf.format_complete(isinstance(error, WrongContent))}
    if isinstance(error, TooLarge) and isinstance(error.limit, int):
        headers["Upload-Limit"] = ietf.format_limit(max_size=error.limit)
    return headers


def options_headers(request: HttpRequest) -> dict[str, str]:
    """Section "Limits": those of an upload that would be created here."""
    try:
        profile = get_profile(_profile(request))
    except UnknownProfile:
        return {}
    lifetime = int(profile.upload_expires_after.total_seconds())
    return {"Upload-Limit": ietf.format_limit(max_size=profile.max_upload_size, max_age=lifetime)}


def post(exchange: Exchange) -> HttpResponse:
    """Section "Upload Creation": the body is the file, or its beginning."""
    complete = ietf.required_complete(exchange.header("Upload-Complete"))
    digests = ContentDigests(exchange.header("Content-Digest"))
    declaration = _declaration(exchange, _length(exchange, offset=0, complete=complete, known=None))
    authorize(exchange.user, declaration.profile)
    check_declared(declaration.media_type, declaration.name, get_profile(declaration.profile))
    with begin(declaration) as writer:
        response = _append(exchange, writer, digests, complete=complete)
    response.status_code = 201
    response["Location"] = exchange.location(writer.asset_id)
    return response


def head(exchange: Exchange) -> HttpResponse:
    """Section "Offset Retrieval"."""
    asset = _interrupted(exchange)
    upload = arriving(asset)
    if upload is None:
        check_not_rejected(asset)
    response = HttpResponse(status=204, headers={"Cache-Control": "no-store"})
    response["Upload-Complete"] = ietf.format_complete(upload is None)
    response["Upload-Offset"] = str(upload.offset if upload else asset.size)
    response["Upload-Limit"] = _limits(asset)
    if asset.size is not None:
        response["Upload-Length"] = str(asset.size)
    return response


def get(exchange: Exchange) -> HttpResponseBase:
    """As ``head`` while bytes arrive; then the download of the file."""
    asset = find_asset(exchange)
    return head(exchange) if arriving(asset) else download(exchange, asset)


def patch(exchange: Exchange) -> HttpResponse:
    """Section "Upload Append"."""
    ietf.check_content_type(exchange.header("Content-Type"))
    offset = ietf.required_offset(exchange.header("Upload-Offset"))
    complete = ietf.required_complete(exchange.header("Upload-Complete"))
    digests = ContentDigests(exchange.header("Content-Digest"))
    asset = find_asset_to_append_to(exchange)
    upload = arriving(asset)
    if upload is None:
        return _append_nothing(exchange, asset, offset=offset, complete=complete)
    if upload.kind != Upload.Kind.WHOLE:
        raise StateConflict(f"the upload is a {upload.kind} one of tus, which alone can go on with it")
    if offset != upload.offset:
        raise OffsetMismatch(upload.offset, offset)
    length = _length(exchange, offset=offset, complete=complete, known=upload.length)
    if length is not None:
        set_length(upload, length)
    writer = resume(upload, offset, checkpoints=not digests)
    try:
        return _append(exchange, writer, digests, complete=complete)
    except (MalformedRequest, TooLarge):
        # Section "Upload Append": past its length an upload is invalid, and stays so.
        writer.abort()
        raise
    finally:
        writer.close()


def delete(exchange: Exchange) -> HttpResponse:
    terminate(exchange)
    return HttpResponse(status=204)


COLLECTION: dict[str, Verb] = {"POST": post}
RESOURCE: dict[str, Verb] = {"HEAD": head, "GET": get, "PATCH": patch, "DELETE": delete}


def _interrupted(exchange: Exchange) -> FileAsset:
    """Section "Concurrency": an offset that is told to who may go on from it must hold until then."""
    asset = find_asset(exchange)
    if arriving(asset) and may_append(exchange, asset):
        interrupt(asset.pk)
        asset = find_asset(exchange)
    return asset


def _limits(asset: FileAsset) -> str:
    """The value of ``Upload-Limit``."""
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


def _declaration(exchange: Exchange, length: int | None) -> Declaration:
    media_type = exchange.request.content_type or ""
    digests = parse_digests(exchange.header("Repr-Digest"))
    return Declaration(
        name=_file_name(exchange.header("Content-Disposition")),
        owner=exchange.user,
        profile=_profile(exchange.request),
        length=length,
        media_type="" if media_type == ietf.CONTENT_TYPE else media_type,
        sha256=digests["sha-256"].hex() if "sha-256" in digests else "",
    )


def _profile(request: HttpRequest) -> str:
    return request.GET.get("profile") or DEFAULT_PROFILE


def _file_name(disposition: str | None) -> str:
    """Raises ``MalformedHeader``, such as for a charset that nobody knows."""
    try:
        _, parameters = parse_header_parameters(disposition or "")
    except ValueError as error:
        raise MalformedHeader(f"Content-Disposition cannot be read: {error}", value=disposition) from error
    return parameters.get("filename", "")


def _append(exchange: Exchange, writer: UploadWriter, digests: ContentDigests, *, complete: bool) -> HttpResponse:
    upload = writer.upload
    check_room(exchange, upload, upload.length)
    whole = receive(exchange, writer, digests.update if digests else None)
    if whole:
        digests.verify()
    if not (whole and complete):
        return _unfinished(upload, writer.pause())
    ietf.check_complete(offset=writer.received, length=upload.length)
    return _finished(exchange, finish(writer))


def _unfinished(upload: Upload, offset: int) -> HttpResponse:
    return HttpResponse(
        status=204,
        headers={
            "Upload-Complete": ietf.format_complete(False),
            "Upload-Offset": str(offset),
            "Upload-Limit": _limits(upload.asset),
        },
    )


def _append_nothing(exchange: Exchange, asset: FileAsset, *, offset: int, complete: bool) -> HttpResponse:
    """To an upload that has all its bytes: the answer again, which may have been lost on the way."""
    check_not_rejected(asset)
    if offset != asset.size:
        raise OffsetMismatch(asset.size or 0, offset)
    if exchange.content_length != 0 or not complete:
        raise UploadCompleted("the upload has all its bytes", limit=asset.size)
    return _finished(exchange, asset)


def _finished(exchange: Exchange, asset: FileAsset) -> HttpResponse:
    headers = {
        "Location": exchange.location(asset.pk),
        "Upload-Complete": ietf.format_complete(True),
        "Upload-Offset": str(asset.size),
    }
    if asset.sha256:
        headers["Repr-Digest"] = format_digest(asset.sha256)
    return HttpResponse(status=201, headers=headers)
