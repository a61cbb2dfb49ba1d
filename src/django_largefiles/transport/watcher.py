"""One thread of a process that looks at all transfers which wait for their clients."""

from __future__ import annotations

import threading
import time
from typing import Protocol

INTERVAL_SECONDS = 0.5


class Transfer(Protocol):
    def look(self, now: float) -> None:
        """Judge the transfer at the monotonic time ``now``, without blocking."""


class Watcher:
    """Looks at its transfers every ``INTERVAL_SECONDS``. Its thread begins with the first, and ends without any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._transfers: set[Transfer] = set()
        self._thread: threading.Thread | None = None

    def add(self, transfer: Transfer) -> None:
        with self._lock:
            self._transfers.add(transfer)
            # A process that was forked has the object of the thread, but no thread.
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="largefiles-watcher", daemon=True)
                self._thread.start()

    def discard(self, transfer: Transfer) -> None:
        """Stop judging a transfer. When this returns, no judgement of it is in progress."""
        with self._lock:
            self._transfers.discard(transfer)

    def _run(self) -> None:
        while self._look():
            time.sleep(INTERVAL_SECONDS)

    def _look(self) -> bool:
        with self._lock:
            for transfer in self._transfers:
                transfer.look(time.monotonic())
            if not self._transfers:
                self._thread = None
            return bool(self._transfers)


watcher = Watcher()
