from __future__ import annotations

import logging
from uuid import UUID

from ..pipeline.processing import TryAgain, process
from .base import Dispatcher

logger = logging.getLogger(__name__)


class ImmediateDispatcher(Dispatcher):
    """Processes the asset in the request itself, for development, tests and small sites without a broker."""

    def dispatch(self, asset_id: UUID) -> None:
        try:
            process(asset_id)
        except TryAgain as again:
            logger.warning(
                "Could not process asset %s; the sweeper will try again in %s at the earliest.", asset_id, again.delay
            )
