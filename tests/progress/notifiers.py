"""Notifiers for tests, which settings name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from uuid import UUID

from django.core.checks import CheckMessage, Warning as CheckWarning

from django_largefiles.progress.notifiers.base import Notifier

published: list[UUID] = []
failures: list[Exception] = []
"""What the next calls raise."""


class MemoryNotifier(Notifier):
    """Tells this process what it has published itself."""

    def publish(self, asset_id: UUID) -> None:
        fail_if_told_to()
        published.append(asset_id)

    async def listen(self) -> AsyncGenerator[UUID, None]:
        fail_if_told_to()
        while True:
            while published:
                yield published.pop(0)
            await asyncio.sleep(0.001)

    def check(self) -> Iterable[CheckMessage]:
        yield CheckWarning("only for tests", id="tests.W001")


def fail_if_told_to() -> None:
    if failures:
        raise failures.pop()
