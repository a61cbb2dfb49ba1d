"""What both protocols need of a request: who makes it, which upload it means, and its body."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias
from uuid import UUID

from django.http import HttpRequest, UnreadablePostError
from django.http.response import HttpResponseBase
from django.urls import reverse

from ...access import User, access_policy
from ...assets import arriving, check_may_append, delete, downloadable_asset, unexpired_asset
from ...conf import get_profile, largefiles_settings
from ...delivery.responses import deliver
from ...exceptions import MalformedRequest, MethodNotAllowed, StateConflict, TooLarge, UploadGone, WrongContent
from ...intake.writing import FIRST_READ, UploadWriter
from ...models import FileAsset, Upload
from ...states import State
from ..silence import limit_silence


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One request to the resumable door. ``method`` is the one that counts."""

    request: HttpRequest
    method: str
    user: User
    asset_id: UUID | None

    @property
    def view(self) -> object:
        """What answers at this URL, and at those of all other uploads."""
        match = self.request.resolver_match
        return match.func if match else None

    def header(self, name: str) -> str | None:
        return self.request.headers.get(name)

    @property
    def content_length(self) -> int | None:
        """Bytes of the body; ``None`` where they come in chunks. Raises ``MalformedRequest``."""
        text = self.request.META.get("CONTENT_LENGTH") or ""
        if not text:
            return None if "chunked" in self.request.headers.get("Transfer-Encoding", "") else 0
        if not (text.isascii() and text.isdigit() and len(text) < 20):
            raise MalformedRequest("Content-Length is not a number", value=text[:100])
        return int(text)

    def location(self, asset_id: UUID) -> str:
        """The URL of an upload, absolute, as the host's proxy settings have it."""
        match = self.request.resolver_match
        namespace = match.namespace if match else ""
        name = f"{namespace}:upload" if namespace else "upload"
        return self.request.build_absolute_uri(reverse(name, args=[asset_id]))


Verb: TypeAlias = Callable[[Exchange], HttpResponseBase]


def chosen_verb(exchange: Exchange, verbs: Mapping[str, Verb]) -> Verb:
    """Raises ``MethodNotAllowed``."""
    if exchange.method not in verbs:
        allowed = ", ".join(["OPTIONS", *verbs])
        raise MethodNotAllowed(f"the methods here are {allowed}", limit=allowed, value=exchange.method)
    return verbs[exchange.method]


def find_asset(exchange: Exchange) -> FileAsset:
    """The asset that the URL means.

    Raises ``AssetNotFound``, ``UploadGone`` for one that has expired, and ``StateConflict`` for one whose bytes do not
    come through this door.
    """
    assert exchange.asset_id
    asset = unexpired_asset(exchange.user, exchange.asset_id)
    upload = arriving(asset)
    if upload and upload.kind == Upload.Kind.DIRECT:
        raise StateConflict("the bytes of this upload go to the storage itself", value=upload.kind)
    return asset


def find_asset_to_append_to(exchange: Exchange) -> FileAsset:
    """The same, for who may send its bytes. Raises also ``NotPermitted``."""
    asset = find_asset(exchange)
    check_may_append(exchange.user, asset)
    return asset


def check_not_rejected(asset: FileAsset) -> None:
    """Raises ``UploadGone``."""
    if asset.state == State.REJECTED:
        raise UploadGone(f"the file was rejected: {asset.reason}", value=asset.reason)


def may_append(exchange: Exchange, asset: FileAsset) -> bool:
    return access_policy().may_append(exchange.user, asset)


def download(exchange: Exchange, asset: FileAsset) -> HttpResponseBase:
    """Raises ``NotPermitted`` and ``NotReady``."""
    return deliver(exchange.request, downloadable_asset(exchange.user, asset.pk))


def terminate(exchange: Exchange) -> None:
    """Delete what the URL means, arriving or not. Raises ``AssetNotFound``, ``UploadGone`` and ``NotPermitted``."""
    assert exchange.asset_id
    delete(exchange.user, unexpired_asset(exchange.user, exchange.asset_id))


def check_room(exchange: Exchange, upload: Upload, length: int | None) -> None:
    """Raises ``MalformedRequest`` or ``TooLarge`` from the headers alone, where the body leads beyond the end."""
    reached = upload.offset + (exchange.content_length or 0)
    if length is not None and reached > length:
        raise MalformedRequest(
            f"{reached} bytes would be more than the {length} declared", limit=length, value=reached
        )
    largest = get_profile(upload.asset.profile).max_upload_size
    if reached > largest:
        raise TooLarge(f"{reached} bytes are more than the {largest} allowed", limit=largest, value=reached)


def receive(exchange: Exchange, writer: UploadWriter, seen: Callable[[bytes], None] | None = None) -> bool:
    """Write the body to the arrival, and show it to ``seen``. Whether it came whole; what came counts either way.

    A file of a type that is refused is aborted: no further byte could mend it. Not so where ``seen`` has yet to tell
    whether these are the bytes that the client sent: damaged ones say nothing of the file.
    """
    try:
        for chunk in _pieces(exchange, first=writer.received == 0):
            writer.write(chunk)
            if seen:
                seen(chunk)
    except UnreadablePostError:
        return False
    except WrongContent:
        if not seen:
            writer.abort()
        raise
    return True


def finish(writer: UploadWriter) -> FileAsset:
    """All bytes are here. A file whose content is refused is aborted."""
    try:
        return writer.finish()
    except WrongContent:
        writer.abort()
        raise


def _pieces(exchange: Exchange, *, first: bool) -> Iterator[bytes]:
    """The body in chunks; the first of an upload is short, for an early verdict.

    Raises ``UnreadablePostError`` where the body ends before its declared length: servers give an end of file there.
    """
    left, chunk_size = exchange.content_length, largefiles_settings.chunk_size
    limit_silence(exchange.request.META)
    read = _reader(exchange.request, chunked=left is None)
    size = FIRST_READ if first else chunk_size
    while left is None or left > 0:
        chunk = read(size if left is None else min(size, left))
        if not chunk:
            break
        left = None if left is None else left - len(chunk)
        size = chunk_size
        yield chunk
    if left:
        raise UnreadablePostError(f"{left} bytes did not come")


def _reader(request: HttpRequest, *, chunked: bool) -> Callable[[int], bytes]:
    """Under WSGI, Django takes a body without a length for an empty one; the server knows where it ends."""
    if chunked and request.META.get("wsgi.input_terminated"):
        return partial(_read_to_the_end, request.META["wsgi.input"])
    return lambda size: bytes(request.read(size))


def _read_to_the_end(stream: Any, size: int) -> bytes:
    try:
        return bytes(stream.read(size))
    # Chunks that break off are an error of each server's own; those of gunicorn have no base in common.
    except Exception as error:
        raise UnreadablePostError(f"the chunks end too early: {error}") from error


def trailer(request: HttpRequest, name: str) -> str | None:
    """A field that came behind the body. WSGI has no place for them; gunicorn keeps them with its own request."""
    reader = getattr(request.META.get("wsgi.input"), "reader", None)
    fields = getattr(getattr(reader, "req", None), "trailers", ())
    return next((value for field, value in fields if field.lower() == name.lower()), None)


def passes_trailers(request: HttpRequest) -> bool:
    return str(request.META.get("SERVER_SOFTWARE", "")).startswith("gunicorn")
