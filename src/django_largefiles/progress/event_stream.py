"""Server-Sent Events (HTML Standard, section 9.2) for all assets of one page."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Collection
from contextlib import ExitStack
from typing import Self
from uuid import UUID

from asgiref.sync import sync_to_async
from django.utils import translation

from ..access import User
from ..conf import largefiles_settings
from ..connections import close_connections
from ..exceptions import TooManyStreams
from .hub import current_hub
from .streams import RETRY_AFTER, streams
from .watcher import Watcher

CONTENT_TYPE = "text/event-stream"

HEADERS = {"X-Accel-Buffering": "no"}
"""nginx would keep events back until its buffer is full."""

PING_SECONDS = 15.0
PING = b": ping\n\n"
"""A comment. Proxies end connections that are silent for long."""

RECONNECT_SECONDS = (1.0, 4.0)
"""Between these, by chance, is how long a client waits before it connects again, after a restart with all others."""

LIFETIME_SPREAD = 0.1
"""The share by which streams may end earlier, so that those that began together do not end together."""

GRACE_SECONDS = 30.0
"""How much longer than its lifetime a stream exists whose client does not read."""


class EventStream:
    """The content of a streaming response under ASGI.

    It is an iterator with ``close``, and no generator: Django closes the former when the client has disconnected, and
    leaves the latter to the garbage collector.
    """

    def __init__(self, user: User, watcher: Watcher, asset_ids: Collection[UUID]) -> None:
        """``asset_ids`` are those that the user may see. The language is the one that is active now."""
        self._user = user
        self._language = translation.get_language()
        self._watcher = watcher
        self._asset_ids = asset_ids
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ends_at = 0.0
        self._opened = ExitStack()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await self._next()
        except BaseException:
            # Django does not close responses that have failed.
            self._opened.close()
            raise

    async def _next(self) -> bytes:
        if self._loop is None:
            return await self._begin(asyncio.get_running_loop())
        left = self._ends_at - self._loop.time()
        if self._watcher.is_settled or left <= 0:
            raise StopAsyncIteration
        await self._watcher.wait(min(PING_SECONDS, left))
        return self._encoded() or PING

    def close(self) -> None:
        """Leave the hub. Django calls this in a thread."""
        try:
            if self._loop:
                self._loop.call_soon_threadsafe(self._opened.close)
        except RuntimeError:
            # The loop is closed, and does nothing at the same time.
            self._opened.close()

    async def _begin(self, loop: asyncio.AbstractEventLoop) -> bytes:
        self._loop = loop
        # Those of the thread of the view and of the middleware, which would keep them for minutes.
        await sync_to_async(close_connections)()
        try:
            streams.open(self._user)
        except TooManyStreams:
            # Others have begun since the view looked, and the status has been sent.
            return _retry(RETRY_AFTER)
        self._opened.callback(streams.close, self._user)
        self._opened.enter_context(current_hub().following(self._watcher, self._asset_ids))
        self._limit_lifetime(loop)
        return _retry(random.uniform(*RECONNECT_SECONDS)) + self._encoded()  # noqa: S311 - no secret

    def _encoded(self) -> bytes:
        """Return what is new to the client, an event for each asset."""
        with translation.override(self._language):
            return b"".join(
                f"event: {update.event}\nid: {self._watcher.version}\ndata: {update.text}\n\n".encode()
                for update in self._watcher.take()
            )

    def _limit_lifetime(self, loop: asyncio.AbstractEventLoop) -> None:
        lifetime = largefiles_settings.progress_limits.lifetime.total_seconds()
        lifetime *= 1 - random.uniform(0, LIFETIME_SPREAD)  # noqa: S311 - no secret
        self._ends_at = loop.time() + lifetime
        task = asyncio.current_task()
        assert task
        self._opened.callback(loop.call_later(lifetime + GRACE_SECONDS, self._cut, task).cancel)

    def _cut(self, task: asyncio.Task[None]) -> None:
        """End the stream where nothing else does: the server waits for a client that does not read, or has failed."""
        self._opened.close()
        task.cancel()


def _retry(seconds: float) -> bytes:
    return b"retry: %d\n\n" % (seconds * 1000)
