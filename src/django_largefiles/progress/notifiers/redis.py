"""Notifications by Redis."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from uuid import UUID

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from .base import Notifier, read_id

TIMEOUT = 1.0
"""Seconds for connecting, and for the answer to what is published."""


class RedisNotifier(Notifier):
    """Publishes to a channel of a Redis server, at a URL as ``redis.from_url`` reads it."""

    def __init__(self, *, url: str, channel: str = "django_largefiles.progress") -> None:
        self._url = url
        self._channel = channel

    def publish(self, asset_id: UUID) -> None:
        # By default the client tries again for seconds, in which a request or a worker would wait.
        retry = Retry(NoBackoff(), 0)
        timeouts = {"socket_connect_timeout": TIMEOUT, "socket_timeout": TIMEOUT}
        with Redis.from_url(self._url, retry=retry, **timeouts) as client:
            client.publish(self._channel, asset_id.hex)

    async def listen(self) -> AsyncGenerator[UUID, None]:
        retry = AsyncRetry(NoBackoff(), 0)
        async with (
            AsyncRedis.from_url(self._url, retry=retry, socket_connect_timeout=TIMEOUT) as client,
            client.pubsub(ignore_subscribe_messages=True) as channel,
        ):
            await channel.subscribe(self._channel)
            async for message in channel.listen():  # pragma: no branch - it has no end
                if asset_id := read_id(message["data"]):
                    yield asset_id
