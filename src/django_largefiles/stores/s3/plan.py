"""The sizes of the parts of a multipart upload.

S3 takes at most 10,000 parts, each of 5 MiB to 5 GiB except the last, and 5 TiB in all.
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html)
"""

from __future__ import annotations

from collections.abc import Iterator

from ...options import MIB

MAX_PARTS = 10_000
SMALLEST_PART = 5 * MIB

PART = 8 * MIB
"""Bytes of a part, if that suffices. Memory is a multiple of it; each request costs time and money."""

SPARE_PARTS = 2_000
"""Numbers that are kept in reserve: an interrupted request may lose some."""

DOUBLED_AFTER = 1_000
"""Parts of one size, if the length is not known."""

COPIED_PART = 128 * MIB
"""Bytes of a part that the storage copies: few enough for an answer in time."""


def part_size(start: int, length: int | None) -> int:
    """Return the size of the part at ``start``, of an upload of ``length`` bytes, or of one that may still grow."""
    if length is not None:
        return max(PART, _rounded_up(length, MAX_PARTS - SPARE_PARTS))
    size, end = PART, DOUBLED_AFTER * PART
    while start >= end:
        size *= 2
        end += DOUBLED_AFTER * size
    return size


def copied_ranges(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Cut the bytes from ``start`` to ``end``, at least 5 MiB, into parts; yield the start and length of each."""
    length = end - start
    count = -(-length // max(COPIED_PART, _rounded_up(length, MAX_PARTS - SPARE_PARTS)))
    for number in range(count):
        first, last = (start + length * index // count for index in (number, number + 1))
        yield first, last - first


def _rounded_up(length: int, count: int) -> int:
    """Return ``length`` divided by ``count``, rounded up to whole MiB."""
    return -(-length // (count * MIB)) * MIB
