"""The headers that go with the bytes of an asset, and those that keep browsers and caches from misusing them."""

from __future__ import annotations

from django.http import HttpResponseBase
from django.utils.http import content_disposition_header

from ..models import FileAsset
from ..protocols.digests import format_digest
from .validators import Validators


def caching_headers(asset: FileAsset) -> dict[str, str]:
    """Return the headers of every answer for an asset, including 304."""
    return {
        **Validators.of(asset).headers(),
        "Accept-Ranges": "bytes",
        # A file that is blocked must not stay available from a cache.
        "Cache-Control": "private, no-cache",
    }


def representation_headers(asset: FileAsset) -> dict[str, str]:
    """Return the headers that describe the bytes, whole or in part."""
    disposition = content_disposition_header(as_attachment=True, filename=asset.original_name)
    return {
        "Content-Type": asset.media_type,
        "Content-Disposition": disposition or "attachment",
        "Repr-Digest": format_digest(asset.sha256),
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }


def with_headers(response: HttpResponseBase, headers: dict[str, str]) -> HttpResponseBase:
    for name, value in headers.items():
        response[name] = value
    return response
