"""Hand received assets to workers, by the dispatcher that ``DISPATCHER`` names."""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

from .. import lifecycle
from ..conf import largefiles_settings
from ..models import FileAsset
from ..registry import load
from .automatic import AUTO, choose
from .base import Dispatcher

logger = logging.getLogger(__name__)


def current_dispatcher() -> Dispatcher:
    path = largefiles_settings.dispatcher
    return load(choose().path if path == AUTO else path, Dispatcher, "DISPATCHER")


def hand_over(asset_id: UUID) -> bool:
    """Hand the asset to a worker. Return False if that fails: the upload is safe, and the sweeper tries again."""
    try:
        current_dispatcher().dispatch(asset_id)
    except Exception:
        logger.exception("Could not hand asset %s to a worker; the sweeper will try again.", asset_id)
        lifecycle.not_handed_over(asset_id)
        return False
    return True


def on_waiting(sender: type[FileAsset], asset_id: UUID, **_: Any) -> None:
    """Receive ``lifecycle.asset_waiting``."""
    hand_over(asset_id)
