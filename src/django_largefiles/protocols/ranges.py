"""Range requests for bytes (RFC 9110 section 14)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import formatdate

_RANGE_SPEC = re.compile(r"(?P<first>[0-9]*)-(?P<last>[0-9]*)")

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


def parse(header: str, size: int) -> ByteRange | None:
    """Return the bytes that ``Range: <header>`` requests of ``size`` bytes.

    Return ``None`` if the field is to be ignored and all bytes sent: another unit, several ranges, or bad grammar
    (RFC 9110 section 14.2 lets a server do so). Also for the last bytes of an empty file, which no
    ``Content-Range`` can state. Raise ``UnsatisfiableRange`` for a range past the end.
    """
    match = _RANGE_SPEC.fullmatch(_only_range(header))
    if match is None or match[0] == "-":
        return None
    if not match["first"]:
        return _suffix(_position(match["last"]), size)
    last = _position(match["last"]) if match["last"] else _BEYOND
    return _from_first(_position(match["first"]), last, size)


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


def _only_range(header: str) -> str:
    """Return the one member of the list, ``""`` unless there is exactly one, of bytes.

    A recipient ignores empty members (RFC 9110 section 5.6.1.2).
    """
    unit, _, members = header.strip(" \t").partition("=")
    specs = [spec for member in members.split(",") if (spec := member.strip(" \t"))]
    return specs[0] if unit.lower() == "bytes" and len(specs) == 1 else ""


def _position(digits: str) -> int:
    # Longer numbers lie past the end of any file: not worth converting, which takes quadratic time.
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
