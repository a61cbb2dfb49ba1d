"""Ready assets as HTTP responses: conditional and range requests (RFC 9110), redirected to the storage or streamed."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from ..exceptions import NotReady
from ..models import FileAsset
from ..protocols.ranges import ByteRange, UnsatisfiableRange, content_range, parse, unsatisfied
from ..states import State
from ..stores import store_of
from . import multipart, pieces
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
        wanted = _requested_ranges(request, asset, validators)
    except UnsatisfiableRange:
        return HttpResponse(status=416, headers={"Content-Range": unsatisfied(asset.size or 0)})
    whole = request.method == "GET" and not wanted
    headers = caching_headers(asset) | representation_headers(asset, given)
    return _streamed(request, asset, wanted, headers | digest_headers(asset, request.headers, whole=whole))


def _requested_ranges(request: HttpRequest, asset: FileAsset, validators: Validators) -> tuple[ByteRange, ...]:
    # RFC 9110 section 14.2: Range is defined for GET alone.
    header = request.headers.get("Range")
    if request.method != "GET" or header is None or not validators.range_applies(request):
        return ()
    return parse(header, asset.size or 0)


def _streamed(
    request: HttpRequest, asset: FileAsset, wanted: tuple[ByteRange, ...], headers: dict[str, str]
) -> HttpResponseBase:
    size = asset.size or 0
    if request.method == "HEAD":
        return with_headers(HttpResponse(), headers | {"Content-Length": str(size)})
    file = store_of(asset).open_ranged(str(asset.file))
    if not wanted:
        return with_headers(pieces.whole(request, file, size), headers)
    if len(wanted) == 1:
        segments: tuple[pieces.Segment, ...] = wanted
        described = {"Content-Range": content_range(wanted[0], size)}
    else:
        boundary = multipart.new_boundary()
        segments = tuple(multipart.segments(wanted, size, asset.media_type, boundary))
        described = {"Content-Type": multipart.content_type(boundary)}
    partial = with_headers(pieces.parts(request, file, segments), headers | described)
    partial.status_code = 206
    return partial
