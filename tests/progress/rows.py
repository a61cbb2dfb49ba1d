"""Stands in for the table of assets."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection, Mapping
from typing import Any
from uuid import UUID

from django_largefiles.progress import Status, Update
from django_largefiles.states import State

NEW: Mapping[str, Any] = {
    "state": State.RECEIVING.value,
    "reason": "",
    "detail": "",
    "words": "",
    "received": 0,
    "size": 100,
    "stage": "",
    "stage_done": 0,
    "media_type": "",
    "sha256": "",
    "extraction_error": "",
    "scan_verdict": "",
    "processed_at": None,
}


def update(asset_id: UUID, **changes: Any) -> Update:
    return Update(asset_id=asset_id, status=Status(id=asset_id, **{**NEW, **changes}))


def gone(asset_id: UUID) -> Update:
    return Update(asset_id=asset_id, status=None)


class Rows:
    """What a hub reads. ``looks`` are what it has asked for, in its thread; ``meanwhile`` is called during each."""

    def __init__(self) -> None:
        self.looks: list[set[UUID]] = []
        self.meanwhile: Callable[[], object] = lambda: None
        self._rows: dict[UUID, Update] = {}
        self._looked = threading.Condition()

    def set(self, asset_id: UUID, **changes: Any) -> Update:
        self._rows[asset_id] = update(asset_id, **changes)
        return self._rows[asset_id]

    def remove(self, asset_id: UUID) -> None:
        self._rows.pop(asset_id)

    def __call__(self, asset_ids: Collection[UUID]) -> Mapping[UUID, Update]:
        found = {asset_id: self._rows.get(asset_id) or gone(asset_id) for asset_id in asset_ids}
        self.meanwhile()
        with self._looked:
            self.looks.append(set(asset_ids))
            self._looked.notify_all()
        return found

    async def look(self, times: int = 1) -> None:
        """Wait for as many looks that begin after this moment."""

        def wait() -> None:
            with self._looked:
                # The one that may be going on has begun before.
                last = len(self.looks) + times + 1
                assert self._looked.wait_for(lambda: len(self.looks) >= last, timeout=30)

        await asyncio.to_thread(wait)
        # Until what was read has been offered.
        await asyncio.sleep(0)
