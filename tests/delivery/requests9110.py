"""Requests for ranges and with preconditions, with the answers of RFC 9110, and where nginx gives others.

In a field, ``{etag}``, ``{date}``, ``{earlier}`` and ``{later}`` stand for the validators of the server, and for dates
a day before and after its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime

DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Row:
    """``ranges`` are the slices of the file in a 206. ``nginx`` is the status of nginx, if it differs."""

    name: str
    section: str
    headers: Mapping[str, str]
    status: int
    ranges: tuple[slice, ...] = ()
    method: str = "GET"
    nginx: int = 0
    nginx_ranges: tuple[slice, ...] = field(default=())
    reason: str = ""

    def filled(self, etag: str, date: str) -> dict[str, str]:
        """Return the headers with a server's own validators."""
        when = parsedate_to_datetime(date)
        values = {
            "etag": etag,
            "date": date,
            "earlier": format_datetime(when - DAY, usegmt=True),
            "later": format_datetime(when + DAY, usegmt=True),
        }
        return {name: value.format_map(values) for name, value in self.headers.items()}


def _ranged(name: str, header: str, *ranges: slice, section: str = "14.2") -> Row:
    status = 206 if ranges else 200
    return Row(name=name, section=section, headers={"Range": header}, status=status, ranges=ranges)


def _ignored(name: str, header: str, *nginx_ranges: slice, nginx: int = 0, reason: str = "") -> Row:
    return Row(
        name=name,
        section="14.2",
        headers={"Range": header},
        status=200,
        nginx=nginx,
        nginx_ranges=nginx_ranges,
        reason=reason,
    )


def _conditional(name: str, section: str, status: int, headers: Mapping[str, str], *ranges: slice) -> Row:
    return Row(name=name, section=section, headers=headers, status=status, ranges=ranges)


FIRST, TEN = slice(0, 1), slice(0, 10)
REFUSED = "nginx answers 416 to fields that RFC 9110 lets it ignore"

RANGES = (
    _ranged("the first byte", "bytes=0-0", FIRST),
    _ranged("from the middle", "bytes=10-19", slice(10, 20)),
    _ranged("open", "bytes=100-", slice(100, None)),
    _ranged("a suffix", "bytes=-7", slice(-7, None)),
    _ranged("a suffix longer than the file", "bytes=-99999999", slice(0, None), section="14.1.2"),
    _ranged("a last position behind the end", "bytes=100-99999999", slice(100, None), section="14.1.2"),
    _ranged("the unit in upper case", "BYTES=0-9", TEN, section="14.1"),
    _ranged("two ranges", "bytes=0-9,20-29", TEN, slice(20, 30)),
    _ranged("two out of order", "bytes=20-29,0-9", slice(20, 30), TEN, section="15.3.7.2"),
    _ranged("adjacent ranges", "bytes=0-9,10-19", TEN, slice(10, 20)),
    _ranged("four ranges", "bytes=0-9,20-29,40-49,-5", TEN, slice(20, 30), slice(40, 50), slice(-5, None)),
    _ranged("one of two behind the end", "bytes=0-9,99999999-", TEN, section="15.3.7.2"),
    Row(name="behind the end", section="15.5.17", headers={"Range": "bytes=99999999-"}, status=416),
    Row(name="a suffix of nothing", section="14.1.2", headers={"Range": "bytes=-0"}, status=416),
    Row(name="HEAD with a range", section="14.2", method="HEAD", headers={"Range": "bytes=0-9"}, status=200,
        nginx=206, reason="nginx applies Range to HEAD too, although it is defined for GET alone"),
    _ignored("another unit", "items=0-9"),
    _ignored("an inverted range", "bytes=9-0", nginx=416, reason=REFUSED),
    _ignored("no number", "bytes=a-b", nginx=416, reason=REFUSED),
    _ignored("no range", "bytes="),
    _ignored("overlapping ranges", "bytes=0-9,5-14", TEN, slice(5, 15), nginx=206,
             reason="nginx serves ranges that overlap, as long as they are not longer than the file together"),
    _ignored("five ranges", "bytes=0-0,2-2,4-4,6-6,8-8", FIRST, *(slice(n, n + 1) for n in (2, 4, 6, 8)), nginx=206,
             reason="nginx has no limit without max_ranges"),
)  # fmt: skip

