"""Retries of transient failures, for a bounded time."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 60.0
"""No attempt begins later than this after the first, because the client has a time-out too."""

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0


def persistently(
    attempt: Callable[[], T], is_transient: Callable[[Exception], bool], patience: float | None = None
) -> T:
    """Return the result of ``attempt``. Raise its last error; one that is not transient is raised at once."""
    deadline = time.monotonic() + (PATIENCE_SECONDS if patience is None else patience)
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            return attempt()
        except Exception as error:
            # Random, so that not all processes come back at once.
            wait = random.uniform(pause / 2, pause)  # noqa: S311 - no secret
            if not is_transient(error) or time.monotonic() + wait > deadline:
                raise
            logger.info("Retrying a request to the storage in %.1f s: %s", wait, error)
        time.sleep(wait)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
