"""Uploads made of others (tus, concatenation): found by their URLs, and made once all of them are complete."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import suppress
from urllib.parse import unquote, urljoin, urlsplit
from uuid import UUID

from django.http import HttpRequest
from django.urls import Resolver404, ResolverMatch, get_script_prefix, resolve

from ...access import access_policy
from ...assets import EXPIRED, check_may_append, check_not_expired
from ...exceptions import AssetNotFound, MalformedHeader, Refusal, StoreError, TakenOver
from ...intake.resuming import assemble
from ...models import Upload
from .exchange import Exchange

logger = logging.getLogger(__name__)


def partial_uploads(exchange: Exchange, urls: Iterable[str]) -> list[Upload]:
    """Return the partial uploads at ``urls``, in their order; one may come twice.

    Raise ``MalformedHeader`` for a URL that is not one of an upload here, ``AssetNotFound`` if there is no partial
    upload that the user may see, ``NotPermitted`` and ``UploadGone``.
    """
    ids = [_upload_id(exchange, url) for url in urls]
    found = _partials(ids)
    for asset_id in dict.fromkeys(ids):
        _check_usable(exchange, asset_id, found.get(asset_id))
    return [found[asset_id] for asset_id in ids]


def _check_usable(exchange: Exchange, asset_id: UUID, partial: Upload | None) -> None:
    if partial is None or not access_policy().may_view(exchange.user, partial.asset):
        raise AssetNotFound("there is no such partial upload", value=str(asset_id))
    check_may_append(exchange.user, partial.asset)
    check_not_expired(partial)


def total_length(parts: Iterable[Upload]) -> int | None:
    """Return the length in bytes; ``None`` while that of one part is unknown."""
    total = 0
    for part in parts:
        if part.length is None:
            return None
        total += part.length
    return total


def known_length(upload: Upload) -> int | None:
    """Return the length in bytes, that of a final upload from its partial ones; ``None`` while it is unknown."""
    if upload.length is None and upload.kind == Upload.Kind.FINAL:
        parts = _parts_of(upload)
        return total_length(parts) if parts else None
    return upload.length


def complete_final(final: Upload) -> None:
    """Make a final upload, if all its partial ones are complete and no other request is doing it.

    Raise what ``assemble`` raises.
    """
    parts = _parts_of(final)
    if parts and all(part.offset == part.length for part in parts):
        with suppress(TakenOver):
            assemble(final, parts)


def complete_finals(partial: Upload) -> None:
    """Make the final uploads that were waiting for this partial one, now that it is complete.

    A final upload that cannot be made is removed; the partial one is not affected.
    """
    waiting = Upload.objects.select_related("asset").filter(
        kind=Upload.Kind.FINAL, asset__owner=partial.asset.owner_id
    )
    for final in waiting:
        if str(partial.pk) in final.parts:
            try:
                complete_final(final)
            except (Refusal, StoreError) as error:
                logger.warning("Final upload %s cannot be made, and is removed: %s.", final.pk, error.detail)


def _parts_of(final: Upload) -> list[Upload]:
    """Return the partial uploads; none if one of them is gone."""
    ids = [UUID(part) for part in final.parts]
    found = _partials(ids)
    return [found[part] for part in ids] if len(found) == len(set(ids)) else []


def _partials(ids: Iterable[UUID]) -> dict[UUID, Upload]:
    uploads = Upload.objects.select_related("asset").annotate(**EXPIRED)
    found = uploads.filter(pk__in=set(ids), kind=Upload.Kind.PARTIAL)
    return {upload.pk: upload for upload in found}


def _upload_id(exchange: Exchange, url: str) -> UUID:
    match = _match(exchange.request, url)
    if match is None or match.func is not exchange.view or "asset_id" not in match.kwargs:
        raise MalformedHeader("Upload-Concat names a URL that is not one of an upload here", value=url)
    return UUID(str(match.kwargs["asset_id"]))


def _match(request: HttpRequest, url: str) -> ResolverMatch | None:
    try:
        absolute = urlsplit(urljoin(request.build_absolute_uri(), url))
    except ValueError:
        return None
    path, prefix = unquote(absolute.path), get_script_prefix()
    if absolute.netloc.lower() != request.get_host().lower() or not path.startswith(prefix):
        return None
    try:
        return resolve("/" + path.removeprefix(prefix), getattr(request, "urlconf", None))
    except Resolver404:
        return None
