"""Range requests for bytes (RFC 9110 section 14)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import formatdate
from itertools import pairwise

MAX_RANGES = 4
"""Ranges of one request. More of them are for attacks rather than for readers (RFC 9110 section 17.15)."""

MAX_LENGTH = 1024
"""Characters of a field that is read at all: reading it must not cost more than the request does otherwise."""

_RANGE_SPEC = re.compile(r"(?P<first>[0-9]*)-(?P<last>[0-9]*)")
_PLAIN = re.compile(r"bytes=(?:[0-9]{1,18}-[0-9]{0,18}|-[0-9]{1,18})")

_MAX_DIGITS = 18
_BEYOND = 10**_MAX_DIGITS


class UnsatisfiableRange(ValueError):
    """A valid range that covers no byte of the file: status 416."""


@dataclass(frozen=True, kw_only=True)
class ByteRange:
    """The bytes from ``start`` up to, and without, ``stop``; never empty."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        return self.stop - self.start


def parse(header: str, size: int) -> tuple[ByteRange, ...]:
    """Return the bytes that ``Range: <header>`` requests of ``size`` bytes: one to four disjoint ranges, as ordered.

    Ranges past the end are left out. Return ``()`` if the field is to be ignored and all bytes sent: another unit, bad
    grammar, more ranges, ranges that overlap (RFC 9110 section 14.2 lets a server do so), or a field of more than
    1,024 characters. Also for the last bytes of an empty file, which no ``Content-Range`` can state.

    Raise ``UnsatisfiableRange`` if all ranges are past the end.
    """
    found = _satisfiable(header, size)
    return () if found is None or _overlap(found) else found


def is_plain(header: str) -> bool:
    """Return whether a field is a single range that every server reads alike."""
    return _PLAIN.fullmatch(header) is not None


def content_range(byte_range: ByteRange, size: int) -> str:
    """Return the ``Content-Range`` of a 206."""
    return f"bytes {byte_range.start}-{byte_range.stop - 1}/{size}"


def unsatisfied(size: int) -> str:
    """Return the ``Content-Range`` of a 416."""
    return f"bytes */{size}"


def if_range_holds(header: str | None, etag: str, last_modified: float) -> bool:
    """Tell whether ``Range`` is to be honoured under ``If-Range: <header>`` (RFC 9110 section 13.1.5).

    ``etag`` is the current one with its quotes, ``last_modified`` in seconds since the epoch. Weak tags never
    hold, and a date only as it was sent in ``Last-Modified``: fixed format, whole seconds. Files do not
    change once they are served, which makes that date a strong validator (section 8.8.2.2).
    """
    if header is None:
        return True
    validator = header.strip(" \t")
    if validator.startswith(('"', "W/")):
        return validator == etag and not etag.startswith("W/")
    return validator == formatdate(last_modified, usegmt=True)


def _satisfiable(header: str, size: int) -> tuple[ByteRange, ...] | None:
    specs = _specs(header)
    if not 0 < len(specs) <= MAX_RANGES:
        return None
    found = list[ByteRange]()
    problem: UnsatisfiableRange | None = None
    for spec in specs:
        try:
            byte_range = _read(spec, size)
        except UnsatisfiableRange as error:
            problem = error
            continue
        if byte_range is None:
            return None
        found.append(byte_range)
    if not found and problem:
        raise problem
    return tuple(found)


def _specs(header: str) -> list[str]:
    """Return the members of a field of bytes, without the empty ones (RFC 9110 section 5.6.1.2)."""
    if len(header) > MAX_LENGTH:
        return []
    unit, _, members = header.strip(" \t").partition("=")
    specs = [spec for member in members.split(",") if (spec := member.strip(" \t"))]
    return specs if unit.lower() == "bytes" else []


def _read(spec: str, size: int) -> ByteRange | None:
    match = _RANGE_SPEC.fullmatch(spec)
    if match is None or spec == "-":
        return None
    if not match["first"]:
        return _suffix(_position(match["last"]), size)
    last = _position(match["last"]) if match["last"] else _BEYOND
    return _from_first(_position(match["first"]), last, size)


def _overlap(ranges: tuple[ByteRange, ...]) -> bool:
    ordered = sorted(ranges, key=lambda each: each.start)
    return any(earlier.stop > later.start for earlier, later in pairwise(ordered))


def _position(digits: str) -> int:
    # Longer numbers lie past the end of any file.
    significant = digits.lstrip("0")
    return int(significant or "0") if len(significant) <= _MAX_DIGITS else _BEYOND


def _suffix(length: int, size: int) -> ByteRange | None:
    if not length:
        raise UnsatisfiableRange("a range of the last 0 bytes is empty")
    return ByteRange(start=max(size - length, 0), stop=size) if size else None


def _from_first(first: int, last: int, size: int) -> ByteRange | None:
    if last < first:
        return None
    if first >= size:
        raise UnsatisfiableRange(f"byte {first} is past the end of {size} bytes")
    return ByteRange(start=first, stop=min(last + 1, size))
