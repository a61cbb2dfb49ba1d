from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable

import pytest

from django_largefiles.options import KIB
from django_largefiles.protocols.ranges import (
    MAX_LENGTH,
    ByteRange,
    UnsatisfiableRange,
    content_range,
    if_range_holds,
    is_plain,
    parse,
    unsatisfied,
)

HUGE = "9" * 400


@pytest.mark.parametrize(
    ("header", "size", "start", "stop"),
    [
        pytest.param("bytes=0-4", 10, 0, 5, id="first-and-last"),
        pytest.param("bytes=0-0", 10, 0, 1, id="one-byte"),
        pytest.param("bytes=9-9", 10, 9, 10, id="last-byte"),
        pytest.param("bytes=3-", 10, 3, 10, id="open"),
        pytest.param("bytes=-3", 10, 7, 10, id="suffix"),
        pytest.param("bytes=-99", 10, 0, 10, id="suffix-longer-than-the-file"),
        pytest.param("bytes=5-99", 10, 5, 10, id="last-past-the-end"),
        pytest.param(f"bytes=5-{HUGE}", 10, 5, 10, id="huge-last"),
        pytest.param(f"bytes=-{HUGE}", 10, 0, 10, id="huge-suffix"),
        pytest.param(f"bytes={'0' * 900}5-", 10, 5, 10, id="leading-zeros"),
        pytest.param("bytes=0-", 5 * 1024**4, 0, 5 * 1024**4, id="five-tebibytes"),
        pytest.param("BYTES=0-4", 10, 0, 5, id="unit-in-upper-case"),
        pytest.param(" bytes=0-4\t", 10, 0, 5, id="white-space-around"),
        pytest.param("bytes=, ,0-4 , ", 10, 0, 5, id="empty-members"),
    ],
)
def test_parse(header: str, size: int, start: int, stop: int) -> None:
    assert parse(header, size) == (ByteRange(start=start, stop=stop),)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        pytest.param("bytes=0-1,3-4", [(0, 2), (3, 5)], id="two"),
        pytest.param("bytes=0-1,3-4,6-6,-2", [(0, 2), (3, 5), (6, 7), (8, 10)], id="four"),
        pytest.param("bytes=6-,0-1", [(6, 10), (0, 2)], id="in-the-order-of-the-request"),
        pytest.param("bytes=0-4,5-9", [(0, 5), (5, 10)], id="adjacent"),
        pytest.param("bytes=0-1,10-", [(0, 2)], id="one-is-past-the-end"),
        pytest.param("bytes=0-1,-0,5-5", [(0, 2), (5, 6)], id="one-is-empty"),
        pytest.param("bytes=0-1 ,\t, 3-4,", [(0, 2), (3, 5)], id="white-space-and-empty-members"),
    ],
)
def test_parse_several(header: str, expected: list[tuple[int, int]]) -> None:
    assert [(each.start, each.stop) for each in parse(header, 10)] == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        *[(header, True) for header in ("bytes=0-4", "bytes=5-", "bytes=-5", "bytes=000-4")],
        *[
            (header, False)
            for header in (
                "bytes=0-1,3-4",
                "Bytes=0-4",
                "bytes= 0-4",
                "bytes=0-4,",
                "bytes=-",
                "bytes=a-",
                "x=0-4",
                "",
            )
        ],
        (f"bytes={HUGE}-", False),
    ],
)
def test_is_plain(header: str, expected: bool) -> None:
    assert is_plain(header) is expected


@pytest.mark.parametrize(
    ("header", "size"),
    [
        pytest.param("", 10, id="empty"),
        pytest.param("bytes", 10, id="unit-alone"),
        pytest.param("bytes=", 10, id="no-range"),
        pytest.param("bytes=-", 10, id="dash-alone"),
        pytest.param("bytes=5", 10, id="no-dash"),
        pytest.param("bytes=a-b", 10, id="no-digits"),
        pytest.param("bytes=0--4", 10, id="two-dashes"),
        pytest.param("bytes=+1-4", 10, id="sign"),
        pytest.param("bytes=0 - 4", 10, id="white-space-inside"),
        pytest.param("bytes =0-4", 10, id="white-space-after-the-unit"),
        pytest.param("bytes=0-4\n", 10, id="line-feed"),
        pytest.param("bytes=\N{ARABIC-INDIC DIGIT ONE}-4", 10, id="digits-of-another-script"),
        pytest.param("bytes=4-3", 10, id="inverted"),
        pytest.param(f"bytes={HUGE}-3", 10, id="inverted-and-huge"),
        pytest.param("bytes=0-1,3-4,6-6,8-8,9-9", 10, id="five-ranges"),
        pytest.param("bytes=90-,91-,92-,93-,0-0", 10, id="five-ranges-of-which-one-counts"),
        pytest.param("bytes=0-4,4-9", 10, id="overlapping"),
        pytest.param("bytes=8-9,0-0,-2", 10, id="overlapping-out-of-order"),
        pytest.param("bytes=0-0,0-0", 10, id="twice-the-same"),
        pytest.param("bytes=0-4,x", 10, id="second-is-no-range"),
        pytest.param("bytes=0-4,6-5", 10, id="second-is-inverted"),
        pytest.param("bytes=99-,x", 10, id="past-the-end-and-no-range"),
        pytest.param("bytes=" + ",".join(["0-1"] * 1000), 10, id="a-thousand-ranges"),
        pytest.param(f"bytes={'0' * 1024}5-", 10, id="longer-than-is-read"),
        pytest.param("bytes=-5,-5", 0, id="two-suffixes-of-an-empty-file"),
        pytest.param("items=0-4", 10, id="another-unit"),
        pytest.param("bytes=-5", 0, id="suffix-of-an-empty-file"),
    ],
)
def test_parse_ignores(header: str, size: int) -> None:
    assert parse(header, size) == ()


