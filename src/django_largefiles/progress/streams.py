"""How many streams a process has open: each takes a connection, and often a thread of its request."""

from __future__ import annotations

from collections import Counter
from threading import Lock

from ..access import User
from ..conf import largefiles_settings
from ..exceptions import TooManyStreams

RETRY_AFTER = 10
"""Seconds after which to ask again for a stream that was refused."""


class Streams:
    """Counts the open streams of this process, of each user and of all."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._open: Counter[str] = Counter()
        self._total = 0

    def check(self, user: User) -> None:
        """Raise ``TooManyStreams`` if no other stream of the user may be opened now."""
        with self._lock:
            self._check(_key(user))

    def open(self, user: User) -> None:
        """Count another stream. Raise ``TooManyStreams``."""
        key = _key(user)
        with self._lock:
            self._check(key)
            self._open[key] += 1
            self._total += 1

    def close(self, user: User) -> None:
        key = _key(user)
        with self._lock:
            self._total -= 1
            self._open[key] -= 1
            if not self._open[key]:
                del self._open[key]

    def _check(self, key: str) -> None:
        limits = largefiles_settings.progress_limits
        if self._total >= limits.streams:
            raise TooManyStreams(limit=limits.streams, retry_after=RETRY_AFTER)
        # Anonymous users cannot be distinguished.
        if key and self._open[key] >= limits.streams_per_user:
            raise TooManyStreams(limit=limits.streams_per_user, retry_after=RETRY_AFTER)


def _key(user: User) -> str:
    return str(user.pk) if user.is_authenticated else ""


streams = Streams()
