from __future__ import annotations

from uuid import UUID

from django_largefiles.dispatch.base import Dispatcher


class NobodyDispatcher(Dispatcher):
    """Takes the message and loses it."""

    def dispatch(self, asset_id: UUID) -> None: ...


class BrokenDispatcher(Dispatcher):
    def dispatch(self, asset_id: UUID) -> None:
        raise ConnectionError("no broker")
