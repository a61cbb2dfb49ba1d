"""Stored files as the content of responses, read in pieces, so that memory does not grow with their size.

While a file that does not fit one chunk is sent, its request keeps no connection to a database.
"""

from __future__ import annotations

from typing import BinaryIO, Self

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import FileResponse, HttpRequest, HttpResponseBase, StreamingHttpResponse

from ..conf import largefiles_settings
from ..connections import release_connections
from ..protocols.ranges import ByteRange
from ..transport.departure import limit_departure


def whole(request: HttpRequest, file: BinaryIO, size: int) -> HttpResponseBase:
    """Return a response with all ``size`` bytes of ``file``, which it closes."""
    if isinstance(request, ASGIRequest):
        return part(request, file, ByteRange(start=0, stop=size))
    # The server's own wsgi.file_wrapper sends the file, by sendfile where it can.
    response = FileResponse(SentFile(file) if _is_long(size) else file)
    response.block_size = largefiles_settings.chunk_size
    limit_departure(request.META, response)
    return response


def part(request: HttpRequest, file: BinaryIO, wanted: ByteRange) -> StreamingHttpResponse:
    """Return a response with a range of ``file``, which it closes."""
    pieces = FilePieces(SentFile(file) if _is_long(wanted.length) else file, wanted)
    # Under ASGI Django reads a synchronous iterator into a list before it sends the first byte.
    response = StreamingHttpResponse(AsyncFilePieces(pieces) if isinstance(request, ASGIRequest) else pieces)
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
    """A range of a file, in chunks. The response closes it, and with it the file, also when it is not sent whole."""

    def __init__(self, file: BinaryIO | SentFile, wanted: ByteRange) -> None:
        file.seek(wanted.start)
        self._file = file
        self._left = wanted.length

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        piece = self.read()
        if not piece:
            raise StopIteration
        return piece

    def read(self) -> bytes:
        piece = self._file.read(min(self._left, largefiles_settings.chunk_size))
        self._left -= len(piece)
        return piece

    def close(self) -> None:
        self._file.close()


class AsyncFilePieces:
    """The same for ASGI: each chunk is read in a thread."""

    def __init__(self, pieces: FilePieces) -> None:
        self._read = sync_to_async(pieces.read, thread_sensitive=False)
        self._is_released = False
        self.close = pieces.close

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if not self._is_released:
            # In the thread of the view and of the middleware, whose connections they are.
            await sync_to_async(release_connections)()
            self._is_released = True
        piece = await self._read()
        if not piece:
            raise StopAsyncIteration
        return piece
