"""The headers that go with the bytes of an asset, and those that keep browsers and caches from misusing them."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponseBase
from django.utils.http import content_disposition_header

from ..media_types.matching import matches
from ..models import FileAsset
from ..protocols.digests import wanted_digest
from .disposition import Disposition
from .validators import Validators

RESOURCE_POLICY = "same-site"
"""Which pages may embed a file, or read it as a resource (Fetch, section 3.7).

Pages of other sites may not, even if the access policy allows the user whose cookies their requests carry. Signed
links are made to be embedded: their view says ``"cross-origin"``.
"""


def caching_headers(asset: FileAsset) -> dict[str, str]:
    """Return the headers of every answer for an asset, including 304."""
    return {
        **Validators.of(asset).headers(),
        "Accept-Ranges": "bytes",
        # A file that is blocked must not stay available from a cache. A proxy that compresses would falsify the
        # digest, and with it the meaning of ranges (RFC 9530 section 2).
        "Cache-Control": "private, no-cache, no-transform",
    }


def representation_headers(asset: FileAsset, disposition: Disposition) -> dict[str, str]:
    """Return the headers that describe the bytes, whole or in part, with a disposition of ``disposition_of``."""
    named = content_disposition_header(as_attachment=disposition == "attachment", filename=asset.original_name)
    return {
        "Content-Type": asset.media_type,
        "Content-Disposition": named or disposition,
        "Cross-Origin-Resource-Policy": RESOURCE_POLICY,
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": _content_policy(asset.media_type, disposition),
    }


def _content_policy(media_type: str, disposition: Disposition) -> str:
    """Return what the file may do as a page: nothing, and run no script in any case (CSP, section 6.3.2)."""
    if disposition == "inline" and matches(media_type, ("audio/*", "video/*")):
        # The page that browsers make of a film loads the film, with the cookies of its origin.
        return "sandbox allow-same-origin; default-src 'none'; media-src 'self'"
    return "sandbox; default-src 'none'"


def digest_headers(asset: FileAsset, wanted: Mapping[str, str], *, whole: bool = False) -> dict[str, str]:
    """Return the digests that the headers ``wanted`` of a request ask for (RFC 9530).

    ``Repr-Digest`` needs no asking. ``Content-Digest`` is known only of an answer with the ``whole`` file.
    """
    made = {"sha256": asset.sha256, "sha512": asset.sha512}
    fields = {"Repr-Digest": wanted_digest(made, wanted.get("Want-Repr-Digest"))}
    if whole and "Want-Content-Digest" in wanted:
        fields["Content-Digest"] = wanted_digest(made, wanted["Want-Content-Digest"])
    return {name: value for name, value in fields.items() if value}


def forbid_compression(request: HttpRequest) -> None:
    """Have no middleware compress the answer: Django's ``GZipMiddleware`` does not know ``no-transform``."""
    request.META.pop("HTTP_ACCEPT_ENCODING", None)
    # A cached property, made of META.
    request.__dict__.pop("headers", None)


def with_headers(response: HttpResponseBase, headers: Mapping[str, str]) -> HttpResponseBase:
    for name, value in headers.items():
        response[name] = value
    return response
