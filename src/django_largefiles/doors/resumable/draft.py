"""The IETF draft "Resumable Uploads for HTTP", a function for each verb (draft-ietf-httpbis-resumable-upload)."""

from __future__ import annotations

import hashlib

from django.http import HttpResponse
from django.utils import timezone
from django.utils.http import parse_header_parameters

from ...conf import get_profile
from ...exceptions import DigestMismatch, MalformedRequest, Refusal, TooLarge, UploadGone
from ...intake import Arrival, Declaration, authorize, create, resume, set_length
from ...models import FileAsset, Upload
from ...options import DEFAULT_PROFILE
from ...policy import check_declared
from ...protocols import rufh
from ...protocols.digests import format_digest, parse_digests
from ...protocols.errors import OffsetMismatch, ProtocolError, UploadCompleted
from ...states import State
from .exchange import (
    Exchange,
    arriving,
    check_room,
    chosen_verb,
    find_asset,
    find_asset_to_append_to,
    finish,
    receive,
    terminate,
)


def answer(exchange: Exchange) -> HttpResponse:
    """Raises ``ProtocolError``, ``Refusal`` and ``StoreError``."""
    return chosen_verb(exchange, COLLECTION if exchange.asset_id is None else RESOURCE)(exchange)


def refusal_headers(error: object) -> dict[str, str]:
    if isinstance(error, ProtocolError):
        return rufh.refusal_headers(error)
    return {"Upload-Complete": rufh.format_complete(False)}


def post(exchange: Exchange) -> HttpResponse:
    """Section "Upload Creation": the body is the file, or its beginning."""
    complete = rufh.required_complete(exchange.header("Upload-Complete"))
    length = _length(exchange, offset=0, complete=complete, known=None)
    declaration = _declaration(exchange, length)
    authorize(exchange.user, declaration.profile)
    check_declared(declaration.media_type, declaration.name, get_profile(declaration.profile))
    upload = create(declaration)
    arrival = Arrival(upload)
    try:
        check_room(exchange, upload, length)
        response = _append(exchange, upload, arrival, complete=complete)
    except (ProtocolError, Refusal):
        # The client does not know of the upload: it must not stay.
        arrival.abort()
        raise
    finally:
        arrival.close()
    response["Location"] = exchange.location(upload.pk)
    return response


def head(exchange: Exchange) -> HttpResponse:
    """Section "Offset Retrieval"."""
    asset = find_asset(exchange)
    upload = arriving(asset)
    response = HttpResponse(status=204, headers={"Cache-Control": "no-store"})
    response["Upload-Complete"] = rufh.format_complete(upload is None)
    if upload is None:
        _check_not_rejected(asset)
        response["Upload-Offset"] = response["Upload-Length"] = str(asset.size)
        return response
    response["Upload-Offset"] = str(upload.offset)
    response["Upload-Limit"] = upload_limit(upload)
    if upload.length is not None:
        response["Upload-Length"] = str(upload.length)
    return response


def patch(exchange: Exchange) -> HttpResponse:
    """Section "Upload Append"."""
    rufh.check_content_type(exchange.header("Content-Type"))
    offset = rufh.required_offset(exchange.header("Upload-Offset"))
    complete = rufh.required_complete(exchange.header("Upload-Complete"))
    asset = find_asset_to_append_to(exchange)
    upload = arriving(asset)
    if upload is None:
        _check_not_rejected(asset)
        raise UploadCompleted("the upload has all its bytes", limit=asset.size)
    if offset != upload.offset:
        raise OffsetMismatch(upload.offset, offset)
    length = _length(exchange, offset=offset, complete=complete, known=upload.length)
    if length is not None:
        set_length(upload, length)
    arrival = resume(upload, offset)
    try:
        check_room(exchange, upload, length)
        return _append(exchange, upload, arrival, complete=complete)
    except (MalformedRequest, TooLarge):
        # Section "Upload Append": past its length an upload is invalid, and stays so.
        arrival.abort()
        raise
    finally:
        arrival.close()


def delete(exchange: Exchange) -> HttpResponse:
    terminate(exchange)
    return HttpResponse(status=204)


COLLECTION = {"POST": post}
RESOURCE = {"HEAD": head, "PATCH": patch, "DELETE": delete}


def upload_limit(upload: Upload) -> str:
    """The value of ``Upload-Limit``."""
    left = int((upload.expires_at - timezone.now()).total_seconds())
    return rufh.format_limit(max_size=get_profile(upload.asset.profile).max_upload_size, max_age=max(left, 0))


def _length(exchange: Exchange, *, offset: int, complete: bool, known: int | None) -> int | None:
    return rufh.announced_length(
        offset=offset,
        complete=complete,
        content_length=exchange.content_length,
        upload_length=rufh.parse_length(exchange.header("Upload-Length")),
        known=known,
    )


def _declaration(exchange: Exchange, length: int | None) -> Declaration:
    _, disposition = parse_header_parameters(exchange.header("Content-Disposition") or "")
    media_type, _ = parse_header_parameters(exchange.header("Content-Type") or "")
    digests = parse_digests(exchange.header("Repr-Digest"))
    return Declaration(
        name=disposition.get("filename", ""),
        owner=exchange.user,
        profile=exchange.request.GET.get("profile") or DEFAULT_PROFILE,
        length=length,
        media_type="" if media_type == rufh.CONTENT_TYPE else media_type,
        sha256=digests["sha-256"].hex() if "sha-256" in digests else "",
    )


def _append(exchange: Exchange, upload: Upload, arrival: Arrival, *, complete: bool) -> HttpResponse:
    whole = _receive_digested(exchange, arrival)
    if not (whole and complete):
        return _unfinished(upload, arrival.pause())
    rufh.check_complete(offset=arrival.received, length=upload.length)
    return _finished(exchange, finish(arrival))


def _receive_digested(exchange: Exchange, arrival: Arrival) -> bool:
    """Raises ``DigestMismatch`` where the content is not that of its ``Content-Digest``; it then does not count."""
    digests = parse_digests(exchange.header("Content-Digest"))
    hashers = {name: hashlib.new(name.replace("-", "")) for name in digests}

    def see(chunk: bytes) -> None:
        for hasher in hashers.values():
            hasher.update(chunk)

    whole = receive(exchange, arrival, see if hashers else None)
    for name, hasher in hashers.items():
        if whole and hasher.digest() != digests[name]:
            raise DigestMismatch(
                f"the {name} of the content is another", limit=digests[name].hex(), value=hasher.hexdigest()
            )
    return whole


def _unfinished(upload: Upload, offset: int) -> HttpResponse:
    return HttpResponse(
        status=204 if upload.offset else 201,
        headers={
            "Upload-Complete": rufh.format_complete(False),
            "Upload-Offset": str(offset),
            "Upload-Limit": upload_limit(upload),
        },
    )


def _finished(exchange: Exchange, asset: FileAsset) -> HttpResponse:
    headers = {
        "Location": exchange.location(asset.pk),
        "Upload-Complete": rufh.format_complete(True),
        "Upload-Offset": str(asset.size),
    }
    if asset.sha256:
        headers["Repr-Digest"] = format_digest(asset.sha256)
    return HttpResponse(status=201, headers=headers)


def _check_not_rejected(asset: FileAsset) -> None:
    if asset.state == State.REJECTED:
        raise UploadGone(f"the file was rejected: {asset.reason}", value=asset.reason)