CONDITIONALS = (
    _conditional("If-None-Match with the tag", "13.1.2", 304, {"If-None-Match": "{etag}"}),
    _conditional("If-None-Match with the tag made weak", "13.1.2", 304, {"If-None-Match": "W/{etag}"}),
    _conditional("If-None-Match with one of two", "13.1.2", 304, {"If-None-Match": '"x", {etag}'}),
    _conditional("If-None-Match with any", "13.1.2", 304, {"If-None-Match": "*"}),
    _conditional("If-None-Match with another", "13.1.2", 200, {"If-None-Match": '"x"'}),
    _conditional("If-None-Match before a range", "13.2.2", 304, {"If-None-Match": "{etag}", "Range": "bytes=0-9"}),
    _conditional("If-Modified-Since with the date", "13.1.3", 304, {"If-Modified-Since": "{date}"}),
    Row(name="If-Modified-Since with a later date", section="13.1.3", headers={"If-Modified-Since": "{later}"},
        status=304, nginx=200, reason="nginx compares for equality without `if_modified_since before`"),
    _conditional("If-Modified-Since with an earlier date", "13.1.3", 200, {"If-Modified-Since": "{earlier}"}),
    _conditional("If-Modified-Since with no date", "13.1.3", 200, {"If-Modified-Since": "yesterday"}),
    _conditional("If-None-Match takes the place of If-Modified-Since", "13.1.3", 200,
                 {"If-None-Match": '"x"', "If-Modified-Since": "{date}"}),
    _conditional("If-Match with the tag", "13.1.1", 200, {"If-Match": "{etag}"}),
    _conditional("If-Match with any", "13.1.1", 200, {"If-Match": "*"}),
    _conditional("If-Match with the tag made weak", "13.1.1", 412, {"If-Match": "W/{etag}"}),
    _conditional("If-Match with another", "13.1.1", 412, {"If-Match": '"x"'}),
    _conditional("If-Match and a range", "13.2.2", 206, {"If-Match": "{etag}", "Range": "bytes=0-9"}, TEN),
    _conditional("If-Unmodified-Since with the date", "13.1.4", 200, {"If-Unmodified-Since": "{date}"}),
    _conditional("If-Unmodified-Since with a later date", "13.1.4", 200, {"If-Unmodified-Since": "{later}"}),
    _conditional("If-Unmodified-Since with an earlier date", "13.1.4", 412, {"If-Unmodified-Since": "{earlier}"}),
    Row(name="If-Match takes the place of If-Unmodified-Since", section="13.1.4", status=200, nginx=412,
        headers={"If-Match": "{etag}", "If-Unmodified-Since": "{earlier}"},
        reason="nginx evaluates both fields"),
    _conditional("If-Range with the tag", "13.1.5", 206, {"If-Range": "{etag}", "Range": "bytes=0-9"}, TEN),
    _conditional("If-Range with the date", "13.1.5", 206, {"If-Range": "{date}", "Range": "bytes=0-9"}, TEN),
    _conditional("If-Range with the tag made weak", "13.1.5", 200, {"If-Range": "W/{etag}", "Range": "bytes=0-9"}),
    _conditional("If-Range with another tag", "13.1.5", 200, {"If-Range": '"x"', "Range": "bytes=0-9"}),
    _conditional("If-Range with another date", "13.1.5", 200, {"If-Range": "{earlier}", "Range": "bytes=0-9"}),
    _conditional("If-Range without a range", "13.1.5", 200, {"If-Range": "{etag}"}),
)  # fmt: skip

ROWS = (*RANGES, *CONDITIONALS)
