"""Uploads made of others (tus, concatenation): found by their URLs, put together once all of them are there."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from urllib.parse import urljoin, urlsplit
from uuid import UUID

from django.urls import Resolver404, get_script_prefix, resolve

from ...access import access_policy
from ...exceptions import AssetNotFound, Refusal, TakenOver, UploadGone
from ...intake import assemble
from ...models import Upload
from ...protocols.errors import MalformedHeader, OffsetMismatch
from .exchange import Exchange

logger = logging.getLogger(__name__)


def partial_uploads(exchange: Exchange, urls: Iterable[str]) -> list[Upload]:
    """The partial uploads behind ``urls``, in their order; one may come twice.

    Raises ``MalformedHeader`` for a URL that is none of ours, ``AssetNotFound`` where there is no partial upload that
    the user may know of.
    """
    ids = [_upload_id(exchange, url) for url in urls]
    found = _partials(ids)
    for asset_id in ids:
        if asset_id not in found or not access_policy().may_view(exchange.user, found[asset_id].asset):
            raise AssetNotFound("there is no such partial upload", value=str(asset_id))
    return [found[asset_id] for asset_id in ids]


def total_length(parts: Iterable[Upload]) -> int | None:
    """Bytes; ``None`` while one of them does not know its own."""
    total = 0
    for part in parts:
        if part.length is None:
            return None
        total += part.length
    return total


def are_complete(parts: Iterable[Upload]) -> bool:
    return all(part.offset == part.length for part in parts)


def complete_finals(partial: Upload) -> None:
    """A partial upload has all its bytes: put together the final ones that were waiting for it alone.

    A final one that is refused is gone; it is no fault of the partial one.
    """
    waiting = Upload.objects.select_related("asset").filter(
        kind=Upload.Kind.FINAL, asset__owner=partial.asset.owner_id
    )
    for final in waiting:
        if str(partial.pk) in final.parts:
            parts = _parts_of(final)
            if parts and are_complete(parts):
                _assemble_quietly(final, parts)


def _assemble_quietly(final: Upload, parts: Sequence[Upload]) -> None:
    try:
        assemble(final, parts)
    except (TakenOver, OffsetMismatch, UploadGone):
        logger.info("Final upload %s is being put together by another request.", final.pk)
    except Refusal as refusal:
        logger.warning("Final upload %s was refused: %s.", final.pk, refusal.detail)


def _parts_of(final: Upload) -> list[Upload]:
    """Empty where one of them has gone."""
    ids = [UUID(part) for part in final.parts]
    found = _partials(ids)
    return [found[part] for part in ids] if len(found) == len(set(ids)) else []


def _partials(ids: Iterable[UUID]) -> dict[UUID, Upload]:
    found = Upload.objects.select_related("asset").filter(pk__in=set(ids), kind=Upload.Kind.PARTIAL)
    return {upload.pk: upload for upload in found}


def _upload_id(exchange: Exchange, url: str) -> UUID:
    request = exchange.request
    absolute = urlsplit(urljoin(request.build_absolute_uri(), url))
    path = absolute.path.removeprefix(get_script_prefix().rstrip("/"))
    try:
        match = resolve(path, getattr(request, "urlconf", None))
    except Resolver404:
        match = None
    asset_id = match.kwargs.get("asset_id") if match and match.func is exchange.view else None
    if absolute.netloc != request.get_host() or asset_id is None:
        raise MalformedHeader("Upload-Concat names a URL that is no upload of this server", value=url)
    return UUID(str(asset_id))
