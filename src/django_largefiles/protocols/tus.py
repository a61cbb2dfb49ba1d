"""The tus resumable upload protocol 1.0.0: its header fields, without a word on uploads.

Values are taken as a server hands them on: white space around them is gone, and repeated fields are joined by
commas, which makes most of them malformed.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TypeAlias

from .checksums import CHECKSUM_ALGORITHMS, Checksum, new_hasher
from .errors import (
    InconsistentLength,
    LengthTooLarge,
    MalformedHeader,
    MissingHeader,
    OffsetMismatch,
    ProtocolError,
    UnsupportedContentType,
    UnsupportedVersion,
)

VERSION = "1.0.0"
VERSIONS = (VERSION,)
"""The most preferred one first."""

EXTENSIONS = (
    "creation",
    "creation-with-upload",
    "creation-defer-length",
    "expiration",
    "checksum",
    "checksum-trailer",
    "termination",
    "concatenation",
    "concatenation-unfinished",
)

CONTENT_TYPE = "application/offset+octet-stream"

METHODS = frozenset({"OPTIONS", "POST", "HEAD", "PATCH", "DELETE"})

MAX_INTEGER = 2**63 - 1
MAX_METADATA = 8 * 1024
MAX_CONCAT = 64 * 1024
MAX_PARTIALS = 1000

_DIGITS = re.compile(r"[0-9]+")
_MAX_DIGITS = len(str(MAX_INTEGER))

# Beyond ASCII, which keys only should not leave, is the Latin-1 that a server makes of other bytes.
_METADATA_KEY = re.compile(r"[!-+\--~\x80-\xff]+")

# RFC 3986 without the comma, by which a server joins repeated fields.
_URL = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+;=%-]+")


@dataclass(frozen=True, kw_only=True)
class Partial:
    """An upload that is to become part of another."""


@dataclass(frozen=True, kw_only=True)
class Final:
    """An upload made of others, in this order; one may come twice. URLs as sent: absolute or relative, not ours."""

    urls: tuple[str, ...]


Concatenation: TypeAlias = Partial | Final


def options_headers(max_size: int | None, extensions: Iterable[str] = EXTENSIONS) -> dict[str, str]:
    """The answer to ``OPTIONS``. ``max_size`` of a whole upload in bytes, ``None`` where there is no hard limit."""
    headers = {
        "Tus-Resumable": VERSION,
        "Tus-Version": ",".join(VERSIONS),
        "Tus-Extension": ",".join(extensions),
        "Tus-Max-Size": "" if max_size is None else str(max_size),
        "Tus-Checksum-Algorithm": ",".join(CHECKSUM_ALGORITHMS),
    }
    return {name: value for name, value in headers.items() if value}


def refusal_headers(error: ProtocolError) -> dict[str, str]:
    """What the answer to a refused request carries."""
    headers = {"Tus-Resumable": VERSION}
    if isinstance(error, UnsupportedVersion):
        headers["Tus-Version"] = ",".join(VERSIONS)
    if isinstance(error, OffsetMismatch):
        headers["Upload-Offset"] = str(error.expected)
    return headers


def http_date(moment: datetime) -> str:
    """The value of ``Upload-Expires``. Raises ``ValueError`` for a moment without a time zone."""
    if moment.utcoffset() is None:
        raise ValueError("a moment without a time zone is no HTTP date")
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def check_version(header: str | None) -> None:
    """``Tus-Resumable``, of every request but ``OPTIONS``. Raises ``UnsupportedVersion``, also where it is absent."""
    if header not in VERSIONS:
        supported = ",".join(VERSIONS)
        raise UnsupportedVersion(f"Tus-Resumable must be one of {supported}", limit=supported, value=header)


def method_override(method: str, header: str | None) -> str:
    """The method that counts, given ``X-HTTP-Method-Override``.

    From ``POST`` alone: pages of other sites, previews and crawlers may send the safe ones, and must not delete.
    Raises ``MalformedHeader`` for what this protocol does not know or another method asks for.
    """
    if header is None or header == method:
        return method
    if method != "POST" or header not in METHODS:
        allowed = ", ".join(sorted(METHODS))
        problem = f"X-HTTP-Method-Override goes from POST to one of {allowed}"
        raise MalformedHeader(problem, limit=allowed, value=header)
    return header


def check_content_type(header: str | None) -> None:
    """Raises ``UnsupportedContentType`` for anything but bytes of an upload."""
    if (header or "").partition(";")[0].strip(" \t").lower() != CONTENT_TYPE:
        raise UnsupportedContentType(f"Content-Type must be {CONTENT_TYPE}", limit=CONTENT_TYPE, value=header)


def parse_offset(header: str | None) -> int:
    """``Upload-Offset`` in bytes. Raises ``MissingHeader`` and ``MalformedHeader``."""
    if header is None:
        raise MissingHeader("Upload-Offset is required")
    offset = _integer("Upload-Offset", header)
    if offset > MAX_INTEGER:
        raise MalformedHeader(f"Upload-Offset is at most {MAX_INTEGER}", limit=MAX_INTEGER, value=header)
    return offset


def parse_length(upload_length: str | None, defer: str | None) -> int | None:
    """What a creation says of its length, by ``Upload-Length`` or ``Upload-Defer-Length``: bytes, ``None`` if later.

    Raises ``MissingHeader`` where it says nothing, ``MalformedHeader`` and ``LengthTooLarge``.
    """
    _check_defer(defer)
    if upload_length is None:
        if defer is None:
            raise MissingHeader("Upload-Length or Upload-Defer-Length is required")
        return None
    if defer is not None:
        raise MalformedHeader("Upload-Length and Upload-Defer-Length exclude each other", value=upload_length)
    return _length(upload_length)


def check_final_length(upload_length: str | None, defer: str | None) -> None:
    """A final upload is as long as its parts: its creation must not say more.

    Raises ``InconsistentLength`` and ``MalformedHeader``.
    """
    _check_defer(defer)
    if upload_length is not None:
        raise InconsistentLength(
            "a final upload has the length of its parts, and no Upload-Length", value=upload_length
        )


def late_length(upload_length: str | None, *, known: int | None, offset: int) -> int | None:
    """The length as of a ``PATCH`` to an upload at ``offset``, in bytes; ``None`` while it is deferred.

    ``known`` is the one of earlier requests. Raises ``InconsistentLength`` where it would change or lie behind
    bytes that are there, ``MalformedHeader`` and ``LengthTooLarge``.
    """
    if upload_length is None:
        return known
    length = _length(upload_length)
    if known not in {None, length}:
        raise InconsistentLength(f"the length is {known} and stays so", limit=known, value=length)
    if length < offset:
        raise InconsistentLength(f"{offset} bytes are there, more than {length}", limit=offset, value=length)
    return length


def parse_metadata(header: str | None) -> dict[str, bytes]:
    """``Upload-Metadata``; a key without a value has an empty one.

    White space around the commas is let pass (RFC 9110 section 5.6.1), and so is a header without any pair, which
    tuspy sends where it was given no metadata. What passes has no control character, and may be sent back as it is.
    Raises ``MalformedHeader``.
    """
    if not header:
        return {}
    if len(header) > MAX_METADATA:
        problem = f"Upload-Metadata has at most {MAX_METADATA} bytes"
        raise MalformedHeader(problem, limit=MAX_METADATA, value=len(header))
    metadata: dict[str, bytes] = {}
    for pair in header.split(","):
        key, _, encoded = pair.strip(" \t").partition(" ")
        if not _METADATA_KEY.fullmatch(key):
            raise MalformedHeader("Upload-Metadata has a key that is empty or has forbidden characters", value=pair)
        if key in metadata:
            raise MalformedHeader("Upload-Metadata has a key twice", value=key)
        metadata[key] = _decoded("Upload-Metadata", encoded)
    return metadata


def metadata_text(metadata: dict[str, bytes], key: str) -> str:
    """The value as text, ``""`` where there is none. Raises ``MalformedHeader`` where it is no UTF-8."""
    try:
        return metadata.get(key, b"").decode()
    except UnicodeDecodeError as error:
        raise MalformedHeader(f"the {key} of Upload-Metadata is not UTF-8", value=key) from error


def parse_checksum(header: str | None) -> Checksum | None:
    """``Upload-Checksum``, from the header or the trailer. Raises ``MalformedHeader`` and ``UnsupportedChecksum``."""
    if header is None:
        return None
    algorithm, _, encoded = header.partition(" ")
    if not algorithm or not encoded:
        raise MalformedHeader("Upload-Checksum is an algorithm and a digest in Base64", value=header)
    size = new_hasher(algorithm).digest_size
    digest = _decoded("Upload-Checksum", encoded)
    if len(digest) != size:
        raise MalformedHeader(f"a {algorithm} digest has {size} bytes", limit=size, value=len(digest))
    return Checksum(algorithm=algorithm, digest=digest)


def announces_checksum(trailer: str | None) -> bool:
    """Whether ``Trailer`` says that the checksum comes after the body."""
    return "upload-checksum" in {name.strip(" \t").lower() for name in (trailer or "").split(",")}


def parse_concat(header: str | None) -> Concatenation | None:
    """``Upload-Concat``; ``None`` for an upload that stands alone. Raises ``MalformedHeader``."""
    if header is None:
        return None
    if header == "partial":
        return Partial()
    if len(header) > MAX_CONCAT:
        raise MalformedHeader(f"Upload-Concat has at most {MAX_CONCAT} bytes", limit=MAX_CONCAT, value=len(header))
    if not header.startswith("final;"):
        raise MalformedHeader("Upload-Concat is partial, or final; and URLs", value=header)
    return Final(urls=_partial_urls(header.removeprefix("final;")))


def _partial_urls(text: str) -> tuple[str, ...]:
    urls = tuple(filter(None, text.split(" ")))
    if not 1 <= len(urls) <= MAX_PARTIALS:
        problem = f"Upload-Concat names 1 to {MAX_PARTIALS} partial uploads"
        raise MalformedHeader(problem, limit=MAX_PARTIALS, value=len(urls))
    for url in urls:
        if not _URL.fullmatch(url):
            raise MalformedHeader("Upload-Concat names a partial upload by something else than a URL", value=url)
    return urls


def _check_defer(header: str | None) -> None:
    if header not in {None, "1"}:
        raise MalformedHeader("Upload-Defer-Length must be 1", limit="1", value=header)


def _length(header: str) -> int:
    length = _integer("Upload-Length", header)
    if length > MAX_INTEGER:
        # A number all the same, and above every maximum: 413 says so, where 400 would not.
        raise LengthTooLarge(f"Upload-Length is at most {MAX_INTEGER}", limit=MAX_INTEGER, value=header)
    return length


def _integer(name: str, header: str) -> int:
    """A number of bytes, ``MAX_INTEGER + 1`` for any larger one: long ones take quadratic time to convert."""
    if not _DIGITS.fullmatch(header):
        raise MalformedHeader(f"{name} must be a non-negative integer", value=header)
    significant = header.lstrip("0")
    return min(int(significant[: _MAX_DIGITS + 1] or "0"), MAX_INTEGER + 1)


def _decoded(name: str, encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise MalformedHeader(f"{name} has a value that is not Base64", value=encoded) from error
