"""What the headers of a creation declare of the file, in either protocol."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.http import parse_header_parameters

from ...exceptions import MalformedHeader
from ...intake.creation import Declaration
from ...options import DEFAULT_PROFILE
from ...protocols import ietf, tus
from ...protocols.digests import declared_digests
from ...states import Attachment
from ...upload_tokens import check_can_hold
from .exchange import Exchange


def tus_declaration(exchange: Exchange, length: int | None) -> Declaration:
    """Read ``Upload-Metadata``.

    Raise ``MalformedHeader``, and ``NotPermitted`` for a form's upload without a user or a session.
    """
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
        attachment=_attachment(exchange, text("attachment")),
        request=exchange.request,
    )


def ietf_declaration(exchange: Exchange, length: int | None) -> Declaration:
    """Read ``Content-Type``, ``Content-Disposition``, ``Repr-Digest`` and the query of the URL.

    Raise ``MalformedHeader``, and ``NotPermitted`` for a form's upload without a user or a session.
    """
    media_type = exchange.request.content_type or ""
    digests = declared_digests(exchange.header("Repr-Digest"))
    return Declaration(
        name=_file_name(exchange.header("Content-Disposition")),
        owner=exchange.user,
        profile=ietf_profile(exchange.request),
        length=length,
        media_type="" if media_type == ietf.CONTENT_TYPE else media_type,
        sha256=digests.get("sha256", ""),
        sha512=digests.get("sha512", ""),
        attachment=_attachment(exchange, exchange.request.GET.get("attachment", "")),
        request=exchange.request,
    )


def ietf_profile(request: HttpRequest) -> str:
    """Return the profile that the query of the URL names."""
    return request.GET.get("profile") or DEFAULT_PROFILE


def _attachment(exchange: Exchange, text: str) -> Attachment:
    """Return whether the upload is for a form. It is then of no use without a token, which needs a holder."""
    if text not in {"", Attachment.STANDALONE, Attachment.PROVISIONAL}:
        allowed = f"{Attachment.STANDALONE} or {Attachment.PROVISIONAL}"
        raise MalformedHeader(f"attachment must be {allowed}", limit=allowed, value=text)
    if text == Attachment.PROVISIONAL:
        check_can_hold(exchange.user, exchange.request)
        return Attachment.PROVISIONAL
    return Attachment.STANDALONE


def _file_name(disposition: str | None) -> str:
    """Raise ``MalformedHeader``, as for an unknown charset."""
    try:
        _, parameters = parse_header_parameters(disposition or "")
    except ValueError as error:
        raise MalformedHeader(f"Content-Disposition is malformed: {error}", value=disposition) from error
    return parameters.get("filename", "")
