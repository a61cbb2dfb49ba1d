from __future__ import annotations

import contextlib
import time

import pytest

from django_largefiles.protocols.ranges import (
    ByteRange,
    UnsatisfiableRange,
    content_range,
    if_range_holds,
    parse,
    unsatisfied,
)

HUGE = "9" * 5000


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
        pytest.param(f"bytes={'0' * 5000}5-", 10, 5, 10, id="leading-zeros"),
        pytest.param("bytes=0-", 5 * 1024**4, 0, 5 * 1024**4, id="five-tebibytes"),
        pytest.param("BYTES=0-4", 10, 0, 5, id="unit-in-upper-case"),
        pytest.param(" bytes=0-4\t", 10, 0, 5, id="white-space-around"),
        pytest.param("bytes=, ,0-4 , ", 10, 0, 5, id="empty-members"),
    ],
)
def test_parse(header: str, size: int, start: int, stop: int) -> None:
    assert parse(header, size) == ByteRange(start=start, stop=stop)


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
        pytest.param("bytes=0-1,3-4", 10, id="two-ranges"),
        pytest.param("bytes=" + ",".join(["0-1"] * 1000), 10, id="a-thousand-ranges"),
        pytest.param("items=0-4", 10, id="another-unit"),
        pytest.param("bytes=-5", 0, id="suffix-of-an-empty-file"),
    ],
)
def test_parse_ignores(header: str, size: int) -> None:
    assert parse(header, size) is None


@pytest.mark.parametrize(
    ("header", "size"),
    [
        pytest.param("bytes=10-", 10, id="first-at-the-end"),
        pytest.param("bytes=10-12", 10, id="past-the-end"),
        pytest.param(f"bytes={HUGE}-", 10, id="huge-first"),
        pytest.param(f"bytes={HUGE}-{HUGE}", 10, id="huge-first-and-last"),
        pytest.param("bytes=-0", 10, id="suffix-of-nothing"),
        pytest.param("bytes=-000", 10, id="suffix-of-nothing-in-zeros"),
        pytest.param("bytes=0-", 0, id="empty-file"),
        pytest.param("bytes=0-0", 0, id="first-byte-of-an-empty-file"),
    ],
)
def test_parse_finds_unsatisfiable(header: str, size: int) -> None:
    with pytest.raises(UnsatisfiableRange):
        parse(header, size)


@pytest.mark.parametrize("header", ["bytes=" + "9" * 10**6 + "-", "bytes=" + " ," * 10**6, "bytes=" + "-" * 10**6])
def test_a_megabyte_of_header_costs_little(header: str) -> None:
    started = time.process_time()
    with contextlib.suppress(UnsatisfiableRange):
        parse(header, 10)
    assert time.process_time() - started < 1


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
