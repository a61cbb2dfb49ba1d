"""One reader of updates: what it has been told, and what is new."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from uuid import UUID

from .updates import Update, joined_versions, separate_versions
from .waiting import wait


class Watcher:
    """Holds the latest update of each asset that its reader has not taken yet, so that a slow reader costs no memory.

    It belongs to the thread of the event loop from when the hub is told of it.
    """

    def __init__(self, asset_ids: Iterable[UUID], *, version: str = "") -> None:
        """``version`` is the last one that the reader had of these assets in this order."""
        self.asset_ids: Sequence[UUID] = tuple(dict.fromkeys(asset_ids))
        self._told = separate_versions(self.asset_ids, version)
        self._news: dict[UUID, Update] = {}
        self._unsettled = set(self.asset_ids)
        self._woken = asyncio.Event()
        self._failure: Exception | None = None

    @property
    def version(self) -> str:
        """That of all that has been taken."""
        return joined_versions(self.asset_ids, self._told)

    @property
    def is_settled(self) -> bool:
        """Return whether the reader has been told of the end of every asset."""
        return not (self._unsettled or self._news)

    def offer(self, update: Update) -> None:
        """Note an update, unless the reader knows it."""
        (self._unsettled.discard if update.is_settled else self._unsettled.add)(update.asset_id)
        if self._told.get(update.asset_id) == update.version:
            self._news.pop(update.asset_id, None)
        else:
            self._news[update.asset_id] = update
            self._woken.set()

    def offer_all(self, updates: Mapping[UUID, Update]) -> None:
        for update in updates.values():
            self.offer(update)

    def take(self) -> Iterator[Update]:
        """Yield what is new; ``version`` then includes it."""
        self._woken.clear()
        while self._news:
            asset_id = next(iter(self._news))
            update = self._news.pop(asset_id)
            self._told[asset_id] = update.version
            yield update

    async def wait(self, seconds: float | None = None) -> None:
        """Wait until there may be news, for so many seconds at most. Raise what has failed for all watchers."""
        await wait(self._woken, seconds)
        if self._failure:
            raise self._failure

    def fail(self, failure: Exception) -> None:
        self._failure = failure
        self._woken.set()
