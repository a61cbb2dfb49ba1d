"""Resumable Uploads for HTTP: the header fields of draft-ietf-httpbis-resumable-upload.

Not yet an RFC. A request field whose value is not of its type counts as absent, which the draft demands (sections
"Offset", "Completeness" and "Length"): what a request must have is then missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..exceptions import (
    InconsistentLength,
    LargeFilesError,
    MissingHeader,
    OffsetMismatch,
    TooLarge,
    UnsupportedContentType,
    WrongContent,
)
from .structured_fields import parse_item

INTEROP_VERSION = 8
"""The iteration of the draft that this is (appendix "Draft Version Identification"), here and nowhere else."""

CONTENT_TYPE = "application/partial-upload"

PROBLEM_TYPES = "https://iana.org/assignments/http-problem-types"

MAX_INTEGER = 10**15 - 1
"""The largest that RFC 9651 section 3.3.1 can write."""


def is_ietf(headers: Mapping[str, str]) -> bool:
    """Tell whether a request is one of this protocol, by its headers alone.

    It may be one even if this is false: ``HEAD``, ``GET`` and ``DELETE`` of an upload need no header of the protocol
    once it is an RFC.
    """
    if "Tus-Resumable" in headers:
        return False
    return (
        parse_complete(headers.get("Upload-Complete")) is not None
        or "Upload-Draft-Interop-Version" in headers
        or _media_type(headers.get("Content-Type")) == CONTENT_TYPE
    )


def check_content_type(header: str | None) -> None:
    """Raise ``UnsupportedContentType`` for anything but a part of an upload."""
    if _media_type(header) != CONTENT_TYPE:
        raise UnsupportedContentType(limit=CONTENT_TYPE, value=header)


def parse_offset(header: str | None) -> int | None:
    """Return ``Upload-Offset`` in bytes; ``None`` if it is absent or to be ignored."""
    return _non_negative(header)


def parse_length(header: str | None) -> int | None:
    """Return ``Upload-Length`` in bytes; ``None`` if it is absent or to be ignored."""
    return _non_negative(header)


def parse_complete(header: str | None) -> bool | None:
    """Return ``Upload-Complete``; ``None`` if it is absent or to be ignored."""
    value = parse_item(header)
    return value if isinstance(value, bool) else None


def required_offset(header: str | None) -> int:
    """Return the ``Upload-Offset`` that an append must have. Raise ``MissingHeader``."""
    offset = parse_offset(header)
    if offset is None:
        raise MissingHeader("Upload-Offset, a non-negative integer, is required", value=header)
    return offset


def required_complete(header: str | None) -> bool:
    """Return the ``Upload-Complete`` that an append must have. Raise ``MissingHeader``."""
    complete = parse_complete(header)
    if complete is None:
        raise MissingHeader("Upload-Complete, ?0 or ?1, is required", value=header)
    return complete


def announced_length(
    *, offset: int, complete: bool, content_length: int | None, upload_length: int | None, known: int | None = None
) -> int | None:
    """Return the length of the whole upload as of this request, in bytes; ``None`` while it is unknown.

    ``offset`` is the upload's, which the request's equals; ``content_length`` is that of the request's body,
    ``upload_length`` its field, ``known`` the length of earlier requests. Raise ``InconsistentLength`` if they
    contradict each other or the bytes that have arrived (section "Length").
    """
    to_the_end = None if content_length is None or not complete else offset + content_length
    told = {length for length in (known, upload_length, to_the_end) if length is not None}
    if len(told) > 1:
        lengths = ", ".join(map(str, sorted(told)))
        raise InconsistentLength(f"the lengths contradict each other: {lengths}", limit=known, value=upload_length)
    length = told.pop() if told else None
    if length is not None and length < offset:
        problem = f"{offset} bytes have arrived, more than the length of {length}"
        raise InconsistentLength(problem, limit=offset, value=length)
    return length


def check_complete(*, offset: int, length: int | None) -> None:
    """Check that an upload which the client calls complete is, once its last byte is stored.

    Raise ``InconsistentLength`` if ``length`` is known and differs from ``offset``.
    """
    if length not in {None, offset}:
        problem = f"the upload is said to be complete, with {offset} of {length} bytes"
        raise InconsistentLength(problem, limit=length, value=offset)


def format_complete(complete: bool) -> str:
    return "?1" if complete else "?0"


def format_limit(
    *,
    max_size: int | None = None,
    min_size: int | None = None,
    max_append_size: int | None = None,
    min_append_size: int | None = None,
    max_age: int | None = None,
) -> str:
    """Return the value of ``Upload-Limit``: sizes in bytes, the age in seconds."""
    limits = {
        "max-size": max_size,
        "min-size": min_size,
        "max-append-size": max_append_size,
        "min-append-size": min_append_size,
        "max-age": max_age,
    }
    members = [f"{key}={_writable(value)}" for key, value in limits.items() if value is not None]
    # The field cannot be empty (RFC 9651 section 3.2), and this is no limit.
    return ", ".join(members) or "min-size=0"


def problem_members(error: LargeFilesError) -> dict[str, Any]:
    """Return the members of problem details (RFC 9457) that the draft defines for an error; none for most."""
    if isinstance(error, OffsetMismatch):
        return {
            "type": f"{PROBLEM_TYPES}#mismatching-upload-offset",
            "title": "Mismatching Upload Offset",
            "expected-offset": error.limit,
            "provided-offset": error.value,
        }
    if isinstance(error, InconsistentLength):
        return {
            "type": f"{PROBLEM_TYPES}#inconsistent-upload-length",
            "title": "Inconsistent Upload Length Values",
        }
    return {}


def refusal_headers(error: LargeFilesError) -> dict[str, str]:
    """Return the headers of the answer to a refused request."""
    # Refused content is the answer of the resource that was uploaded to: resuming does not help. Every other error
    # comes from the upload.
    headers = {"Upload-Complete": format_complete(isinstance(error, WrongContent))}
    if isinstance(error, OffsetMismatch):
        headers["Upload-Offset"] = str(error.limit)
    if isinstance(error, UnsupportedContentType):
        headers["Accept-Patch"] = CONTENT_TYPE  # RFC 5789 section 2.2
    if isinstance(error, TooLarge) and isinstance(error.limit, int) and not error.declared:
        headers["Upload-Limit"] = format_limit(max_size=error.limit)
    return headers


def _media_type(header: str | None) -> str:
    return (header or "").partition(";")[0].strip(" \t").lower()


def _non_negative(header: str | None) -> int | None:
    value = parse_item(header)
    # Not isinstance: a Boolean is another type in structured fields, and an int in Python.
    return value if type(value) is int and value >= 0 else None


def _writable(value: int) -> int:
    return min(max(value, 0), MAX_INTEGER)
