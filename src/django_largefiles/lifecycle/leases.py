"""How long an asset waits, and how often it is tried. All times are those of the database: see ``clock``."""

from __future__ import annotations

from datetime import timedelta

LEASE = timedelta(seconds=15)
"""How long a worker may be silent before another takes its asset over."""

HAND_OVER = timedelta(seconds=60)
"""How long a received asset may wait for a worker before it is handed over again: messages get lost."""

LONGEST_HAND_OVER = timedelta(hours=1)
"""The wait doubles each time up to here: messages also queue, and a long queue must not grow by its own waiting."""

MAX_ATTEMPTS = 5

FIRST_DELAY = timedelta(seconds=5)
"""Before the second attempt; each further one waits twice as long."""


def back_off(attempt: int, first: timedelta | None = None) -> timedelta:
    """Return how long to wait after the failure of this attempt: ``first`` after the first, then twice as long.

    Without ``first`` it is ``FIRST_DELAY``.
    """
    return (first or FIRST_DELAY) * (1 << (attempt - 1))
