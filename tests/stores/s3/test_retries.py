from __future__ import annotations

import pytest

from django_largefiles.stores.s3 import retries
from django_largefiles.stores.s3.retries import persistently


class Clock:
    """Time passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.pauses.append(seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(retries, "time", clock)
    return clock


def never(error: Exception) -> bool:
    return False


def always(error: Exception) -> bool:
    return True


def test_what_works_is_tried_once(clock: Clock) -> None:
    assert persistently(lambda: 7, always) == 7
    assert clock.pauses == []


def test_what_passes_is_waited_out_longer_each_time(clock: Clock) -> None:
    left = [ValueError(), ValueError(), ValueError()]

    def attempt() -> int:
        if left:
            raise left.pop()
        return 7

    assert persistently(attempt, always) == 7
    bounds = [(0.05, 0.1), (0.1, 0.2), (0.2, 0.4)]
    assert all(low <= pause <= high for pause, (low, high) in zip(clock.pauses, bounds, strict=True))


def test_what_does_not_pass_is_raised_at_once(clock: Clock) -> None:
    with pytest.raises(ZeroDivisionError):
        persistently(lambda: 1 / 0, never)
    assert clock.pauses == []


def test_patience_ends(clock: Clock) -> None:
    with pytest.raises(ZeroDivisionError):
        persistently(lambda: 1 / 0, always)
    assert retries.PATIENCE_SECONDS - retries.LONGEST_PAUSE_SECONDS <= clock.now <= retries.PATIENCE_SECONDS
    assert max(clock.pauses) <= retries.LONGEST_PAUSE_SECONDS
