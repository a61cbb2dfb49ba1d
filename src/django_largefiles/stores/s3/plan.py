"""How an object is cut into the parts of a multipart upload.

S3 takes at most 10,000 parts, each of 5 MiB to 5 GiB but for the last, and 5 TiB in all.
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html)
"""

from __future__ import annotations

from collections.abc import Iterator

from ...options import GIB, MIB

MAX_PARTS = 10_000
SMALLEST_PART = 5 * MIB
LARGEST_OBJECT = 5 * 1024 * GIB

PART = 8 * MIB
"""Bytes of a part, where that suffices. Memory is a multiple of it; each request costs time and money."""

SPARE_PARTS = 2_000
"""Numbers that are not planned for: an interrupted request may take some with it."""

DOUBLED_AFTER = 1_000
"""Parts of one size, where the length is not known."""

COPIED_PART = 128 * MIB
"""Bytes of a part that the storage copies: few enough for it to answer in time."""


def part_size(start: int, length: int | None) -> int:
    """Bytes of the part that starts at ``start``, of an upload of ``length`` bytes or of one that may yet grow."""
    if length is not None:
        return max(PART, _rounded_up(length, MAX_PARTS - SPARE_PARTS))
    size, end = PART, DOUBLED_AFTER * PART
    while start >= end:
        size *= 2
        end += DOUBLED_AFTER * size
    return size


def copied_ranges(start: int, end: int) -> Iterator[tuple[int, int]]:
    """The bytes from ``start`` to ``end``, at least 5 MiB of them, as start and length of parts."""
    length = end - start
    count = -(-length // max(COPIED_PART, _rounded_up(length, MAX_PARTS - SPARE_PARTS)))
    for number in range(count):
        first, last = (start + length * index // count for index in (number, number + 1))
        yield first, last - first


def _rounded_up(length: int, count: int) -> int:
    """The ``count``-th part of ``length``, in whole MiB."""
    return -(-length // (count * MIB)) * MIB