@pytest.mark.parametrize(
    ("header", "size"),
    [
        pytest.param("bytes=10-", 10, id="first-at-the-end"),
        pytest.param("bytes=10-12", 10, id="past-the-end"),
        pytest.param(f"bytes={HUGE}-", 10, id="huge-first"),
        pytest.param(f"bytes={HUGE}-{HUGE}", 10, id="huge-first-and-last"),
        pytest.param("bytes=-0", 10, id="suffix-of-nothing"),
        pytest.param("bytes=10-,-0", 10, id="several-none-of-which-can-be-satisfied"),
        pytest.param("bytes=-000", 10, id="suffix-of-nothing-in-zeros"),
        pytest.param("bytes=0-", 0, id="empty-file"),
        pytest.param("bytes=0-0", 0, id="first-byte-of-an-empty-file"),
    ],
)
def test_parse_finds_unsatisfiable(header: str, size: int) -> None:
    with pytest.raises(UnsatisfiableRange):
        parse(header, size)


def calls(act: Callable[[], object]) -> int:
    """Return how many functions, methods and built-ins are called: the same on every machine."""
    events = list[str]()
    sys.setprofile(lambda _, event, __: events.append(event))
    try:
        act()
    finally:
        sys.setprofile(None)
    return sum(event in {"call", "c_call"} for event in events)


MANY = "bytes=" + ",".join(f"{2 * n}-{2 * n}" for n in range(10_000))


@pytest.mark.parametrize(
    "header",
    [MANY, "bytes=" + "9" * 10**6 + "-", "bytes=" + " ," * 10**6, "bytes=" + "-" * 10**6, " " * 10**6],
    ids=["10,000 ranges", "a long number", "empty members", "dashes", "white space"],
)
def test_a_long_header_costs_nothing(header: str) -> None:
    tracemalloc.start()
    assert parse(header, 10**9) == ()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 64 * KIB
    assert calls(lambda: parse(header, 10**9)) < 20


def test_the_longest_header_that_is_read_costs_little() -> None:
    """Some calls for each of the 250 ranges, of a microsecond or less."""
    header = "bytes=" + ",".join(["0-0"] * 250)
    assert len(header) <= MAX_LENGTH
    assert calls(lambda: parse(header, 10**9)) < 1000


def test_length() -> None:
    assert ByteRange(start=3, stop=10).length == 7


def test_content_range() -> None:
    assert content_range(ByteRange(start=3, stop=10), 20) == "bytes 3-9/20"


def test_unsatisfied() -> None:
    assert unsatisfied(20) == "bytes */20"


@pytest.mark.parametrize(
    ("header", "etag", "holds"),
    [
        pytest.param(None, '"a"', True, id="absent"),
        pytest.param('"a"', '"a"', True, id="same-tag"),
        pytest.param(' "a" ', '"a"', True, id="white-space-around"),
        pytest.param('"b"', '"a"', False, id="other-tag"),
        pytest.param('"A"', '"a"', False, id="case-counts"),
        pytest.param('W/"a"', '"a"', False, id="weak-tag"),
        pytest.param('W/"a"', 'W/"a"', False, id="both-weak"),
        pytest.param('"a", "b"', '"a"', False, id="list-of-tags"),
        pytest.param("a", '"a"', False, id="tag-without-quotes"),
        pytest.param("Sun, 06 Nov 1994 08:49:37 GMT", '"a"', True, id="same-date"),
        pytest.param("Sun, 06 Nov 1994 08:49:38 GMT", '"a"', False, id="later-date"),
        pytest.param("Sun, 06 Nov 1994 08:49:36 GMT", '"a"', False, id="earlier-date"),
        pytest.param("Sun Nov  6 08:49:37 1994", '"a"', False, id="date-that-we-never-sent"),
        pytest.param("", '"a"', False, id="empty"),
        pytest.param("yesterday", '"a"', False, id="nonsense"),
    ],
)
def test_if_range_holds(header: str | None, etag: str, holds: bool) -> None:
    assert if_range_holds(header, etag, 784111777) is holds


def test_if_range_counts_whole_seconds() -> None:
    assert if_range_holds("Sun, 06 Nov 1994 08:49:37 GMT", '"a"', 784111777.9)
