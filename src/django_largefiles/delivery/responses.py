"""Ready assets as HTTP responses: conditional and range requests (RFC 9110), redirected to the storage or streamed."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from ..exceptions import NotReady
from ..models import FileAsset
from ..protocols.ranges import ByteRange, UnsatisfiableRange, content_range, parse, unsatisfied
from ..states import State
from ..stores import store_of
from . import pieces
from .disposition import Disposition, disposition_of
from .headers import caching_headers, digest_headers, representation_headers, with_headers
from .redirects import link_to, redirect_to
from .validators import Validators


def deliver(request: HttpRequest, asset: FileAsset, *, disposition: Disposition = "attachment") -> HttpResponseBase:
    """Return the answer to a ``GET`` or ``HEAD`` for the asset's bytes.

    ``disposition`` is what is asked for: ``"inline"`` lets browsers show the file, if its profile lists its type in
    ``INLINE_TYPES``. The access policy is not asked. Raise ``NotReady`` unless the asset is ready, and ``StoreError``.
    """
    if asset.state != State.READY:
        raise NotReady(limit=State.READY, value=asset.state)
    validators = Validators.of(asset)
    conditional = validators.conditional_response(request)
    if conditional is not None:
        return with_headers(conditional, caching_headers(asset))
    given = disposition_of(asset, disposition)
    link = None if validators.needed_by(request) else link_to(asset, given)
    if link:
        return redirect_to(link)
    try:
        wanted = _requested_range(request, asset, validators)
    except UnsatisfiableRange:
        return HttpResponse(status=416, headers={"Content-Range": unsatisfied(asset.size or 0)})
    headers = caching_headers(asset) | representation_headers(asset, given)
    response = with_headers(_respond(request, asset, wanted), headers)
    whole = request.method == "GET" and wanted is None
    return with_headers(response, digest_headers(asset, request.headers, whole=whole))


def _requested_range(request: HttpRequest, asset: FileAsset, validators: Validators) -> ByteRange | None:
    # RFC 9110 section 14.2: Range is defined for GET alone.
    header = request.headers.get("Range")
    if request.method != "GET" or header is None or not validators.range_applies(request):
        return None
    return parse(header, asset.size or 0)


def _respond(request: HttpRequest, asset: FileAsset, wanted: ByteRange | None) -> HttpResponseBase:
    size = asset.size or 0
    if request.method == "HEAD":
        return with_headers(HttpResponse(), {"Content-Length": str(size)})
    file = store_of(asset).open_ranged(str(asset.file))
    if wanted is None:
        return with_headers(pieces.whole(request, file, size), {"Content-Length": str(size)})
    partial = with_headers(
        pieces.part(request, file, wanted),
        {"Content-Length": str(wanted.length), "Content-Range": content_range(wanted, size)},
    )
    partial.status_code = 206
    return partial
