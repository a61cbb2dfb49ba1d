"""Stored files as the content of responses, read in pieces, so that memory does not grow with their size.

While a file that does not fit one chunk is sent, its request keeps no connection to a database.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO, Self

from django.core.handlers.asgi import ASGIRequest
from django.http import FileResponse, HttpRequest, HttpResponseBase, StreamingHttpResponse

from ..conf import largefiles_settings
from ..connections import release_connections
from ..protocols.ranges import ByteRange
from ..transport.departure import AsyncDeparture, limit_departure
from .async_pieces import AsyncFilePieces
from .segments import Segment, length_of


def whole(request: HttpRequest, file: BinaryIO, size: int) -> HttpResponseBase:
    """Return a response with all ``size`` bytes of ``file``, which it closes."""
    if isinstance(request, ASGIRequest):
        return parts(request, file, [ByteRange(start=0, stop=size)] if size else [])
    # The server's own wsgi.file_wrapper sends the file, by sendfile where it can.
    response = FileResponse(SentFile(file) if _is_long(size) else file)
    response["Content-Length"] = str(size)
    response.block_size = largefiles_settings.chunk_size
    limit_departure(request.META, response)
    return response


def parts(request: HttpRequest, file: BinaryIO, segments: Sequence[Segment]) -> StreamingHttpResponse:
    """Return a response with ranges of ``file``, which it closes, and what stands between them."""
    length = length_of(segments)
    sent = SentFile(file) if _is_long(length) else file
    pieces: AsyncFilePieces | FilePieces
    if isinstance(request, ASGIRequest):
        # Django reads a synchronous iterator into a list before it sends the first byte.
        pieces = AsyncFilePieces(sent, segments, AsyncDeparture(request.scope, largest=largefiles_settings.chunk_size))
    else:
        pieces = FilePieces(sent, segments)
    response = StreamingHttpResponse(pieces)
    response["Content-Length"] = str(length)
    limit_departure(request.META, response)
    return response


def _is_long(size: int) -> bool:
    return size > largefiles_settings.chunk_size


class SentFile:
    """A file whose request releases its connections to databases when the server begins to send it.

    They are released before too, in the thread of the view: granian's WSGI reads the file in another one. After the
    view, a middleware may have used a database again.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell, self.close = file.seek, file.tell, file.close
        release_connections()

    def fileno(self) -> int:
        """Called by servers that use ``sendfile``, instead of ``read``."""
        release_connections()
        return self._file.fileno()

    def read(self, size: int = -1) -> bytes:
        release_connections()
        return self._file.read(size)


class FilePieces:
    """Ranges of a file in chunks, with bytes between them.

    The response closes it, and with it the file, also when it is not sent whole.
    """

    def __init__(self, file: BinaryIO | SentFile, segments: Sequence[Segment]) -> None:
        self._file = file
        self._pieces = self._each(segments)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        return next(self._pieces)

    def _each(self, segments: Sequence[Segment]) -> Iterator[bytes]:
        for segment in segments:
            if isinstance(segment, bytes):
                yield segment
                continue
            self._file.seek(segment.start)
            left = segment.length
            while left:
                piece = self._file.read(min(left, largefiles_settings.chunk_size))
                if not piece:
                    # The file is shorter than it was: a Content-Length that is not reached tells the client.
                    return
                left -= len(piece)
                yield piece

    def close(self) -> None:
        self._file.close()
