from __future__ import annotations

import pytest

from django_largefiles.options import GIB
from django_largefiles.stores.s3.plan import (
    COPIED_PART,
    MAX_PARTS,
    PART,
    SMALLEST_PART,
    copied_ranges,
    part_size,
)

LARGEST_OBJECT = 5 * 1024 * GIB
"""Of S3."""


def parts_of(total: int, length: int | None) -> int:
    start = count = 0
    while start < total:
        start += part_size(start, length)
        count += 1
    return count


@pytest.mark.parametrize("total", [0, 1, PART, 5 * GIB, 62 * GIB], ids=str)
def test_parts_are_small_as_long_as_there_are_enough(total: int) -> None:
    assert part_size(0, total) == PART


@pytest.mark.parametrize("total", [63 * GIB, 1024 * GIB, LARGEST_OBJECT], ids=str)
def test_parts_grow_with_the_declared_length(total: int) -> None:
    assert part_size(0, total) == part_size(total - 1, total) > PART
    assert parts_of(total, total) <= MAX_PARTS - 2000


@pytest.mark.parametrize("total", [8 * GIB, 100 * GIB, LARGEST_OBJECT], ids=str)
def test_parts_grow_on_the_way_where_no_length_is_known(total: int) -> None:
    assert parts_of(total, None) <= MAX_PARTS - 500


def test_parts_are_as_small_as_any_until_it_shows_that_they_will_not_do() -> None:
    assert (part_size(999 * PART, None), part_size(1000 * PART, None)) == (PART, 2 * PART)


@pytest.mark.parametrize("start", [0, 1000])
@pytest.mark.parametrize(
    "length", [SMALLEST_PART, COPIED_PART, COPIED_PART + 1, 5 * GIB + 7, LARGEST_OBJECT - 1000], ids=str
)
def test_what_is_copied_is_cut_without_gaps_and_crumbs(start: int, length: int) -> None:
    position, count = start, 0
    for first, size in copied_ranges(start, start + length):
        assert first == position
        assert SMALLEST_PART <= size <= 5 * GIB
        position += size
        count += 1
    assert position == start + length
    assert count <= MAX_PARTS - 2000
