"""The same events over WebSockets, by Django Channels. Only projects that route to the consumer import this module."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Collection
from contextlib import suppress
from enum import IntEnum
from typing import Any
from uuid import UUID

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.contrib.auth.models import AnonymousUser
from django.http import QueryDict
from django.utils import translation

from ..access import User
from ..conf import largefiles_settings
from ..exceptions import MalformedRequest, TooManyStreams
from ..upload_tokens import session_digest
from .asking import asked_assets
from .hub import current_hub
from .reading import read_visible
from .streams import streams
from .updates import Update
from .watcher import Watcher

logger = logging.getLogger(__name__)


class CloseCode(IntEnum):
    """Why the server closes a connection (RFC 6455 section 7.4)."""

    SETTLED = 1000
    """Nothing more is to come."""
    LIFETIME = 1001
    """Connect again, with the version of the last message."""
    FAILED = 1011
    """Connect again later."""
    MALFORMED = 4400
    """The request names no assets, too many, or something else."""
    TOO_MANY = 4503
    """The user, or the process, has as many streams as ``PROGRESS_LIMITS`` allows. Poll, or connect again later."""


class ProgressConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # Channels has no types
    """Sends a message ``{"event": …, "id": …, "data": …}`` for each event of the assets that the query string names.

    The parameters are ``asset``, up to a hundred times, and, after the first connection, ``last_event_id``, the ``id``
    of the last message. Messages of the client are ignored. The user is ``scope["user"]``, and a visitor's session
    ``scope["session"]``; the project's middleware for Channels sets both. A :class:`CloseCode` tells why the server
    closes the connection.
    """

    _telling: asyncio.Task[None] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            # The handler of disconnects is not called if the server cancels the consumer.
            if self._telling:
                self._telling.cancel()

    async def connect(self) -> None:
        # A browser does not tell a page why a connection was refused, but why it was closed.
        await self.accept()
        self._telling = asyncio.create_task(self._tell_and_close())

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Ignore what the client sends."""

    def language(self) -> str | None:
        """Return the language of ``words``; by default the project's."""
        return translation.get_language()

    async def _tell_and_close(self) -> None:
        # Servers raise it if the client has disconnected.
        with suppress(OSError):
            # daphne takes no subclass of int.
            await self.close(code=int(await self._tell()))

    async def _tell(self) -> CloseCode:
        user: User = self.scope.get("user") or AnonymousUser()
        query = QueryDict(self.scope["query_string"])
        try:
            asset_ids = asked_assets(query.getlist("asset"))
            streams.open(user)
        except MalformedRequest:
            return CloseCode.MALFORMED
        except TooManyStreams:
            return CloseCode.TOO_MANY
        try:
            updates = await database_sync_to_async(self._read)(user, asset_ids)
            watcher = Watcher(asset_ids, version=query.get("last_event_id", ""))
            watcher.offer_all(updates)
            return await self._follow(watcher, [asset_id for asset_id, update in updates.items() if update.status])
        except OSError:
            raise
        except Exception:
            logger.exception("A stream of progress has failed.")
            return CloseCode.FAILED
        finally:
            streams.close(user)

    def _read(self, user: User, asset_ids: Collection[UUID]) -> dict[UUID, Update]:
        return read_visible(user, asset_ids, session_digest(user, self.scope.get("session")))

    async def _follow(self, watcher: Watcher, visible: Collection[UUID]) -> CloseCode:
        try:
            # It is also the end of a client that does not read.
            async with asyncio.timeout(largefiles_settings.progress_limits.lifetime.total_seconds()):
                with current_hub().following(watcher, visible):
                    await self._send_news(watcher)
        except TimeoutError:
            return CloseCode.LIFETIME
        return CloseCode.SETTLED

    async def _send_news(self, watcher: Watcher) -> None:
        while True:
            for update in watcher.take():
                with translation.override(self.language()):
                    data = update.data
                message = {"event": update.event, "id": watcher.version, "data": data}
                await self.send(text_data=json.dumps(message, separators=(",", ":")))
            if watcher.is_settled:
                return
            await watcher.wait()
