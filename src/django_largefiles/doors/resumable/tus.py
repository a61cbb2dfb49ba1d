"""tus 1.0.0, a function for each verb (https://tus.io/protocols/resumable-upload)."""

from __future__ import annotations

from contextlib import closing

from django.http import HttpResponse
from django.http.response import HttpResponseBase

from ...assets import arriving
from ...conf import get_profile
from ...exceptions import IncompleteBody
from ...intake.creation import Declaration, authorize, create, discarded_on_failure, resume, set_length
from ...intake.writing import UploadWriter
from ...models import FileAsset, Upload
from ...options import DEFAULT_PROFILE
from ...protocols import tus
from ...protocols.checksums import CHECKSUM_ALGORITHMS, Checksum, new_hasher, verify
from ...protocols.errors import FinalUpload, MissingHeader, OffsetMismatch, ProtocolError, UploadCompleted
from ...rules import check_declared
from ...states import State
from .concatenation import complete_final, complete_finals, known_length, partial_uploads, total_length
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
    receive,
    terminate,
    trailer,
)


def answer(exchange: Exchange) -> HttpResponseBase:
    """Raises ``ProtocolError``, ``Refusal`` and ``StoreError``."""
    tus.check_version(exchange.header("Tus-Resumable"))
    verb = chosen_verb(exchange, COLLECTION if exchange.asset_id is None else RESOURCE)
    response = verb(exchange)
    response["Tus-Resumable"] = tus.VERSION
    return response


def refusal_headers(error: object) -> dict[str, str]:
    return tus.refusal_headers(error) if isinstance(error, ProtocolError) else {"Tus-Resumable": tus.VERSION}


def post(exchange: Exchange) -> HttpResponse:
    """Creation, with or without bytes, of a whole, partial or final upload."""
    concatenation = tus.parse_concat(exchange.header("Upload-Concat"))
    if isinstance(concatenation, tus.Final):
        return _post_final(exchange, concatenation)
    # All that the headers say is judged before anything is made.
    has_bytes, checksum = _has_bytes(exchange), _announced_checksum(exchange)
    upload = _create(exchange, partial=concatenation is not None)
    with discarded_on_failure(upload):
        response = _created(exchange, upload)
        if has_bytes or upload.length == 0:
            check_room(exchange, upload, upload.length)
            with closing(UploadWriter(upload, checkpoints=checksum is None)) as writer:
                _append(exchange, upload, writer, checksum, response)
    _tell_expiry(upload, response)
    return response


def head(exchange: Exchange) -> HttpResponse:
    """How far an upload is."""
    asset = find_asset(exchange)
    response = HttpResponse(headers={"Cache-Control": "no-store", **asset.client_fields})
    upload = arriving(asset)
    if upload is None:
        check_not_rejected(asset)
        response["Upload-Offset"] = response["Upload-Length"] = str(asset.size)
        return response
    response["Upload-Expires"] = tus.http_date(upload.expires_at)
    length = known_length(upload)
    if length is not None:
        response["Upload-Length"] = str(length)
    if upload.kind != Upload.Kind.FINAL:
        response["Upload-Offset"] = str(upload.offset)
        if length is None:
            response["Upload-Defer-Length"] = "1"
    return response


def get(exchange: Exchange) -> HttpResponseBase:
    """Not of the protocol: as ``head`` while bytes arrive; then the download of the file."""
    asset = find_asset(exchange)
    return head(exchange) if arriving(asset) else download(exchange, asset)


def patch(exchange: Exchange) -> HttpResponse:
    """Bytes from an offset on."""
    tus.check_content_type(exchange.header("Content-Type"))
    offset = tus.parse_offset(exchange.header("Upload-Offset"))
    asset = find_asset_to_append_to(exchange)
    response = HttpResponse(status=204)
    upload = arriving(asset)
    if upload is None:
        return _patch_complete(exchange, asset, offset, response)
    if upload.kind == Upload.Kind.FINAL:
        raise _no_bytes_for_a_final_upload()
    if offset != upload.offset:
        raise OffsetMismatch(upload.offset, offset)
    length = tus.late_length(exchange.header("Upload-Length"), known=upload.length, offset=offset)
    check_room(exchange, upload, length)
    checksum = _announced_checksum(exchange)
    if length is not None:
        set_length(upload, length)
    with closing(resume(upload, offset, checkpoints=checksum is None)) as writer:
        _append(exchange, upload, writer, checksum, response)
    if upload.kind == Upload.Kind.PARTIAL and writer.received == upload.length:
        complete_finals(upload)
    _tell_expiry(upload, response)
    return response


def delete(exchange: Exchange) -> HttpResponse:
    terminate(exchange)
    return HttpResponse(status=204)


COLLECTION: dict[str, Verb] = {"POST": post}
RESOURCE: dict[str, Verb] = {"HEAD": head, "GET": get, "PATCH": patch, "DELETE": delete}


