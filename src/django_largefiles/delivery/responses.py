"""Ready assets as HTTP responses: RFC 9110 conditional and range requests, streamed at constant memory.

Or redirected to the storage, where it serves the bytes itself to whoever has a signed link.
"""

from __future__ import annotations

from typing import BinaryIO, Self

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import (
    FileResponse,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header, http_date

from ..conf import largefiles_settings
from ..exceptions import InvalidSetting, NotReady
from ..models import FileAsset
from ..protocols.digests import format_digest
from ..protocols.ranges import ByteRange, UnsatisfiableRange, content_range, if_range_holds, parse, unsatisfied
from ..states import State
from ..stores import store_of
from ..stores.base import ServedAs


def deliver(request: HttpRequest, asset: FileAsset) -> HttpResponseBase:
    """The answer to a ``GET`` or ``HEAD`` for the asset's bytes. Raises ``NotReady`` and ``StoreError``."""
    if asset.state != State.READY:
        raise NotReady(f"the file is {asset.state}, not ready", limit=State.READY, value=asset.state)
    etag, modified = f'"{asset.sha256}"', int(asset.created_at.timestamp())
    refused = get_conditional_response(request, etag, modified)
    if refused is not None:
        return _with_headers(refused, _validators(asset))
    link = None if _needs_our_validators(request, etag, modified) else _link(asset)
    if link:
        return _redirect(link)
    try:
        wanted = _requested_range(request, asset, etag, modified)
    except UnsatisfiableRange:
        return HttpResponse(status=416, headers={"Content-Range": unsatisfied(asset.size or 0)})
    return _with_headers(_respond(request, asset, wanted), _validators(asset) | _description(asset))


def _needs_our_validators(request: HttpRequest, etag: str, modified: int) -> bool:
    """Whether the storage, whose validators are others, could not answer as we do.

    A ``HEAD`` tells the digest. A precondition that we found to hold would fail there. ``If-Range`` may name a
    validator of either.
    """
    headers = request.headers
    if request.method != "GET" or "If-Match" in headers or "If-Unmodified-Since" in headers:
        return True
    return "If-Range" in headers and if_range_holds(headers["If-Range"], etag, modified)


def _link(asset: FileAsset) -> str | None:
    """Where the storage serves the bytes itself. Raises ``InvalidSetting`` where it cannot, but should."""
    delivery, store = largefiles_settings.delivery, store_of(asset)
    # Assets of an earlier STORAGE may be in one that gives no links: they are streamed.
    if delivery == "redirect" and not store.gives_links and asset.storage == largefiles_settings.storage:
        raise InvalidSetting("DELIVERY", "the storage gives no links to redirect to")
    if delivery == "stream" or not store.gives_links:
        return None
    return store.link(str(asset.file), largefiles_settings.redirect_expires_after, _served_as(asset))


def _served_as(asset: FileAsset) -> ServedAs:
    headers = _validators(asset) | _description(asset)
    return ServedAs(
        media_type=headers["Content-Type"],
        disposition=headers["Content-Disposition"],
        cache_control=headers["Cache-Control"],
    )


def _redirect(link: str) -> HttpResponse:
    return HttpResponseRedirect(link, headers={"Cache-Control": "no-store"})


def _requested_range(request: HttpRequest, asset: FileAsset, etag: str, modified: int) -> ByteRange | None:
    # RFC 9110 section 14.2: Range is defined for GET alone.
    header = request.headers.get("Range")
    if request.method != "GET" or header is None:
        return None
    if not if_range_holds(request.headers.get("If-Range"), etag, modified):
        return None
    return parse(header, asset.size or 0)


def _respond(request: HttpRequest, asset: FileAsset, wanted: ByteRange | None) -> HttpResponseBase:
    size = asset.size or 0
    if request.method == "HEAD":
        return _with_headers(HttpResponse(), {"Content-Length": str(size)})
    file = store_of(asset).open_ranged(str(asset.file))
    if wanted is None:
        return _with_headers(_whole(request, file, size), {"Content-Length": str(size)})
    partial = _with_headers(
        _streamed(request, file, wanted),
        {"Content-Length": str(wanted.length), "Content-Range": content_range(wanted, size)},
    )
    partial.status_code = 206
    return partial


def _whole(request: HttpRequest, file: BinaryIO, size: int) -> HttpResponseBase:
    if isinstance(request, ASGIRequest):
        return _streamed(request, file, ByteRange(start=0, stop=size))
    # The server's own wsgi.file_wrapper sends the file, by sendfile where it can.
    response = FileResponse(file)
    response.block_size = largefiles_settings.chunk_size
    return response


def _streamed(request: HttpRequest, file: BinaryIO, wanted: ByteRange) -> StreamingHttpResponse:
    pieces = FilePieces(file, wanted)
    # Under ASGI a synchronous iterator would be read into a list first.
    return StreamingHttpResponse(AsyncFilePieces(pieces) if isinstance(request, ASGIRequest) else pieces)


class FilePieces:
    """Part of a file, a chunk at a time. The response closes it, and so the file, however far it got."""

    def __init__(self, file: BinaryIO, wanted: ByteRange) -> None:
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
    """The same, read in a thread."""

    def __init__(self, pieces: FilePieces) -> None:
        self._read = sync_to_async(pieces.read, thread_sensitive=False)
        self.close = pieces.close

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        piece = await self._read()
        if not piece:
            raise StopAsyncIteration
        return piece


def _validators(asset: FileAsset) -> dict[str, str]:
    return {
        "ETag": f'"{asset.sha256}"',
        "Last-Modified": http_date(asset.created_at.timestamp()),
        "Accept-Ranges": "bytes",
        # A file that is taken down must not live on in a cache.
        "Cache-Control": "private, no-cache",
    }


def _description(asset: FileAsset) -> dict[str, str]:
    disposition = content_disposition_header(as_attachment=True, filename=asset.original_name)
    return {
        "Content-Type": asset.media_type,
        "Content-Disposition": disposition or "attachment",
        "Repr-Digest": format_digest(asset.sha256),
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }


def _with_headers(response: HttpResponseBase, headers: dict[str, str]) -> HttpResponseBase:
    for name, value in headers.items():
        response[name] = value
    return response
