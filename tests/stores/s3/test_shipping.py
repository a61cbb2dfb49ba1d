from __future__ import annotations

from collections.abc import Iterator
from threading import Event

import pytest

from django_largefiles.options import MIB
from django_largefiles.stores.s3.shipping import BYTES_AT_ONCE, MOST_AT_ONCE, Shipping


@pytest.fixture
def shipping() -> Iterator[Shipping]:
    shipping = Shipping()
    yield shipping
    shipping.close()


@pytest.mark.parametrize(
    ("size", "most"), [(8 * MIB, MOST_AT_ONCE), (20 * MIB, 1), (2 * BYTES_AT_ONCE, 1), (0, MOST_AT_ONCE)]
)
def test_no_more_are_under_way_than_memory_allows(size: int, most: int, shipping: Shipping) -> None:
    running: list[int] = []
    counts: list[int] = []
    started = Event()

    def upload() -> None:
        running.append(1)
        counts.append(len(running))
        started.wait(0.05)
        running.pop()

    for _ in range(8):
        shipping.run(upload, size)
    shipping.wait()
    assert len(counts) == 8
    assert max(counts) <= most


def fail() -> None:
    raise ZeroDivisionError


def test_a_failure_is_told_at_the_latest_when_all_have_to_be_there(shipping: Shipping) -> None:
    shipping.run(fail, 1)
    with pytest.raises(ZeroDivisionError):
        shipping.wait()


def test_a_failure_is_told_to_one_of_the_next(shipping: Shipping) -> None:
    with pytest.raises(ZeroDivisionError):
        while True:
            shipping.run(fail, 1)
