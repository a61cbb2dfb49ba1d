"""Django sends the bytes itself."""

from __future__ import annotations

from django.http import HttpResponse, HttpResponseBase

from ...protocols.ranges import content_range
from .. import multipart, pieces
from ..headers import with_headers
from ..segments import Segment
from .base import Backend, Delivery


class Stream(Backend):
    """Any store and any request."""

    def respond(self, delivery: Delivery) -> HttpResponseBase:
        if delivery.request.method == "HEAD":
            return with_headers(HttpResponse(), {**delivery.headers, "Content-Length": str(delivery.size)})
        file = self.store.open_ranged(str(delivery.asset.file))
        if not delivery.ranges:
            return with_headers(pieces.whole(delivery.request, file, delivery.size), delivery.headers)
        segments, described = _partial(delivery)
        response = pieces.parts(delivery.request, file, segments)
        response.status_code = 206
        return with_headers(response, {**delivery.headers, **described})


def _partial(delivery: Delivery) -> tuple[tuple[Segment, ...], dict[str, str]]:
    """Return the body of a 206, and the headers that differ from those of a 200."""
    ranges, size = delivery.ranges, delivery.size
    if len(ranges) == 1:
        return ranges, {"Content-Range": content_range(ranges[0], size)}
    boundary = multipart.new_boundary()
    segments = multipart.segments(ranges, size, delivery.asset.media_type, boundary)
    return tuple(segments), {"Content-Type": multipart.content_type(boundary)}
