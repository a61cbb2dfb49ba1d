"""The parts of a final upload (tus, concatenation), found by their URLs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from urllib.parse import unquote, urljoin, urlsplit
from uuid import UUID

from django.http import HttpRequest
from django.urls import Resolver404, ResolverMatch, get_script_prefix, resolve

from ...access import User
from ...assets import check_may_append, check_not_expired, may_see
from ...exceptions import AssetNotFound, MalformedHeader
from ...intake.assembly import partials
from ...models import Upload
from ...upload_tokens import session_of
from .exchange import Exchange


def partial_uploads(exchange: Exchange, urls: Iterable[str]) -> list[Upload]:
    """Return the partial uploads at ``urls``, in their order.

    Raise ``MalformedHeader`` for a URL that is not one of an upload here, and for an upload that is named twice: a
    short header could otherwise multiply its bytes. Raise ``AssetNotFound`` if there is no partial upload that the
    user may see, ``NotPermitted`` and ``UploadGone``.
    """
    ids = [_upload_id(exchange, url) for url in urls]
    for asset_id, times in Counter(ids).items():
        if times > 1:
            raise MalformedHeader("Upload-Concat names a partial upload twice", value=str(asset_id))
    found, session = partials(ids), session_of(exchange.user, exchange.request)
    for asset_id in ids:
        _check_usable(exchange.user, asset_id, found.get(asset_id), session)
    return [found[asset_id] for asset_id in ids]


def _check_usable(user: User, asset_id: UUID, partial: Upload | None, session: str) -> None:
    if partial is None or not may_see(user, partial.asset, session):
        raise AssetNotFound("there is no such partial upload", value=str(asset_id))
    check_may_append(user, partial.asset)
    check_not_expired(partial)


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
