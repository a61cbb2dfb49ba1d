"""The header fields of the tus resumable upload protocol 1.0.0.

Values are taken as a server passes them on: without white space around them, and with repeated fields joined by
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

from ..exceptions import (
    ChecksumMismatch,
    InconsistentLength,
    LargeFilesError,
    MalformedHeader,
    MissingHeader,
    OffsetMismatch,
    TooLarge,
    UnsupportedContentType,
    UnsupportedVersion,
)
from .checksums import CHECKSUM_ALGORITHMS, Checksum, new_hasher

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

_FINAL = "final;"
_DIGITS = re.compile(r"[0-9]+")
_MAX_DIGITS = len(str(MAX_INTEGER))

# Keys should be ASCII; the range above it is the Latin-1 that a server makes of other bytes.
_METADATA_KEY = re.compile(r"[!-+\--~\x80-\xff]+")

# RFC 3986 without the comma, by which a server joins repeated fields.
_URL = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+;=%-]+")


@dataclass(frozen=True, kw_only=True)
class Partial:
    """An upload that will become part of another."""


@dataclass(frozen=True, kw_only=True)
class Final:
    """An upload made of others, in this order. URLs as sent, absolute or relative."""

    urls: tuple[str, ...]


Concatenation: TypeAlias = Partial | Final


def options_headers(max_size: int | None, extensions: Iterable[str] = EXTENSIONS) -> dict[str, str]:
    """Return the headers of the answer to ``OPTIONS``. ``max_size`` is in bytes, ``None`` for no hard limit."""
    headers = {
        "Tus-Resumable": VERSION,
        "Tus-Version": ",".join(VERSIONS),
        "Tus-Extension": ",".join(extensions),
        "Tus-Max-Size": "" if max_size is None else str(max_size),
        "Tus-Checksum-Algorithm": ",".join(CHECKSUM_ALGORITHMS),
    }
    return {name: value for name, value in headers.items() if value}


def refusal_headers(error: LargeFilesError) -> dict[str, str]:
    """Return the headers of the answer to a refused request."""
    headers = {"Tus-Resumable": VERSION}
    if isinstance(error, UnsupportedVersion):
        headers["Tus-Version"] = ",".join(VERSIONS)
    if isinstance(error, OffsetMismatch):
        headers["Upload-Offset"] = str(error.limit)
    return headers


def http_date(moment: datetime) -> str:
    """Return the value of ``Upload-Expires``. Raise ``ValueError`` for a naive datetime."""
    if moment.utcoffset() is None:
        raise ValueError(f"an HTTP date needs a time zone, which {moment} does not have")
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def check_version(header: str | None) -> None:
    """Check ``Tus-Resumable``, required but for ``OPTIONS``. Raise ``UnsupportedVersion``, also if it is absent."""
    if header not in VERSIONS:
        raise UnsupportedVersion(limit=",".join(VERSIONS), value=header)


def method_override(method: str, header: str | None) -> str:
    """Return the effective method, given ``X-HTTP-Method-Override``.

    Only ``POST`` may be overridden: pages of other sites, previews and crawlers can send the safe methods, and must
    not delete. Raise ``MalformedHeader`` for a method that the protocol does not have, or that is sent with another
    method than ``POST``.
    """
    if header is None or header == method:
        return method
    if method != "POST" or header not in METHODS:
        allowed = ", ".join(sorted(METHODS))
        problem = f"X-HTTP-Method-Override must come with POST, and be one of {allowed}"
        raise MalformedHeader(problem, limit=allowed, value=header)
    return header


def check_content_type(header: str | None) -> None:
    """Raise ``UnsupportedContentType`` for anything but bytes of an upload."""
    if (header or "").partition(";")[0].strip(" \t").lower() != CONTENT_TYPE:
        raise UnsupportedContentType(limit=CONTENT_TYPE, value=header)


def parse_offset(header: str | None) -> int:
    """Return ``Upload-Offset`` in bytes. Raise ``MissingHeader`` and ``MalformedHeader``."""
    if header is None:
        raise MissingHeader("Upload-Offset is required")
    offset = _integer("Upload-Offset", header)
    if offset > MAX_INTEGER:
        raise MalformedHeader(f"Upload-Offset is more than {MAX_INTEGER}", limit=MAX_INTEGER, value=header)
    return offset


def parse_length(upload_length: str | None, defer: str | None) -> int | None:
    """Return the length that a creation declares, in bytes; ``None`` if ``Upload-Defer-Length`` defers it.

    Raise ``MissingHeader`` if neither field is there, ``MalformedHeader`` and ``TooLarge``.
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
    """Check that the creation of a final upload, which is as long as its parts, declares no length.

    Raise ``InconsistentLength`` and ``MalformedHeader``.
    """
    _check_defer(defer)
    if upload_length is not None:
        problem = "a final upload has the length of its parts, and takes no Upload-Length"
        raise InconsistentLength(problem, value=upload_length)


