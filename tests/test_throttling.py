from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.test import RequestFactory

from django_largefiles import throttling
from django_largefiles.access import User as AnyUser
from django_largefiles.exceptions import NotImportable, Throttled
from django_largefiles.options import BackendChoice
from django_largefiles.throttling import CreationThrottle, SlidingWindow, Throttle, load_throttle, throttles
from tests.conftest import Largefiles


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000 * 60.0

    def time(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """At the beginning of a minute."""
    clock = Clock()
    monkeypatch.setattr(throttling, "time", clock)
    return clock


@pytest.fixture(autouse=True)
def cache() -> Iterator[BaseCache]:
    yield caches["default"]
    caches["default"].clear()


@pytest.fixture
def window(cache: BaseCache) -> SlidingWindow:
    return SlidingWindow(cache, "somebody", 4)


def admitted(window: SlidingWindow, attempts: int) -> int:
    return [window.admit() for _ in range(attempts)].count(0)


def test_no_more_than_the_limit_are_admitted(window: SlidingWindow) -> None:
    assert admitted(window, 10) == 4


@pytest.mark.parametrize(
    ("later", "more"), [(59, 0), (60, 0), (75, 1), (90, 2), (119, 3), (120, 4)], ids=lambda value: str(value)
)
def test_the_window_slides(later: int, more: int, window: SlidingWindow, clock: Clock) -> None:
    admitted(window, 4)
    clock.now += later
    assert admitted(window, 10) == more


def test_after_a_burst_at_the_end_of_a_minute_less_than_twice_the_limit_are_admitted(
    window: SlidingWindow, clock: Clock
) -> None:
    clock.now += 59
    burst = admitted(window, 10)
    clock.now += 1
    later = 0
    for _ in range(58):
        clock.now += 1
        later += admitted(window, 10)
    assert (burst, later) == (4, 3)


@pytest.mark.parametrize("limit", [1, 2, 4, 60])
@pytest.mark.parametrize("begun", [0, 1, 45, 59.5])
@pytest.mark.parametrize("earlier", [0, 1, 7])
def test_after_the_wait_one_is_admitted_and_not_before(
    limit: int, begun: float, earlier: int, cache: BaseCache, clock: Clock
) -> None:
    window = SlidingWindow(cache, "somebody", limit)
    admitted(window, min(earlier, limit))
    clock.now += 60 + begun
    admitted(window, limit)
    wait = window.admit()
    assert wait > 0
    clock.now += wait - 1.001
    assert window.admit() > 0
    clock.now += 1.001
    assert window.admit() == 0


def test_clients_do_not_count_for_each_other(window: SlidingWindow, cache: BaseCache) -> None:
    admitted(window, 4)
    assert admitted(SlidingWindow(cache, "another", 4), 10) == 4


def test_a_counter_that_the_cache_has_dropped_begins_anew(window: SlidingWindow, cache: BaseCache) -> None:
    class Forgetful:
        """Keeps nothing that it is given."""

        def get(self, key: str, default: int) -> int:
            return 10

        def add(self, key: str, value: int, timeout: int) -> None: ...

        def incr(self, key: str) -> int:
            raise ValueError

        decr = incr

    forgetful: Any = Forgetful()
    assert SlidingWindow(forgetful, "somebody", 20).admit() == 0
    assert SlidingWindow(forgetful, "somebody", 4).admit() > 0


def creations(throttle: Throttle, user: AnyUser, **meta: str) -> int:
    """How many of ten are admitted."""
    request, refusals = RequestFactory().post("/", **meta), list[Throttled]()  # type: ignore[arg-type]
    for _ in range(10):
        try:
            throttle.admit(request, user)
        except Throttled as error:
            refusals.append(error)
    assert all((error.limit, error.value) == (2, error.retry_after) for error in refusals)
    return 10 - len(refusals)


def test_users_count_by_themselves_and_all_others_by_their_address(owner: User, stranger: User) -> None:
    throttle = CreationThrottle(per_minute=2)
    assert creations(throttle, owner) == creations(throttle, stranger) == 2
    assert creations(throttle, owner, REMOTE_ADDR="192.0.2.9") == 0
    assert creations(throttle, AnonymousUser()) == creations(throttle, AnonymousUser(), REMOTE_ADDR="192.0.2.9") == 2
    assert creations(throttle, AnonymousUser(), HTTP_X_FORWARDED_FOR="192.0.2.10") == 0


def test_behind_a_proxy_the_address_is_the_one_that_it_tells() -> None:
    throttle = CreationThrottle(per_minute=2, proxies=1)
    assert creations(throttle, AnonymousUser(), HTTP_X_FORWARDED_FOR="192.0.2.1") == 2
    assert creations(throttle, AnonymousUser(), HTTP_X_FORWARDED_FOR="192.0.2.2") == 2
    assert creations(throttle, AnonymousUser(), HTTP_X_FORWARDED_FOR="192.0.2.3, 192.0.2.2") == 0


def test_there_are_none_by_default() -> None:
    assert throttles() == []


@pytest.mark.parametrize(
    ("backend", "options", "problem"),
    [
        ("tests.test_throttling.Clock", {}, "is not a subclass of Throttle"),
        ("django_largefiles.throttling.CreationThrottle", {}, "per_minute"),
        ("django_largefiles.throttling.CreationThrottle", {"per_minute": 0}, "must be 1 or more"),
        ("django_largefiles.throttling.CreationThrottle", {"per_minute": 1, "proxies": -1}, "proxies 0 or more"),
        ("django_largefiles.throttling.CreationThrottle", {"per_minute": 1, "cache": "other"}, "'other'"),
    ],
)
def test_wrong_settings_are_named(backend: str, options: dict[str, Any], problem: str) -> None:
    with pytest.raises(NotImportable, match=rf"THROTTLES: .*{problem}"):
        load_throttle(BackendChoice(backend=backend, options=options))


class Closed(Throttle):
    def admit(self, request: object, user: AnyUser) -> None:
        raise Throttled(limit=0, retry_after=5)


def test_a_throttle_of_the_project_s_own(largefiles: Largefiles) -> None:
    largefiles.set(THROTTLES=[{"BACKEND": "tests.test_throttling.Closed"}])
    with pytest.raises(Throttled):
        throttling.admit(RequestFactory().post("/"), AnonymousUser())
    assert [list(throttle.check()) for throttle in throttles()] == [[]]
