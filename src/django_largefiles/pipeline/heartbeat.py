"""A worker's hold on an asset, while it does something that takes as long as it likes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Thread
from typing import Self

from django.db import Error, connections

logger = logging.getLogger(__name__)

BEAT_SECONDS = 2.0


class LostClaim(Exception):
    """Another worker has taken the asset over, or it was deleted."""


class Heartbeat:
    """Calls ``renew`` every few seconds, from a thread, with what ``tell`` was told last.

    For work during which nobody comes by: a storage may be silent for minutes, between two reads of the file it saves.
    From when ``renew`` has answered ``False``, ``tell`` raises ``LostClaim``. It may be called from any thread.
    """

    def __init__(self, renew: Callable[[int], bool]) -> None:
        self._renew = renew
        self._done = 0
        self._ended = Event()
        self._lost = Event()
        self._thread = Thread(target=self._run, name="largefiles-heartbeat", daemon=True)

    def tell(self, done: int) -> None:
        if self._lost.is_set():
            raise LostClaim
        self._done = done

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not (self._lost.is_set() or self._ended.wait(BEAT_SECONDS)):
            self._beat()

    def _beat(self) -> None:
        try:
            if not self._renew(self._done):
                self._lost.set()
        except Error:
            # The lease holds for several beats.
            logger.warning("A claim could not be renewed.", exc_info=True)
        finally:
            # This thread's own, and of use for a moment only.
            connections.close_all()
