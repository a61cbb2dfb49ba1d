"""Throttles: how often a client may create uploads, by the classes that ``THROTTLES`` names."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from math import ceil
from typing import TYPE_CHECKING

from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.checks import CheckMessage, Warning as CheckWarning
from django.http import HttpRequest

from .conf import largefiles_settings
from .exceptions import Throttled
from .options import BackendChoice
from .protocols.forwarded import client_address
from .registry import make

if TYPE_CHECKING:
    from .access import User

WINDOW = 60
"""Seconds."""


class Throttle(ABC):
    """Limits how often uploads are created.

    Guarantees: it is asked once for each file that is to be created over HTTP, through any door, after the access
    policy and before anything is stored. Files that Python code ingests are not throttled.

    Requirements: it answers quickly, for anonymous users too, and never reads the body of the request.
    """

    @abstractmethod
    def admit(self, request: HttpRequest, user: User) -> None:
        """Count a creation. Raise ``Throttled`` if it is one too many."""

    def check(self) -> Iterable[CheckMessage]:
        """Return what would keep this throttle from working in production, for ``check --deploy``."""
        return ()


class CreationThrottle(Throttle):
    """At most ``per_minute`` files in a minute of the clock, for each user, and for each address of anonymous users.

    As ``SlidingWindow`` estimates, fewer if there were some in the minute before. Any 60 seconds have less than twice
    as many.

    ``proxies`` is the number of trusted proxies in front of the site, each of which appends to ``X-Forwarded-For``;
    without any, the address is that of the connection. IPv6 addresses count by their network of 64 bits. The counters
    are in the cache of that alias of ``CACHES``. A file that is refused for another reason counts, too.
    """

    def __init__(self, *, per_minute: int, proxies: int = 0, cache: str = "default") -> None:
        if per_minute < 1 or proxies < 0:
            raise ValueError("per_minute must be 1 or more, and proxies 0 or more")
        self._limit = per_minute
        self._proxies = proxies
        self._cache: BaseCache = caches[cache]

    def admit(self, request: HttpRequest, user: User) -> None:
        wait = SlidingWindow(self._cache, self._client(request, user), self._limit).admit()
        if wait:
            raise Throttled(limit=self._limit, retry_after=wait)

    def check(self) -> Iterable[CheckMessage]:
        if isinstance(self._cache, DummyCache | LocMemCache):
            yield CheckWarning(
                f"LARGEFILES: THROTTLES: {type(self._cache).__qualname__} does not count over all processes.",
                hint="Use a cache that all web processes share, such as Redis or Memcached.",
                id="django_largefiles.W030",
            )

    def _client(self, request: HttpRequest, user: User) -> str:
        if user.is_authenticated:
            return f"user {user.pk}"
        forwarded_for = request.META.get("HTTP_X_FORWARDED_FOR", "")
        return client_address(request.META.get("REMOTE_ADDR", ""), forwarded_for, self._proxies)


class SlidingWindow:
    """Estimates the events of the last 60 seconds by two counters, of this minute and of the one before.

    Of the earlier minute, the share that is still in the window counts, as if its events had been spread evenly. To
    count exactly, caches would have to change several values at once.
    """

    def __init__(self, cache: BaseCache, name: str, limit: int) -> None:
        self._cache = cache
        self._name = f"largefiles-throttle-{sha256(name.encode()).hexdigest()}"
        self._limit = limit

    def admit(self) -> int:
        """Count an event and return 0, or the seconds after which one will be admitted; it does not count then."""
        minute, elapsed = divmod(time.time(), WINDOW)
        earlier = self._cache.get(self._key(minute - 1), 0)
        current = self._count(self._key(minute))
        if earlier * (1 - elapsed / WINDOW) + current <= self._limit:
            return 0
        with suppress(ValueError):
            self._cache.decr(self._key(minute))
        return max(ceil(self._wait(earlier, current - 1, elapsed)), 1)

    def _wait(self, earlier: int, current: int, elapsed: float) -> float:
        if current < self._limit:
            # Of the earlier minute, this share may still be in the window.
            return WINDOW * (1 - (self._limit - 1 - current) / earlier) - elapsed
        return WINDOW - elapsed + WINDOW * (1 - (self._limit - 1) / current)

    def _count(self, key: str) -> int:
        self._cache.add(key, 0, 2 * WINDOW)
        try:
            return self._cache.incr(key)
        except ValueError:
            # The cache has dropped it again.
            return 1

    def _key(self, minute: float) -> str:
        return f"{self._name}-{minute:.0f}"


def throttles() -> list[Throttle]:
    """Return those that the settings name. Raise ``NotImportable``."""
    return [load_throttle(choice) for choice in largefiles_settings.throttles]


def load_throttle(choice: BackendChoice) -> Throttle:
    """Return one of them. Raise ``NotImportable``."""
    return make(choice.backend, choice.options, Throttle, "THROTTLES")


def admit(request: HttpRequest, user: User) -> None:
    """Count a creation. Raise ``Throttled`` if it is one too many."""
    for throttle in throttles():
        throttle.admit(request, user)
