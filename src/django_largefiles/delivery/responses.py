"""Ready assets as HTTP responses: conditional and range requests (RFC 9110), answered by the configured backend."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from ..exceptions import NotReady
from ..models import FileAsset
from ..protocols.ranges import ByteRange, UnsatisfiableRange, parse, unsatisfied
from ..states import State
from .backends import backend_of
from .backends.base import Delivery
from .backends.stream import Stream
from .disposition import Disposition, disposition_of
from .headers import caching_headers, digest_headers, forbid_compression, representation_headers, with_headers
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
    try:
        ranges = _requested_ranges(request, asset, validators)
    except UnsatisfiableRange:
        return HttpResponse(status=416, headers={"Content-Range": unsatisfied(asset.size or 0)})
    whole = request.method == "GET" and not ranges
    headers = {
        **caching_headers(asset),
        **representation_headers(asset, disposition_of(asset, disposition)),
        **digest_headers(asset, request.headers, whole=whole),
    }
    forbid_compression(request)
    delivery = Delivery(request=request, asset=asset, ranges=ranges, headers=headers)
    backend = backend_of(asset)
    chosen = backend if backend.answers(delivery) else Stream(backend.store, backend.alias)
    return chosen.respond(delivery)


def _requested_ranges(request: HttpRequest, asset: FileAsset, validators: Validators) -> tuple[ByteRange, ...]:
    # RFC 9110 section 14.2: Range is defined for GET alone.
    header = request.headers.get("Range")
    if request.method != "GET" or header is None or not validators.range_applies(request):
        return ()
    return parse(header, asset.size or 0)
