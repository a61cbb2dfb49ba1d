"""Cross-origin requests for resumable uploads (CORS, of the Fetch standard), from ``CORS_ALLOWED_ORIGINS``."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

from ..conf import largefiles_settings

METHODS = "OPTIONS, POST, HEAD, PATCH, DELETE, GET"
REQUEST_HEADERS = (
    "Authorization, Content-Type, X-CSRFToken, X-Requested-With, X-HTTP-Method-Override, Tus-Resumable, "
    "Upload-Length, Upload-Defer-Length, Upload-Offset, Upload-Metadata, Upload-Checksum, Upload-Concat, "
    "Upload-Complete, Upload-Draft-Interop-Version, Repr-Digest, Want-Repr-Digest, Content-Digest, "
    "Want-Content-Digest, Content-Disposition, Prefer, Range, If-Range, Last-Event-ID, X-Request-ID"
)
RESPONSE_HEADERS = (
    "Location, Tus-Resumable, Tus-Version, Tus-Extension, Tus-Max-Size, Tus-Checksum-Algorithm, Upload-Length, "
    "Upload-Defer-Length, Upload-Offset, Upload-Metadata, Upload-Concat, Upload-Expires, Upload-Complete, "
    "Upload-Limit, Upload-Draft-Interop-Version, Repr-Digest, Content-Digest, ETag, Content-Range, "
    "Content-Disposition, Retry-After, Largefiles-Token"
)
MAX_AGE = "86400"


def add_cors_headers(request: HttpRequest, response: HttpResponseBase) -> None:
    """Let pages of allowed origins send the headers of the protocols, and read those of the answers."""
    allowed = largefiles_settings.cors_allowed_origins
    if not allowed:
        return
    patch_vary_headers(response, ("Origin",))
    origin = request.headers.get("Origin", "")
    if origin in allowed:
        response["Access-Control-Allow-Origin"] = origin
        # Cookies are allowed only from an origin that the host has named.
        response["Access-Control-Allow-Credentials"] = "true"
    elif "*" in allowed and origin:
        response["Access-Control-Allow-Origin"] = "*"
    else:
        return
    response["Access-Control-Expose-Headers"] = RESPONSE_HEADERS
    if request.method == "OPTIONS":
        response["Access-Control-Allow-Methods"] = METHODS
        response["Access-Control-Allow-Headers"] = REQUEST_HEADERS
        response["Access-Control-Max-Age"] = MAX_AGE
