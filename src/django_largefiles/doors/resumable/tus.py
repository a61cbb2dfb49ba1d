"""tus 1.0.0, a function for each verb (https://tus.io/protocols/resumable-upload)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from ...assets import arriving
from ...delivery.bodiless import BodilessResponse
from ...exceptions import BodyFault, FinalUpload, IncompleteBody, OffsetMismatch
from ...intake.assembly import known_length, make_final, make_finals, total_length
from ...intake.creation import create, discarded_on_failure
from ...intake.resuming import finish, resume
from ...intake.writing import UploadWriter
from ...models import FileAsset, Upload
from ...protocols import tus
from ...states import State
from ..body import passes_trailers
from ..multipart import largest_upload
from .checksum import AnnouncedChecksum, announced_checksum
from .concatenation import partial_uploads
from .declarations import tus_declaration
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
    """Create a whole, partial or final upload, with or without bytes."""
    concatenation = tus.parse_concat(exchange.header("Upload-Concat"))
    if isinstance(concatenation, tus.Final):
        return _post_final(exchange, concatenation)
    # The headers are checked as a whole before anything is created.
    has_bytes, checksum = _has_bytes(exchange), announced_checksum(exchange)
    length = tus.parse_length(exchange.header("Upload-Length"), exchange.header("Upload-Defer-Length"))
    kind = Upload.Kind.PARTIAL if concatenation else Upload.Kind.WHOLE
    upload = create(tus_declaration(exchange, length), kind=kind)
    with discarded_on_failure(upload):
        response = _created(exchange, upload)
        if has_bytes or upload.length == 0:
            check_room(exchange, upload, upload.length)
            with UploadWriter(upload, checkpoints=checksum is None) as writer:
                raise_malformed(_receive(exchange, writer, checksum))
                _settle(writer, response)
    _tell_expiry(upload, response)
    return response


def head(exchange: Exchange) -> HttpResponse:
    """Tell the offset of an upload."""
    asset = find_asset(exchange)
    response = HttpResponse(headers={"Cache-Control": "no-store", **asset.client_fields})
    upload = arriving(asset)
    if upload is None:
        check_not_rejected(asset)
        response["Upload-Offset"] = response["Upload-Length"] = str(asset.size)
    else:
        _tell_state(upload, response)
    tell_token(exchange, asset, response)
    return response


def get(exchange: Exchange) -> HttpResponseBase:
    """Download the file, once it is complete; until then, as ``head``. This is not part of the protocol."""
    asset = find_asset(exchange)
    return head(exchange) if arriving(asset) else download(exchange, asset)


def patch(exchange: Exchange) -> HttpResponse:
    """Append bytes at an offset."""
    tus.check_content_type(exchange.header("Content-Type"))
    offset = tus.parse_offset(exchange.header("Upload-Offset"))
    asset = find_asset(exchange)
    response = BodilessResponse()
    upload = arriving(asset)
    if upload is None:
        return _patch_complete(exchange, asset, offset, response)
    if upload.kind == Upload.Kind.FINAL:
        raise FinalUpload
    if offset != upload.offset:
        raise OffsetMismatch(limit=upload.offset, value=offset)
    length = tus.late_length(exchange.header("Upload-Length"), known=upload.length, offset=offset)
    check_room(exchange, upload, length)
    checksum = announced_checksum(exchange)
    with resume(exchange.user, upload, offset, length=length, checkpoints=checksum is None) as writer:
        fault = _receive(exchange, writer, checksum)
        _settle(writer, response)
        raise_malformed(fault)
    if upload.kind == Upload.Kind.PARTIAL and writer.received == upload.length:
        make_finals(upload)
    _tell_expiry(upload, response)
    return response


def delete(exchange: Exchange) -> HttpResponse:
    """Terminate an upload, or delete the file."""
    terminate(exchange)
    return BodilessResponse()


def _post_final(exchange: Exchange, final: tus.Final) -> HttpResponse:
    tus.check_final_length(exchange.header("Upload-Length"), exchange.header("Upload-Defer-Length"))
    if _has_bytes(exchange):
        raise FinalUpload
    parts = partial_uploads(exchange, final.urls)
    declaration = tus_declaration(exchange, total_length(parts))
    upload = create(declaration, kind=Upload.Kind.FINAL, parts=[part.pk for part in parts])
    with discarded_on_failure(upload):
        response = _created(exchange, upload)
        make_final(upload)
    _tell_expiry(upload, response)
    return response


def _created(exchange: Exchange, upload: Upload) -> HttpResponse:
    response = HttpResponse(status=201, headers={"Location": exchange.location(upload.pk)})
    if upload.kind != Upload.Kind.PARTIAL:
        tell_token(exchange, upload.asset, response)
    return response


def _tell_expiry(upload: Upload, response: HttpResponse) -> None:
    if upload.asset.state == State.RECEIVING:
        response["Upload-Expires"] = _expiry(upload)


def _expiry(upload: Upload) -> str:
    moment = upload.expires_at
    # Without USE_TZ, times are those of TIME_ZONE.
    return tus.http_date(timezone.make_aware(moment) if timezone.is_naive(moment) else moment)


def _tell_state(upload: Upload, response: HttpResponse) -> None:
    response["Upload-Expires"] = _expiry(upload)
    length = known_length(upload)
    if length is not None:
        response["Upload-Length"] = str(length)
    if upload.kind != Upload.Kind.FINAL:
        response["Upload-Offset"] = str(upload.offset)
        if length is None:
            response["Upload-Defer-Length"] = "1"


def _has_bytes(exchange: Exchange) -> bool:
    if exchange.content_length == 0:
        return False
    tus.check_content_type(exchange.header("Content-Type"))
    return True


def _receive(exchange: Exchange, writer: UploadWriter, checksum: AnnouncedChecksum | None) -> BodyFault | None:
    fault = receive(exchange, writer, checksum.update if checksum else None)
    if checksum:
        if fault:
            raise IncompleteBody("the body ended early, so that its checksum cannot be verified")
        checksum.verify(exchange)
    return fault


def _settle(writer: UploadWriter, response: HttpResponse) -> None:
    if writer.upload.kind == Upload.Kind.WHOLE and writer.received == writer.upload.length:
        finish(writer)
    else:
        writer.pause()
    response["Upload-Offset"] = str(writer.received)


def _patch_complete(exchange: Exchange, asset: FileAsset, offset: int, response: HttpResponse) -> HttpResponse:
    if tus.names_final(asset.client_fields.get("Upload-Concat", "")):
        raise FinalUpload
    check_completes(exchange, asset, offset)
    response["Upload-Offset"] = str(asset.size)
    return response


def _options_headers(request: HttpRequest) -> dict[str, str]:
    trailers = passes_trailers(request.META)
    extensions = [name for name in tus.EXTENSIONS if name != "checksum-trailer" or trailers]
    return tus.options_headers(largest_upload(), extensions)


TUS = Protocol(
    collection={"POST": post},
    resource={"HEAD": head, "GET": get, "PATCH": patch, "DELETE": delete},
    options_headers=_options_headers,
    refusal_headers=tus.refusal_headers,
    check_request=lambda exchange: tus.check_version(exchange.header("Tus-Resumable")),
    headers={"Tus-Resumable": tus.VERSION},
)
