"""Notifications that assets have changed: by the class that ``PROGRESS_NOTIFIER`` names, or none."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import aclosing
from typing import Any
from uuid import UUID

from ...conf import largefiles_settings
from ...models import FileAsset
from ...registry import make
from .base import Notifier

logger = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds before listening again after a failure, doubled each time."""


def current_notifier() -> Notifier | None:
    """Return a new instance, ``None`` if none is set. Raise ``NotImportable``."""
    choice = largefiles_settings.progress_notifier
    return make(choice.backend, choice.options, Notifier, "PROGRESS_NOTIFIER") if choice else None


def on_change(sender: type[FileAsset], asset: FileAsset, **_: Any) -> None:
    """Receive the signals of all states."""
    notifier = current_notifier()
    if notifier is None:
        return
    try:
        notifier.publish(asset.pk)
    except Exception as error:  # noqa: BLE001 - a host's class and a server may raise anything
        logger.warning("Cannot notify that asset %s has changed; it will be seen a little later: %s", asset.pk, error)


async def listen(hurry: Callable[[Iterable[UUID]], None]) -> None:
    """Hurry what changes, if there is a notifier, until the task is cancelled."""
    pause = FIRST_PAUSE
    while True:
        try:
            notifier = current_notifier()
            if notifier is None:
                return
            async with aclosing(notifier.listen()) as changed:
                async for asset_id in changed:
                    pause = FIRST_PAUSE
                    hurry([asset_id])
        except Exception as error:  # noqa: BLE001 - a host's class and a server may raise anything
            logger.warning("Cannot listen for changes of assets, and will try again in %d s: %s", pause, error)
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
