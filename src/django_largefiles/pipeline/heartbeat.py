"""Renew a worker's claim during an operation of unknown duration."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Thread
from typing import Self

from django.db import Error, connections

from ..lifecycle import ClaimLost

logger = logging.getLogger(__name__)

BEAT_SECONDS = 2.0


class Heartbeat:
    """Calls ``renew`` every few seconds, from a thread, with the latest number that was passed to ``tell``.

    For operations during which the worker cannot renew its claim: a storage may be silent for minutes between two
    reads of the file that it saves. After ``renew`` has raised ``ClaimLost``, so does ``tell``. ``tell`` may be called
    from any thread.
    """

    def __init__(self, renew: Callable[[int], None]) -> None:
        self._renew = renew
        self._done = 0
        self._ended = Event()
        self._lost = Event()
        self._thread = Thread(target=self._run, name="largefiles-heartbeat", daemon=True)

    def tell(self, done: int) -> None:
        if self._lost.is_set():
            raise ClaimLost
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
            self._renew(self._done)
        except ClaimLost:
            self._lost.set()
        except Error:
            # The lease holds for several beats.
            logger.warning("A claim could not be renewed; the next attempt is in %s s.", BEAT_SECONDS, exc_info=True)
        finally:
            # This thread has a connection of its own, and needs it only now.
            connections.close_all()
