"""The body of a request, read the same way by every door."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.http import UnreadablePostError

from ..conf import largefiles_settings
from ..connections import release_connections
from ..exceptions import BodyFault, IncompleteBody, LengthRequired, MalformedRequest, TooLarge, TooSlow
from ..options import KIB
from ..transport.arrival import Arrival
from ..transport.live_body import LiveBody
from .chunks import ChunkedStream, Reader

FIRST_READ = 64 * KIB
"""Bytes of the first read: enough to judge the type of a file, and few enough to refuse it early."""

PATIENCE_SECONDS = 0.05
"""How long a body that fits one chunk may keep a connection to a database while it arrives."""

_MAX_DIGITS = 19


class Body:
    """A request's body, which must be as long as it was declared.

    The first read is short, so that a verdict on the first bytes costs little of the body. A body that ends early
    raises ``IncompleteBody``: servers report an end of file there, and a door would take the bytes for the whole. One
    that comes more slowly than ``BODY_TIMEOUT`` and ``MINIMUM_RATE`` allow raises ``TooSlow``.
    Connections to databases are released before each read, unless the body fits one chunk: to connect again would then
    cost more than to take the body.
    """

    def __init__(self, stream: Reader, meta: Mapping[str, Any]) -> None:
        self.length = body_length(meta)
        self.received = 0
        self._ahead = b""
        self._announced = _is_chunked(meta)
        self._read: Callable[..., bytes] = stream.read
        if self.length is None:
            self._read = _reader_to_the_end(stream, meta)
        self._releases = self.length is None or self.length > largefiles_settings.chunk_size
        self._arrival = Arrival(meta)
        live = getattr(stream, "_stream", None)
        self._live = live if isinstance(live, LiveBody) else None

    def look_ahead(self) -> None:
        """Read a byte of a body that no header announces, as HTTP/2 allows. If there is none, ``length`` is 0.

        Raise ``BodyFault``.
        """
        if self.length is None and not self._announced:
            self._announced = True
            self._ahead = self._next(1)
            self.length = None if self._ahead else 0

    def read(self, size: int, *, at_most: int = 0, first_read: int = FIRST_READ) -> bytes:
        """Return at most ``size`` bytes, none at the end, or up to ``at_most`` if they have arrived already.

        Raise ``BodyFault``.
        """
        if not self.received:
            size, at_most = min(size, first_read), 0
        wanted, at_most = self._wanted(size), self._wanted(at_most)
        if not wanted:
            return b""
        data = self._ahead + self._next(wanted - len(self._ahead), at_most - len(self._ahead))
        self._ahead = b""
        if not data and self.length is not None:
            raise self._ended(f"the body ended after {self.received} of {self.length} bytes")
        self.received += len(data)
        return data

    def chunks(self, *, first_read: int = FIRST_READ) -> Iterator[bytes]:
        """Yield the body in pieces of ``CHUNK_SIZE``, as ``chunk`` returns them. Raise ``BodyFault``."""
        while chunk := self.chunk(largefiles_settings.chunk_size, first_read=first_read):
            yield chunk

    def chunk(self, size: int, *, first_read: int = FIRST_READ) -> bytes:
        """Return ``size`` bytes, up to twice as many if they come faster than they are taken, and none at the end.

        Raise ``BodyFault``.
        """
        return self.read(size, at_most=2 * size, first_read=first_read)

    def whole(self, *, at_most: int) -> bytes:
        """Return a small body at once. Raise ``TooLarge`` and ``BodyFault``."""
        pieces, room = list[bytes](), at_most + 1
        while room and (piece := self.read(room)):
            pieces.append(piece)
            room -= len(piece)
        if not room:
            raise TooLarge(f"the body has more than the {at_most} bytes allowed", limit=at_most)
        return b"".join(pieces)

    def _next(self, size: int, at_most: int = 0) -> bytes:
        if self._releases or self._is_late(size):
            release_connections()
        try:
            with self._arrival:
                return self._read(size, at_most) if self._live else self._read(size)
        except UnreadablePostError as error:
            if self._arrival.too_slow or not isinstance(error.__cause__, TimeoutError):
                raise self._ended(f"the body could not be read: {error}") from error
        # The server keeps what came before the silence, and returns it at the end of its input.
        self._arrival.end()
        return self._next(size, at_most)

    def _is_late(self, size: int) -> bool:
        # Under ASGI each request has a thread of its own: many small bodies that come slowly would keep as many
        # connections as there are.
        return self._live is not None and not self._live.comes_within(PATIENCE_SECONDS, size)

    def _ended(self, detail: str) -> BodyFault:
        if self._arrival.too_slow:
            return TooSlow(limit=largefiles_settings.minimum_rate, value=self.received)
        return IncompleteBody(detail, limit=self.length, value=self.received)

    def _wanted(self, size: int) -> int:
        return size if self.length is None else min(size, self.length - self.received)


def content_length(meta: Mapping[str, Any]) -> int | None:
    """Return ``Content-Length`` in bytes, ``None`` if it is absent. Raise ``MalformedRequest``."""
    text = meta.get("CONTENT_LENGTH") or ""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
        raise MalformedRequest("Content-Length is not a number of bytes", value=text)
    return int(text)


def required_length(meta: Mapping[str, Any]) -> int:
    """Return ``Content-Length`` in bytes. Raise ``LengthRequired`` and ``MalformedRequest``."""
    length = content_length(meta)
    if length is None:
        raise LengthRequired
    return length


def body_length(meta: Mapping[str, Any]) -> int | None:
    """Return the length of a body in bytes, ``None`` if no header tells it. Raise ``MalformedRequest``."""
    length = content_length(meta)
    if length is None and not _is_chunked(meta) and _announces_bodies(meta):
        return 0
    return length


def _is_chunked(meta: Mapping[str, Any]) -> bool:
    # RFC 9110 section 10.1.4: the names of codings are case-insensitive.
    return "chunked" in meta.get("HTTP_TRANSFER_ENCODING", "").lower()


def _announces_bodies(meta: Mapping[str, Any]) -> bool:
    """Tell whether the request is of HTTP/1, where a header announces every body (RFC 9112 section 6.3).

    In HTTP/2 and 3, the end of the headers tells whether a body follows (RFC 9113 section 8.1), which no interface of
    servers passes on. Under ASGI Django does not pass on the version either.
    """
    return "wsgi.version" in meta and not meta.get("SERVER_PROTOCOL", "").startswith(("HTTP/2", "HTTP/3"))


def trailer(meta: Mapping[str, Any], name: str) -> str | None:
    """Return a field that came behind the body. WSGI has no place for it; gunicorn keeps it with its own request."""
    reader = getattr(meta.get("wsgi.input"), "reader", None)
    fields = getattr(getattr(reader, "req", None), "trailers", ())
    return next((value for field, value in fields if field.lower() == name.lower()), None)


def passes_trailers(meta: Mapping[str, Any]) -> bool:
    """Tell whether ``trailer`` can find any under this server."""
    return str(meta.get("SERVER_SOFTWARE", "")).startswith("gunicorn")


def _reader_to_the_end(stream: Reader, meta: Mapping[str, Any]) -> Callable[..., bytes]:
    # Under WSGI, Django takes a body without a length for an empty one; the server knows where it ends.
    if meta.get("wsgi.input_terminated"):
        return ChunkedStream(meta["wsgi.input"]).read
    return stream.read
