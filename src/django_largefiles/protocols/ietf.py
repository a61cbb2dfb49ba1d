"""Resumable Uploads for HTTP: the header fields of draft-ietf-httpbis-resumable-upload.

Not yet an RFC. A request field whose value is not of its type counts as absent, which the draft demands (sections
"Offset", "Completeness" and "Length"): what a request must have is then missing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from .errors import InconsistentLength, MissingHeader, OffsetMismatch, ProtocolError, UnsupportedContentType
from .structured_fields import BARE_ITEM, PARAMETERS

INTEROP_VERSION = 8
"""The iteration of the draft that this is (appendix "Draft Version Identification"), here and nowhere else."""

CONTENT_TYPE = "application/partial-upload"

PROBLEM_TYPES = "https://iana.org/assignments/http-problem-types"

MAX_INTEGER = 10**15 - 1
"""The largest that RFC 9651 section 3.3.1 can write."""

_ITEM = re.compile(rf"\x20*+(?P<bare>{BARE_ITEM}){PARAMETERS}\x20*+")
_NON_NEGATIVE = re.compile(r"[0-9]+|-0+")


def is_draft(headers: Mapping[str, str]) -> bool:
    """Whether a request is one of this protocol, by its headers alone.

    It may be one even where this is false: ``HEAD``, ``GET`` and ``DELETE`` of an upload need no header of the
    draft once it is an RFC.
    """
    if "Tus-Resumable" in headers:
        return False
    return (
        parse_complete(headers.get("Upload-Complete")) is not None
        or "Upload-Draft-Interop-Version" in headers
        or _media_type(headers.get("Content-Type")) == CONTENT_TYPE
    )


def interop_matches(header: str | None) -> bool:
    """Whether ``Upload-Draft-Interop-Version`` is ours: without it no 104 may be sent."""
    return _non_negative(header) == INTEROP_VERSION


def check_content_type(header: str | None) -> None:
    """Raises ``UnsupportedContentType`` for anything but a part of an upload."""
    if _media_type(header) != CONTENT_TYPE:
        raise UnsupportedContentType(f"Content-Type must be {CONTENT_TYPE}", limit=CONTENT_TYPE, value=header)


def parse_offset(header: str | None) -> int | None:
    """``Upload-Offset`` in bytes; ``None`` where it is absent or to be ignored."""
    return _non_negative(header)


def parse_length(header: str | None) -> int | None:
    """``Upload-Length`` in bytes; ``None`` where it is absent or to be ignored."""
    return _non_negative(header)


def parse_complete(header: str | None) -> bool | None:
    """``Upload-Complete``; ``None`` where it is absent or to be ignored."""
    return {"?0": False, "?1": True}.get(_bare_item(header))


def required_offset(header: str | None) -> int:
    """The ``Upload-Offset`` that an append must have. Raises ``MissingHeader``."""
    offset = parse_offset(header)
    if offset is None:
        raise MissingHeader("Upload-Offset, a non-negative integer, is required", value=header)
    return offset


def required_complete(header: str | None) -> bool:
    """The ``Upload-Complete`` that an append must have. Raises ``MissingHeader``."""
    complete = parse_complete(header)
    if complete is None:
        raise MissingHeader("Upload-Complete, ?0 or ?1, is required", value=header)
    return complete


def announced_length(
    *, offset: int, complete: bool, content_length: int | None, upload_length: int | None, known: int | None = None
) -> int | None:
    """The length of the whole upload as of this request, in bytes; ``None`` while nobody has said it.

    ``offset`` is the upload's, which the request's equals; ``content_length`` the request's body, ``upload_length``
    its field, ``known`` what an earlier request said. Raises ``InconsistentLength`` where they contradict each
    other, or the bytes that are there (section "Length").
    """
    to_the_end = None if content_length is None or not complete else offset + content_length
    told = {length for length in (known, upload_length, to_the_end) if length is not None}
    if len(told) > 1:
        lengths = ", ".join(map(str, sorted(told)))
        raise InconsistentLength(f"the lengths contradict each other: {lengths}", limit=known, value=upload_length)
    length = told.pop() if told else None
    if length is not None and length < offset:
        raise InconsistentLength(f"{offset} bytes are there, more than {length}", limit=offset, value=length)
    return length


def check_complete(*, offset: int, length: int | None) -> None:
    """Whether an upload that the client calls complete is: to be asked once its last byte is stored.

    Raises ``InconsistentLength`` where ``length`` is known and another one.
    """
    if length not in {None, offset}:
        raise InconsistentLength(f"complete with {offset} bytes of {length}", limit=length, value=offset)


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
    """The value of ``Upload-Limit``: sizes in bytes, the age in seconds. Without any limit it says so."""
    limits = {
        "max-size": max_size,
        "min-size": min_size,
        "max-append-size": max_append_size,
        "min-append-size": min_append_size,
        "max-age": max_age,
    }
    members = [f"{key}={_writable(value)}" for key, value in limits.items() if value is not None]
    return ", ".join(members) or "min-size=0"


def problem_members(error: ProtocolError) -> dict[str, str | int]:
    """The members of problem details (RFC 9457) that the draft defines for the error; none for most errors."""
    if isinstance(error, OffsetMismatch):
        return {
            "type": f"{PROBLEM_TYPES}#mismatching-upload-offset",
            "title": "Mismatching Upload Offset",
            "expected-offset": error.expected,
            "provided-offset": error.provided,
        }
    if isinstance(error, InconsistentLength):
        return {
            "type": f"{PROBLEM_TYPES}#inconsistent-upload-length",
            "title": "Inconsistent Upload Length Values",
        }
    return {}


def refusal_headers(error: ProtocolError) -> dict[str, str]:
    """What the answer to a refused request carries: it does not come from the resource that was uploaded to."""
    headers = {"Upload-Complete": format_complete(False)}
    if isinstance(error, OffsetMismatch):
        headers["Upload-Offset"] = str(error.expected)
    if isinstance(error, UnsupportedContentType):
        headers["Accept-Patch"] = CONTENT_TYPE  # RFC 5789 section 2.2
    return headers


def _media_type(header: str | None) -> str:
    return (header or "").partition(";")[0].strip(" \t").lower()


def _bare_item(header: str | None) -> str:
    """The value of an Item without its parameters; ``""`` where it is none."""
    match = _ITEM.fullmatch(header or "")
    return match["bare"] if match else ""


def _non_negative(header: str | None) -> int | None:
    bare = _bare_item(header)
    return int(bare) if _NON_NEGATIVE.fullmatch(bare) else None


def _writable(value: int) -> int:
    return min(max(value, 0), MAX_INTEGER)
