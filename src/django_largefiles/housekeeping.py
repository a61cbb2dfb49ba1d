"""A little of the sweeper's work after requests, for projects in which no sweeper runs.

Once a minute at most, a process that has created or completed an upload repairs a few rows when a request has ended
and its answer is sent. It stops as soon as a sweeper is seen to run. What an owner keeps is left to the sweeper.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from threading import Lock
from typing import Any

from django.db import close_old_connections

from . import sweeper
from .outbox.removals import remove_leftovers
from .outbox.signals import send_overdue

logger = logging.getLogger(__name__)

PERIOD = 60.0
"""Seconds between two runs of one process."""

ROWS = 10
SECONDS = 2.0
"""How many rows one run repairs, and after how many seconds it begins with no other row."""

RECENT = timedelta(minutes=10)
"""How long ago a sweeper may have run. It should run every minute."""

DUTIES: tuple[Callable[[int], int], ...] = (
    sweeper.complete_uploads,
    sweeper.expire_uploads,
    sweeper.hand_over_finals,
    sweeper.hand_over_assets,
    sweeper.remove_rejected,
    sweeper.expire_provisional,
    sweeper.correct_attachments,
    remove_leftovers,
    send_overdue,
)
"""Each takes the most rows to handle, and returns how many it has handled."""


class Turns:
    """Tells when it is this process's turn: after a change, once in each period."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._changed = False
        self._next = 0.0

    def note_change(self) -> None:
        self._changed = True

    def take(self) -> bool:
        """Return whether it is time to repair; of several threads one gets ``True``."""
        with self._lock:
            if not self._changed or time.monotonic() < self._next:
                return False
            self._changed, self._next = False, time.monotonic() + PERIOD
            return True


turns = Turns()


def on_save(sender: object, created: bool, **_: Any) -> None:
    """Receive ``post_save`` of ``FileAsset``, which is sent when an upload is created."""
    if created:
        turns.note_change()


def on_waiting(sender: object, **_: Any) -> None:
    """Receive ``lifecycle.asset_waiting``."""
    turns.note_change()


def on_request_finished(sender: object, **_: Any) -> None:
    """Receive ``request_finished``: the server has sent the answer."""
    if not turns.take():
        return
    try:
        tidy()
    except Exception:
        logger.exception("Repairs after a request failed; the next turn tries again.")
    finally:
        # Django has done so before this receiver was called.
        close_old_connections()


def tidy() -> int:
    """Repair up to ``ROWS`` rows, unless a sweeper has run recently, and return how many were repaired."""
    if sweeper.has_run(within=RECENT):
        return 0
    repaired, deadline = 0, time.monotonic() + SECONDS
    for duty in DUTIES:
        while repaired < ROWS and time.monotonic() < deadline and (done := duty(1)):
            repaired += done
    return repaired
