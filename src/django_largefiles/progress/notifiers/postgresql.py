"""Notifications by PostgreSQL's NOTIFY, which need no other server."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from typing import Any
from uuid import UUID

from django.core.checks import CheckMessage, Error
from django.db import connections, router
from psycopg import AsyncConnection
from psycopg.sql import SQL, Identifier

from ...models import FileAsset
from .base import Notifier, read_id

OF_DJANGO = {"context", "cursor_factory", "prepare_threshold"}
"""Parameters of Django's own connections, which are of no use to a connection that only listens."""


class PostgresqlNotifier(Notifier):
    """Notifies over the database. Each process that has streams open keeps one more connection to it.

    ``using`` is the alias of the database, by default that of the assets. Poolers that give a connection to each
    transaction lose notifications: then it must be the alias of the database behind them.
    """

    def __init__(self, *, using: str = "", channel: str = "django_largefiles_progress") -> None:
        self._using = using or router.db_for_write(FileAsset)
        self._channel = channel

    def publish(self, asset_id: UUID) -> None:
        with connections[self._using].cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, %s)", [self._channel, asset_id.hex])

    async def listen(self) -> AsyncGenerator[UUID, None]:
        async with await AsyncConnection.connect(**self._parameters(), autocommit=True) as connection:
            await connection.execute(SQL("LISTEN {}").format(Identifier(self._channel)))
            async for notification in connection.notifies():  # pragma: no branch - it has no end
                if asset_id := read_id(notification.payload):
                    yield asset_id

    def check(self) -> Iterable[CheckMessage]:
        if connections[self._using].vendor != "postgresql":
            yield Error(
                f"LARGEFILES: PROGRESS_NOTIFIER: the database {self._using!r} is not PostgreSQL.",
                hint="Set 'using' in its OPTIONS to the alias of one, or use another notifier, or none.",
                id="django_largefiles.E013",
            )

    def _parameters(self) -> dict[str, Any]:
        parameters = connections[self._using].get_connection_params()
        return {name: value for name, value in parameters.items() if name not in OF_DJANGO}