def late_length(upload_length: str | None, *, known: int | None, offset: int) -> int | None:
    """Return the length as of a ``PATCH`` to an upload at ``offset``, in bytes; ``None`` while it is deferred.

    ``known`` is the length that earlier requests declared. Raise ``InconsistentLength`` if it would change, or if more
    bytes have arrived, ``MalformedHeader`` and ``TooLarge``.
    """
    if upload_length is None:
        return known
    length = _length(upload_length)
    if known not in {None, length}:
        problem = f"the length is {known} and cannot become {length}"
        raise InconsistentLength(problem, limit=known, value=length)
    if length < offset:
        problem = f"{offset} bytes have arrived, more than the length of {length}"
        raise InconsistentLength(problem, limit=offset, value=length)
    return length


def parse_metadata(header: str | None) -> dict[str, bytes]:
    """Return ``Upload-Metadata``; a key without a value has an empty one.

    White space around the commas is accepted (RFC 9110 section 5.6.1), and so is a header without any pair, which
    tuspy sends if it was given no metadata. An accepted header has no control character, and may be sent back as it
    is. Raise ``MalformedHeader``.
    """
    if not header:
        return {}
    if len(header) > MAX_METADATA:
        problem = f"Upload-Metadata has more than the {MAX_METADATA} bytes allowed"
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
    """Return a value as text, ``""`` if there is none. Raise ``MalformedHeader`` if it is not UTF-8."""
    try:
        return metadata.get(key, b"").decode()
    except UnicodeDecodeError as error:
        raise MalformedHeader(f"the {key} of Upload-Metadata is not UTF-8", value=key) from error


def parse_checksum(header: str | None) -> Checksum | None:
    """Return ``Upload-Checksum`` of the header or the trailer.

    Raise ``MalformedHeader`` and ``UnsupportedChecksum``, and ``ChecksumMismatch`` for a digest of another length than
    those of its algorithm, which no bytes have.
    """
    if header is None:
        return None
    algorithm, _, encoded = header.partition(" ")
    if not algorithm or not encoded:
        raise MalformedHeader("Upload-Checksum must be an algorithm and a digest in Base64", value=header)
    size = new_hasher(algorithm).digest_size
    digest = _decoded("Upload-Checksum", encoded)
    if len(digest) != size:
        problem = f"a {algorithm} digest has {size} bytes, not {len(digest)}"
        raise ChecksumMismatch(problem, limit=size, value=len(digest))
    return Checksum(algorithm=algorithm, digest=digest)


def announces_checksum(trailer: str | None) -> bool:
    """Tell whether ``Trailer`` says that the checksum comes after the body."""
    return "upload-checksum" in {name.strip(" \t").lower() for name in (trailer or "").split(",")}


def parse_concat(header: str | None) -> Concatenation | None:
    """Return ``Upload-Concat``; ``None`` for an upload that stands alone. Raise ``MalformedHeader``."""
    if header is None:
        return None
    if header == "partial":
        return Partial()
    if len(header) > MAX_CONCAT:
        problem = f"Upload-Concat has more than the {MAX_CONCAT} bytes allowed"
        raise MalformedHeader(problem, limit=MAX_CONCAT, value=len(header))
    if not names_final(header):
        raise MalformedHeader("Upload-Concat must be partial, or final; followed by URLs", value=header)
    return Final(urls=_partial_urls(header.removeprefix(_FINAL)))


def names_final(upload_concat: str) -> bool:
    """Tell whether ``Upload-Concat`` is that of a final upload."""
    return upload_concat.startswith(_FINAL)


def _partial_urls(text: str) -> tuple[str, ...]:
    urls = tuple(filter(None, text.split(" ")))
    if not 1 <= len(urls) <= MAX_PARTIALS:
        problem = f"Upload-Concat must name 1 to {MAX_PARTIALS} partial uploads"
        raise MalformedHeader(problem, limit=MAX_PARTIALS, value=len(urls))
    for url in urls:
        if not _URL.fullmatch(url):
            raise MalformedHeader("Upload-Concat must name partial uploads by their URLs", value=url)
    return urls


def _check_defer(header: str | None) -> None:
    if header not in {None, "1"}:
        raise MalformedHeader("Upload-Defer-Length must be 1", limit="1", value=header)


def _length(header: str) -> int:
    length = _integer("Upload-Length", header)
    if length > MAX_INTEGER:
        # It is a valid number, above every maximum: 413 says so, and 400 would not.
        raise TooLarge(f"Upload-Length is more than {MAX_INTEGER}", limit=MAX_INTEGER, value=header)
    return length


def _integer(name: str, header: str) -> int:
    """Return a number of bytes, ``MAX_INTEGER + 1`` for any larger one: long ones take quadratic time to convert."""
    if not _DIGITS.fullmatch(header):
        raise MalformedHeader(f"{name} must be a non-negative integer", value=header)
    significant = header.lstrip("0")
    return min(int(significant[: _MAX_DIGITS + 1] or "0"), MAX_INTEGER + 1)


def _decoded(name: str, encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise MalformedHeader(f"{name} has a value that is not Base64", value=encoded) from error
