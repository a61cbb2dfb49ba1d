"""Updates for Python code."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from uuid import UUID

from .hub import current_hub
from .updates import Update
from .watcher import Watcher


async def watch(asset_ids: Iterable[UUID]) -> AsyncIterator[Update]:
    """Yield how each asset is, and then each later update, until all of them are settled or gone.

    An update contains all fields of the asset. Those that follow each other faster than the caller takes them, or than
    twice a second, are left out, except the last. The caller is trusted: the access policy is not asked.
    """
    watcher, hub = Watcher(asset_ids), current_hub()
    with hub.following(watcher, watcher.asset_ids):
        hub.hurry(watcher.asset_ids)
        while not watcher.is_settled:
            await watcher.wait()
            for update in watcher.take():
                yield update
