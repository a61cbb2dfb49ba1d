from __future__ import annotations

from datetime import timedelta

import pytest

from django_largefiles.transport.pace import Pace
from tests.conftest import Largefiles


@pytest.fixture(autouse=True)
def limits(largefiles: Largefiles) -> None:
    largefiles.set(BODY_TIMEOUT=timedelta(seconds=10), MINIMUM_RATE=100)


@pytest.mark.parametrize(("moved", "slow"), [(0, True), (999, True), (1000, False)])
def test_a_span_needs_its_bytes(moved: int, slow: bool) -> None:
    pace = Pace(5000)
    pace.wait(10)
    assert pace.is_too_slow(5000 + moved) is slow


def test_nothing_is_judged_before_a_span_has_ended() -> None:
    pace = Pace(0)
    pace.wait(9.9)
    assert not pace.is_too_slow(0)
    pace.wait(0.1)
    assert pace.is_too_slow(0)


def test_bytes_of_one_span_do_not_count_for_the_next() -> None:
    pace = Pace(0)
    pace.wait(10)
    assert not pace.is_too_slow(1_000_000)
    pace.wait(10)
    assert pace.is_too_slow(1_000_999)


def test_a_restarted_span_begins_anew() -> None:
    pace = Pace(0)
    pace.wait(9)
    pace.restart(0)
    pace.wait(9)
    assert not pace.is_too_slow(0)
