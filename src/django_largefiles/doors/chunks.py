"""Bodies in chunks (RFC 9112 section 7.1), which the server decodes."""

from __future__ import annotations

from contextlib import suppress
from typing import Protocol

from django.http import UnreadablePostError

from ..exceptions import MalformedBody


class Reader(Protocol):
    def read(self, size: int = ..., /) -> bytes: ...


class ChunkedStream:
    """A body in chunks. It returns what came before a fault, and only then raises the fault.

    Servers raise an error in the middle of a read, and keep the bytes that had come for it: gunicorn up to a whole
    chunk. Asked again, they return those.
    """

    def __init__(self, stream: Reader) -> None:
        self._stream = stream
        self._fault: UnreadablePostError | MalformedBody | None = None

    def read(self, size: int, /) -> bytes:
        """Return at most ``size`` bytes, none at the end.

        Raise ``UnreadablePostError`` for chunks that break off, and ``MalformedBody`` for those that are none.
        """
        if not self._fault:
            try:
                return self._stream.read(size)
            # Each server has errors of its own, without a base class in common.
            except Exception as error:  # noqa: BLE001
                self._fault = _fault(error)
        rest = self._rest(size)
        if not rest:
            raise self._fault
        return rest

    def _rest(self, size: int) -> bytes:
        with suppress(Exception):
            return self._stream.read(size)
        return b""


def _fault(error: Exception) -> UnreadablePostError | MalformedBody:
    fault: UnreadablePostError | MalformedBody
    if isinstance(error, OSError):
        fault = UnreadablePostError(f"the chunks end too early: {error}")
    else:
        fault = MalformedBody(f"a chunk of the body is malformed: {error}")
    fault.__cause__ = error
    return fault
