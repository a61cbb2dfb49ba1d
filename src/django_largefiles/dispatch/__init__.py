"""Handing a received asset to a worker, through the dispatcher that ``DISPATCHER`` names."""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

from .. import lifecycle
from ..conf import largefiles_settings
from ..models import FileAsset
from ..registry import load
from .base import Dispatcher

logger = logging.getLogger(__name__)


def current_dispatcher() -> Dispatcher:
    return load(largefiles_settings.dispatcher, Dispatcher, "DISPATCHER")


def hand_over(asset_id: UUID) -> bool:
    """Give the asset to a worker. Where that fails the sweeper will; the upload is safe either way."""
    try:
        current_dispatcher().dispatch(asset_id)
    except Exception:
        logger.exception("Asset %s could not be handed to a worker; the sweeper will try again.", asset_id)
        lifecycle.not_handed_over(asset_id)
        return False
    return True


def on_waiting(sender: type[FileAsset], asset_id: UUID, **_: Any) -> None:
    """Receiver of ``lifecycle.asset_waiting``."""
    hand_over(asset_id)
