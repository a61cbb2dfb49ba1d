"""The interface of notifiers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Iterable
from uuid import UUID

from django.core.checks import CheckMessage


class Notifier(ABC):
    """Tells the processes that have streams open which assets have changed, before they look by themselves.

    Guarantees: ``publish`` is called when the state of an asset has changed, after the commit, in the thread of the
    request or worker that did it. ``listen`` is called on an event loop when its first stream begins, iterated in one
    task, and closed when the last stream ends. Both may raise: that is logged, and after a pause ``listen`` is called
    again. An instance is made for each call of either.

    Requirements: ``publish`` answers within a second or two, also if its server is down. What it publishes reaches all
    processes that listen at that moment. Nothing needs to be kept for others: a notification that is lost is made up
    for by the next look, half a second later.
    """

    @abstractmethod
    def publish(self, asset_id: UUID) -> None:
        """Tell that an asset has changed."""

    @abstractmethod
    def listen(self) -> AsyncGenerator[UUID, None]:
        """Yield the assets that others publish, as soon as they do."""

    def check(self) -> Iterable[CheckMessage]:
        """Return what would keep this notifier from working, for the system checks."""
        return ()


def read_id(text: str | bytes) -> UUID | None:
    """Return the id of an asset in a message, ``None`` if it is none: others may use the same server."""
    try:
        return UUID(text.decode() if isinstance(text, bytes) else text)
    except ValueError:
        return None
