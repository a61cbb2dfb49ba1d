"""Redirects to storages that serve the bytes themselves, by links that live for minutes."""

from __future__ import annotations

from django.http import HttpResponse, HttpResponseRedirect

from ..conf import largefiles_settings
from ..exceptions import InvalidSetting
from ..models import FileAsset
from ..stores import store_of
from ..stores.base import ServedAs
from .disposition import Disposition
from .headers import RESOURCE_POLICY, caching_headers, representation_headers


def link_to(asset: FileAsset, disposition: Disposition) -> str | None:
    """Return a URL at which the asset's storage serves the bytes; ``None`` if they are to be streamed.

    Raise ``StoreError``, and ``InvalidSetting`` if ``DELIVERY`` is ``"redirect"`` and ``STORAGE`` gives no links.
    """
    delivery, store = largefiles_settings.delivery, store_of(asset)
    # Assets received before a change of STORAGE may be in a storage without links: they are streamed.
    if delivery == "redirect" and not store.gives_links and asset.storage == largefiles_settings.storage:
        raise InvalidSetting("DELIVERY", "the storage gives no links to redirect to; set it to 'auto' or 'stream'")
    if delivery == "stream" or not store.gives_links:
        return None
    return store.link(str(asset.file), largefiles_settings.redirect_expires_after, _served_as(asset, disposition))


def redirect_to(link: str) -> HttpResponse:
    # The policy of each answer on the way counts, and the storage's own answer has none.
    headers = {"Cache-Control": "no-store", "Cross-Origin-Resource-Policy": RESOURCE_POLICY}
    return HttpResponseRedirect(link, headers=headers)


def _served_as(asset: FileAsset, disposition: Disposition) -> ServedAs:
    headers = caching_headers(asset) | representation_headers(asset, disposition)
    return ServedAs(
        media_type=headers["Content-Type"],
        disposition=headers["Content-Disposition"],
        cache_control=headers["Cache-Control"],
    )
