"""One hub in each event loop, which reads the rows of all assets that are followed there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import Context
from heapq import nsmallest
from uuid import UUID
from weakref import WeakKeyDictionary

from django.db import Error, close_old_connections, connections

from .notifiers import listen
from .reading import read
from .updates import Update
from .waiting import wait
from .watcher import Watcher

logger = logging.getLogger(__name__)

INTERVAL = 0.5
"""Seconds between two looks at an asset that is not settled."""

SETTLED_INTERVAL = 5.0
"""Seconds between two looks at one that is settled, which may be deleted, blocked or processed again."""

SOONEST = 0.1
"""Seconds between two looks at least."""

MOST_ASSETS = 5_000
"""Assets that one look reads, by one query. If more are followed, each of them is read less often."""


class Hub:
    """The watchers of one event loop, and a task that reads for them. The task exists only while there are watchers.

    All methods are called in the thread of the loop. Rows are read in another.
    """

    def __init__(self, read: Callable[[Collection[UUID]], Mapping[UUID, Update]]) -> None:
        self._read = read
        self._watchers: dict[UUID, set[Watcher]] = {}
        self._due: dict[UUID, float] = {}
        self._hurried = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._fails = False

    @contextmanager
    def following(self, watcher: Watcher, asset_ids: Collection[UUID]) -> Iterator[None]:
        """Offer updates of these assets to the watcher during the block."""
        self.join(watcher, asset_ids)
        try:
            yield
        finally:
            self.leave(watcher, asset_ids)

    def join(self, watcher: Watcher, asset_ids: Iterable[UUID]) -> None:
        """Offer updates of these assets to the watcher, of the next look and all later ones."""
        for asset_id in asset_ids:
            self._watchers.setdefault(asset_id, set()).add(watcher)
            self._due[asset_id] = 0.0
        if self._watchers and self._task is None:
            # The context of the request that happens to be the first must not live on in the task.
            self._task = asyncio.get_running_loop().create_task(self._run(), context=Context())

    def leave(self, watcher: Watcher, asset_ids: Iterable[UUID]) -> None:
        for asset_id in asset_ids:
            watchers = self._watchers.get(asset_id, set())
            watchers.discard(watcher)
            if not watchers:
                self._watchers.pop(asset_id, None)
                self._due.pop(asset_id, None)
        if not self._watchers and self._task:
            self._task.cancel()
            self._task = None

    def hurry(self, asset_ids: Iterable[UUID]) -> None:
        """Look at these assets as soon as possible, as far as they are followed."""
        followed = [asset_id for asset_id in asset_ids if asset_id in self._watchers]
        if followed:
            self._due.update(dict.fromkeys(followed, 0.0))
            self._hurried.set()

    async def _run(self) -> None:
        reader = ThreadPoolExecutor(1, thread_name_prefix="largefiles-progress")
        listener = asyncio.create_task(listen(self.hurry))
        try:
            while True:
                await self._look(reader)
                await self._pause()
        except Exception as failure:  # noqa: BLE001 - the watchers raise it
            self._fail(failure)
        finally:
            listener.cancel()
            reader.submit(connections.close_all)
            reader.shutdown(wait=False)

    async def _look(self, reader: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        asked = self._due_at(now)
        if not asked:
            return
        # Watchers that join during the query may know more than it reads, and wait for the next.
        watchers = {asset_id: tuple(self._watchers[asset_id]) for asset_id in asked}
        next_look = now + INTERVAL
        self._due.update(dict.fromkeys(asked, next_look))
        updates = await loop.run_in_executor(reader, self._read_in_thread, asked)
        for asset_id, update in updates.items():
            for watcher in watchers[asset_id]:
                watcher.offer(update)
            # Unless it was hurried, joined or left meanwhile.
            if update.is_settled and self._due.get(asset_id) == next_look:
                self._due[asset_id] = now + SETTLED_INTERVAL

    def _due_at(self, now: float) -> list[UUID]:
        due = [asset_id for asset_id, when in self._due.items() if when <= now]
        return due if len(due) <= MOST_ASSETS else nsmallest(MOST_ASSETS, due, key=self._due.__getitem__)

    def _read_in_thread(self, asset_ids: Collection[UUID]) -> Mapping[UUID, Update]:
        try:
            updates = self._read(asset_ids)
        except Error as error:
            if not self._fails:
                logger.warning("Cannot read the progress of assets, and will try again until it works: %s", error)
            self._fails = True
            return {}
        finally:
            # The rules for connections are those of requests.
            close_old_connections()
        self._fails = False
        return updates

    async def _pause(self) -> None:
        await asyncio.sleep(SOONEST)
        await wait(self._hurried, INTERVAL - SOONEST)

    def _fail(self, failure: Exception) -> None:
        watchers = set().union(*self._watchers.values())
        self._watchers.clear()
        self._due.clear()
        self._task = None
        for watcher in watchers:
            watcher.fail(failure)


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def current_hub() -> Hub:
    """Return the hub of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub(read)
    return _hubs[loop]