class AnnouncedChecksum:
    """The checksum of a request's body: known before it, or told in the trailer behind it.

    A trailer tells its algorithm too late, so that all of them have to see the bytes.
    """

    def __init__(self, checksum: Checksum | None) -> None:
        algorithms = [checksum.algorithm] if checksum else CHECKSUM_ALGORITHMS
        self._hashers = {algorithm: new_hasher(algorithm) for algorithm in algorithms}
        self._checksum = checksum

    def update(self, chunk: bytes) -> None:
        for hasher in self._hashers.values():
            hasher.update(chunk)

    def verify(self, exchange: Exchange, *, whole: bool) -> None:
        """Raises ``ChecksumMismatch``, ``MissingHeader``, ``MalformedHeader`` and ``UnsupportedChecksum``, and
        ``IncompleteBody`` for a body that did not come ``whole``."""
        if not whole:
            raise IncompleteBody("the body ended early, so that its checksum says nothing of it")
        checksum = self._checksum or tus.parse_checksum(trailer(exchange.request, "Upload-Checksum"))
        if checksum is None:
            raise MissingHeader("the trailer has no Upload-Checksum, though Trailer announced it")
        verify(checksum, self._hashers[checksum.algorithm])


def _announced_checksum(exchange: Exchange) -> AnnouncedChecksum | None:
    checksum = tus.parse_checksum(exchange.header("Upload-Checksum"))
    if checksum or tus.announces_checksum(exchange.header("Trailer")):
        return AnnouncedChecksum(checksum)
    return None


def _create(exchange: Exchange, *, partial: bool) -> Upload:
    length = tus.parse_length(exchange.header("Upload-Length"), exchange.header("Upload-Defer-Length"))
    declaration = _declaration(exchange, length)
    authorize(exchange.user, declaration.profile)
    if not partial:
        check_declared(declaration.media_type, declaration.name, get_profile(declaration.profile))
    return create(declaration, kind=Upload.Kind.PARTIAL if partial else Upload.Kind.WHOLE)


def _post_final(exchange: Exchange, final: tus.Final) -> HttpResponse:
    tus.check_final_length(exchange.header("Upload-Length"), exchange.header("Upload-Defer-Length"))
    if _has_bytes(exchange):
        raise _no_bytes_for_a_final_upload()
    parts = partial_uploads(exchange, final.urls)
    declaration = _declaration(exchange, total_length(parts))
    authorize(exchange.user, declaration.profile)
    check_declared(declaration.media_type, declaration.name, get_profile(declaration.profile))
    upload = create(declaration, kind=Upload.Kind.FINAL, parts=[part.pk for part in parts])
    with discarded_on_failure(upload):
        response = _created(exchange, upload)
        complete_final(upload)
    _tell_expiry(upload, response)
    return response


def _no_bytes_for_a_final_upload() -> FinalUpload:
    return FinalUpload("a final upload takes no bytes of its own")


def _created(exchange: Exchange, upload: Upload) -> HttpResponse:
    return HttpResponse(status=201, headers={"Location": exchange.location(upload.pk)})


def _tell_expiry(upload: Upload, response: HttpResponse) -> None:
    if upload.asset.state == State.RECEIVING:
        response["Upload-Expires"] = tus.http_date(upload.expires_at)


def _declaration(exchange: Exchange, length: int | None) -> Declaration:
    metadata = tus.parse_metadata(exchange.header("Upload-Metadata"))

    def text(*keys: str) -> str:
        return next((value for key in keys if (value := tus.metadata_text(metadata, key))), "")

    fields = {name: exchange.header(name) for name in ("Upload-Metadata", "Upload-Concat")}
    return Declaration(
        name=text("filename", "name"),
        owner=exchange.user,
        profile=text("profile") or DEFAULT_PROFILE,
        length=length,
        media_type=text("filetype", "type"),
        sha256=text("sha256"),
        client_fields={name: value for name, value in fields.items() if value is not None},
    )


def _has_bytes(exchange: Exchange) -> bool:
    if exchange.content_length == 0:
        return False
    tus.check_content_type(exchange.header("Content-Type"))
    return True


def _append(
    exchange: Exchange,
    upload: Upload,
    writer: UploadWriter,
    checksum: AnnouncedChecksum | None,
    response: HttpResponse,
) -> None:
    whole = receive(exchange, writer, checksum.update if checksum else None)
    if checksum:
        checksum.verify(exchange, whole=whole)
    if upload.kind == Upload.Kind.WHOLE and writer.received == upload.length:
        finish(writer)
    else:
        writer.pause()
    response["Upload-Offset"] = str(writer.received)


def _patch_complete(exchange: Exchange, asset: FileAsset, offset: int, response: HttpResponse) -> HttpResponse:
    check_not_rejected(asset)
    if offset != asset.size:
        raise OffsetMismatch(asset.size or 0, offset)
    if exchange.content_length != 0:
        raise UploadCompleted("the upload has all its bytes", limit=asset.size)
    response["Upload-Offset"] = str(asset.size)
    return response
