"""What sends the bytes of each asset, as ``DELIVERY`` says."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ...conf import largefiles_settings
from ...exceptions import InvalidSetting
from ...models import FileAsset
from ...stores import store_of
from ...stores.base import Store
from .accelerated import XAccel, XSendfile
from .base import Backend
from .redirect import Redirect
from .stream import Stream

BACKENDS: Mapping[str, type[Backend]] = MappingProxyType(
    {"stream": Stream, "x-accel": XAccel, "x-sendfile": XSendfile, "redirect": Redirect, "auto": Redirect}
)
"""By the value of ``DELIVERY``. ``"auto"`` redirects where the storage gives links."""


def backend_of(asset: FileAsset) -> Backend:
    """Return the backend for the asset's store.

    Assets that were received before a change of ``STORAGE`` may be where that of ``DELIVERY`` cannot send them from:
    they are streamed. Raise ``StoreError``, and ``InvalidSetting`` if this applies to ``STORAGE`` itself.
    """
    store = store_of(asset)
    chosen = configured_backend(store, asset.storage)
    if not chosen.problem:
        return chosen
    if largefiles_settings.delivery != "auto" and asset.storage == largefiles_settings.storage:
        raise InvalidSetting("DELIVERY", problem_of(chosen))
    return Stream(store, asset.storage)


def configured_backend(store: Store, alias: str) -> Backend:
    """Return the backend that ``DELIVERY`` names. It may have a ``problem``."""
    return BACKENDS[largefiles_settings.delivery](store, alias)


def problem_of(backend: Backend) -> str:
    """Return what to tell about a backend that cannot send the files of ``STORAGE``."""
    return f"it is {largefiles_settings.delivery!r}, but {backend.problem}"
