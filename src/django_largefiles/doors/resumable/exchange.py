"""What both protocols need of a request: its user, the upload that its URL names, and its body."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse

from ... import rules
from ...access import User
from ...assets import arriving, check_may_append, check_may_download, delete, unexpired_asset, upload_token
from ...conf import get_profile, largefiles_settings
from ...delivery.responses import deliver
from ...exceptions import (
    BodyFault,
    MalformedBody,
    OffsetMismatch,
    StateConflict,
    TooLarge,
    UploadCompleted,
    UploadGone,
    WrongContent,
)
from ...intake.takeover import watch
from ...intake.writing import UploadWriter
from ...models import FileAsset, Upload
from ...states import State
from ..body import FIRST_READ, Body, trailer
from ..hanging_up import hang_up_of


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One request for an upload. ``method`` is the effective one, after an override."""

    request: HttpRequest
    method: str
    user: User
    asset_id: UUID | None

    @property
    def view(self) -> object:
        """The view that answers at this URL, and at those of all other uploads."""
        match = self.request.resolver_match
        return match.func if match else None

    def header(self, name: str) -> str | None:
        """Return a field without the white space around it, which is no part of its value (RFC 9110 section 5.5)."""
        value = self.request.headers.get(name)
        return value and value.strip(" \t")

    def trailer(self, name: str) -> str | None:
        """Return a field that came behind the body."""
        return trailer(self.request.META, name)

    @cached_property
    def body(self) -> Body:
        """The body. Raises ``MalformedRequest``."""
        return Body(self.request, self.request.META)

    @property
    def content_length(self) -> int | None:
        """Bytes of the body; ``None`` if they come without a length. Raises ``MalformedRequest``."""
        self.body.look_ahead()
        return self.body.length

    def location(self, asset_id: UUID) -> str:
        """Return the URL of an upload, absolute, under the host's proxy settings."""
        match = self.request.resolver_match
        namespace, prefix = (match.namespace, match.kwargs) if match else ("", {})
        name = f"{namespace}:upload" if namespace else "upload"
        return self.request.build_absolute_uri(reverse(name, kwargs={**prefix, "asset_id": asset_id}))


def find_asset(exchange: Exchange) -> FileAsset:
    """Return the asset that the URL names.

    Raise ``AssetNotFound``, ``UploadGone`` if it has expired, and ``StateConflict`` if its bytes go directly to the
    storage.
    """
    assert exchange.asset_id
    asset = unexpired_asset(exchange.user, exchange.asset_id, exchange.request)
    upload = arriving(asset)
    if upload and upload.kind == Upload.Kind.DIRECT:
        raise StateConflict("the bytes of this upload go directly to the storage", value=upload.kind)
    return asset


def tell_token(exchange: Exchange, asset: FileAsset, response: HttpResponseBase) -> None:
    """Give the client of an upload for a form what the form submits in its place."""
    token = upload_token(exchange.user, asset, exchange.request)
    if token:
        response["Largefiles-Token"] = token


def check_not_rejected(asset: FileAsset) -> None:
    """Raise ``UploadGone``."""
    if asset.state == State.REJECTED:
        raise UploadGone(f"the file was rejected: {asset.reason}", value=asset.reason)


def check_completes(exchange: Exchange, asset: FileAsset, offset: int) -> None:
    """Check a request to append nothing to a complete upload, whose first answer may have been lost.

    Raise ``NotPermitted``, ``UploadGone``, ``OffsetMismatch`` and ``UploadCompleted``.
    """
    check_may_append(exchange.user, asset)
    check_not_rejected(asset)
    if offset != asset.size:
        raise OffsetMismatch(limit=asset.size, value=offset)
    if exchange.content_length != 0:
        raise UploadCompleted(limit=asset.size)


def download(exchange: Exchange, asset: FileAsset) -> HttpResponseBase:
    """Answer with the bytes of an asset. Raise ``NotPermitted`` and ``NotReady``."""
    check_may_download(exchange.user, asset)
    return deliver(exchange.request, asset)


def terminate(exchange: Exchange) -> None:
    """Delete the asset that the URL names, complete or not.

    Raise ``AssetNotFound``, ``UploadGone`` and ``NotPermitted``.
    """
    assert exchange.asset_id
    delete(exchange.user, unexpired_asset(exchange.user, exchange.asset_id, exchange.request))


def check_room(exchange: Exchange, upload: Upload, length: int | None) -> None:
    """Raise ``TooLarge`` if the headers say that the body exceeds the length or the limit."""
    reached = upload.offset + (exchange.content_length or 0)
    rules.check_length(reached, length)
    largest = get_profile(upload.asset.profile).max_upload_size
    if reached > largest:
        raise TooLarge(limit=largest, value=reached)


def receive(exchange: Exchange, writer: UploadWriter, seen: Callable[[bytes], None] | None = None) -> BodyFault | None:
    """Write the body to an upload, and pass it to ``seen``. Return the fault that ended it early, if any.

    The bytes that arrived count either way: call ``raise_malformed`` when they are safe. A file whose type is refused
    is aborted: more bytes do not help. With ``seen`` it is not, as the request may be damaged, which says nothing of
    the file.
    """
    first_read = largefiles_settings.chunk_size if writer.received else FIRST_READ
    try:
        with _ended_when_taken_over(exchange, writer):
            for chunk in exchange.body.chunks(first_read=first_read):
                writer.write(chunk)
                if seen:
                    seen(chunk)
    except BodyFault as fault:
        return fault
    except WrongContent:
        if not seen:
            writer.abort()
        raise
    return None


def raise_malformed(fault: BodyFault | None) -> None:
    """Raise a fault that the client made. One that only broke off is not answered as an error: its bytes count."""
    if isinstance(fault, MalformedBody):
        raise fault


def _ended_when_taken_over(exchange: Exchange, writer: UploadWriter) -> AbstractContextManager[None]:
    hang_up = hang_up_of(exchange.request)
    return watch.reading(writer.asset_id, writer.token, hang_up) if hang_up else nullcontext()
