"""The body of a request, read the same way by every door."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Protocol

from django.http import UnreadablePostError

from ..conf import largefiles_settings
from ..exceptions import IncompleteBody, LengthRequired, MalformedRequest, TooLarge
from ..options import KIB

FIRST_READ = 64 * KIB
"""Bytes of the first read: enough to judge the type of a file, and few enough to refuse it early."""

_MAX_DIGITS = 19


class Reader(Protocol):
    def read(self, size: int = ..., /) -> bytes: ...


class Body:
    """A request's body, which must be as long as it was declared.

    The first read is short, so that a verdict on the first bytes costs little of the body. A body that ends early
    raises ``IncompleteBody``: servers report an end of file there, and a door would take the bytes for the whole.
    """

    def __init__(self, stream: Reader, meta: Mapping[str, Any], *, first_read: int = FIRST_READ) -> None:
        self.length = body_length(meta)
        self.received = 0
        self._first_read = first_read
        self._read = _reader(stream, meta, chunked=self.length is None)
        _limit_silence(meta)

    def read(self, size: int) -> bytes:
        """Return at most ``size`` bytes, none at the end. Raise ``IncompleteBody``."""
        wanted = self._wanted(size)
        if not wanted:
            return b""
        try:
            data = self._read(wanted)
        except UnreadablePostError as error:
            raise IncompleteBody(f"the body could not be read: {error}", value=self.received) from error
        if not data and self.length is not None:
            raise IncompleteBody(limit=self.length, value=self.received)
        self.received += len(data)
        return data

    def chunks(self) -> Iterator[bytes]:
        """Yield the body in pieces of ``CHUNK_SIZE``. Raise ``IncompleteBody``."""
        size = largefiles_settings.chunk_size
        while chunk := self.read(size):
            yield chunk

    def whole(self, *, at_most: int) -> bytes:
        """Return a small body at once. Raise ``TooLarge`` and ``IncompleteBody``."""
        pieces, room = list[bytes](), at_most + 1
        while room and (piece := self.read(room)):
            pieces.append(piece)
            room -= len(piece)
        if not room:
            raise TooLarge(f"the body has more than the {at_most} bytes allowed", limit=at_most)
        return b"".join(pieces)

    def _wanted(self, size: int) -> int:
        if not self.received:
            size = min(size, self._first_read)
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
    """Return the length of a body in bytes, ``None`` if it comes in chunks. Raise ``MalformedRequest``."""
    length = content_length(meta)
    if length is None and "chunked" not in meta.get("HTTP_TRANSFER_ENCODING", ""):
        return 0
    return length


def trailer(meta: Mapping[str, Any], name: str) -> str | None:
    """Return a field that came behind the body. WSGI has no place for it; gunicorn keeps it with its own request."""
    reader = getattr(meta.get("wsgi.input"), "reader", None)
    fields = getattr(getattr(reader, "req", None), "trailers", ())
    return next((value for field, value in fields if field.lower() == name.lower()), None)


def passes_trailers(meta: Mapping[str, Any]) -> bool:
    """Tell whether ``trailer`` can find any under this server."""
    return str(meta.get("SERVER_SOFTWARE", "")).startswith("gunicorn")


def _reader(stream: Reader, meta: Mapping[str, Any], *, chunked: bool) -> Callable[[int], bytes]:
    # Under WSGI, Django takes a body without a length for an empty one; the server knows where it ends.
    if chunked and meta.get("wsgi.input_terminated"):
        return partial(_read_chunked, meta["wsgi.input"])
    return stream.read


def _read_chunked(stream: Reader, size: int) -> bytes:
    try:
        return stream.read(size)
    # Chunks that break off raise an error of each server's own; those of gunicorn have no base class in common.
    except Exception as error:
        raise UnreadablePostError(f"the chunks end too early: {error}") from error


def _limit_silence(meta: Mapping[str, Any]) -> None:
    """Let a read of the body fail after ``BODY_TIMEOUT`` without a byte, if the server gives access to its socket.

    gunicorn does, and resets the time-out before the next request on the connection. Django raises the error as
    ``UnreadablePostError``, as if the client had disconnected. So a silent client does not keep its thread.
    """
    connection = meta.get("gunicorn.socket")
    if isinstance(connection, socket.socket):
        connection.settimeout(largefiles_settings.body_timeout.total_seconds())
