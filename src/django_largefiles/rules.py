"""Check a file against a profile. Each function returns, or raises a refusal with the limit and the value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO

from .conf import Profile
from .containers.facts import KEY, ArchiveFacts
from .exceptions import (
    ArchiveRefused,
    DigestMismatch,
    LibmagicMissing,
    SizeMismatch,
    TooLarge,
    TypeMismatch,
    TypeNotAllowed,
)
from .media_types import sniffing
from .media_types.families import ARCHIVE_TYPES
from .media_types.matching import (
    declarable_types,
    equivalents,
    extension_allowed,
    extension_fits,
    matches,
    possible_types,
)
from .media_types.table import UNKNOWN
from .names import extension
from .options import MIB, ArchiveLimits

SMALL_ARCHIVE = 10 * MIB
"""Bytes unpacked up to which the ratio is ignored: a short file may consist of one repeated letter."""


def sniff_head(data: bytes) -> str:
    """Return the media type of a file that begins with ``data``. Raise ``LibmagicMissing``."""
    with _libmagic_is_required():
        return sniffing.sniff_head(data)


def sniff_file(file: BinaryIO) -> str:
    """Return the media type of a whole, seekable file. Raise ``LibmagicMissing``, and ``OSError`` from reading it."""
    with _libmagic_is_required():
        return sniffing.sniff_file(file)


@contextmanager
def _libmagic_is_required() -> Iterator[None]:
    """Turn an unusable libmagic into an error of the host's configuration. ``media_types`` does not import Django."""
    try:
        yield
    except sniffing.LibmagicUnusable as error:
        raise LibmagicMissing(str(error)) from error


def check_size(size: int, profile: Profile) -> None:
    if size > profile.max_upload_size:
        raise TooLarge(limit=profile.max_upload_size, value=size)


def check_length(size: int, declared: int | None) -> None:
    """Raise ``TooLarge`` if more bytes come than were declared, ``None`` for no declaration."""
    if declared is not None and size > declared:
        problem = f"{size} bytes are more than the declared {declared}"
        raise TooLarge(problem, limit=declared, value=size, declared=True)


def check_stored_size(stored: int, expected: int) -> None:
    """Compare the size in the storage with the declared size, or with the bytes counted on arrival."""
    if stored != expected:
        raise SizeMismatch(limit=expected, value=stored)


def check_digest(expected: str, actual: str, algorithm: str = "SHA-256") -> None:
    """Raise ``DigestMismatch`` if a digest was declared, and that of the file is another. Both are hexadecimal."""
    if expected not in {"", actual}:
        problem = f"the {algorithm} of the file is {actual}, not the declared {expected}"
        raise DigestMismatch(problem, limit=expected, value=actual)


def check_declared(media_type: str, name: str, profile: Profile) -> None:
    """Refuse a file whose declared type or name is not allowed, before its first byte arrives.

    An allowed declaration proves nothing, and ``application/octet-stream`` declares nothing.
    """
    declarable = declarable_types(media_type, extension(name))
    if media_type not in {"", UNKNOWN} and not any(matches(kind, profile.allowed_mime_types) for kind in declarable):
        raise _not_allowed(media_type, name, profile)
    if profile.extension_must_match and not extension_allowed(extension(name), profile.allowed_mime_types):
        raise _mismatch(", ".join(profile.allowed_mime_types), name)


def check_head(media_type: str, name: str, profile: Profile) -> None:
    """Refuse a file if its first bytes show that no further byte can make it acceptable."""
    possible = [kind for kind in possible_types(media_type) if matches(kind, profile.allowed_mime_types)]
    if not possible:
        raise _not_allowed(media_type, name, profile)
    if profile.extension_must_match and not any(extension_fits(extension(name), kind) for kind in possible):
        raise _mismatch(media_type, name)


def check_type(media_type: str, name: str, profile: Profile) -> str:
    """Return the type that a complete file counts as: its own, or an equivalent one (text as CSV)."""
    suffix = extension(name)
    allowed = [kind for kind in equivalents(media_type, suffix) if matches(kind, profile.allowed_mime_types)]
    if not allowed:
        raise _not_allowed(media_type, name, profile)
    fitting = [kind for kind in allowed if not profile.extension_must_match or extension_fits(suffix, kind)]
    if not fitting:
        raise _mismatch(media_type, name)
    return fitting[0]


def check_archive(media_type: str, attributes: Mapping[str, Any], profile: Profile) -> None:
    """Check an archive by the figures that its extractor found. Do nothing for other files."""
    if media_type not in ARCHIVE_TYPES:
        return
    facts, limits = archive_facts(attributes), profile.archive_limits
    if facts is None:
        if not limits.unreadable:
            raise ArchiveRefused("the content of the archive could not be read", limit="readable", value=media_type)
        return
    for what, limit, value in _beyond(facts, limits):
        raise ArchiveRefused(f"{what}: {value}, of {limit} allowed", limit=limit, value=value)
    if not (facts.complete or limits.unreadable):
        raise ArchiveRefused("the archive could not be read to its end", limit="readable", value=facts.entries)


def archive_facts(attributes: Mapping[str, Any]) -> ArchiveFacts | None:
    """Return the figures that an extractor found, ``None`` if there are none."""
    return ArchiveFacts.read(attributes.get(KEY))


def _beyond(facts: ArchiveFacts, limits: ArchiveLimits) -> Iterator[tuple[str, int | str, int | str]]:
    """Yield what exceeds the limits, each with the limit and the value."""
    if facts.entries > limits.entries:
        yield "members", limits.entries, facts.entries
    if facts.total_size > limits.total_size:
        yield "bytes unpacked", limits.total_size, facts.total_size
    if facts.total_size > SMALL_ARCHIVE and facts.ratio > limits.ratio:
        yield "ratio of unpacked to packed bytes", f"{limits.ratio:g}", f"{facts.ratio:g}"
    counted = (
        ("members that overlap others", limits.overlapping, facts.overlapping),
        ("names that lead out of the folder", limits.traversal, facts.traversal),
        ("links and devices", limits.links, facts.links),
        ("encrypted members", limits.encrypted, facts.encrypted),
        ("archives within the archive", limits.nested, facts.nested),
        ("members that programs read in different ways", limits.ambiguous, facts.ambiguous),
    )
    for what, permitted, count in counted:
        if count and not permitted:
            yield what, 0, count


def _not_allowed(media_type: str, name: str, profile: Profile) -> TypeNotAllowed:
    return TypeNotAllowed(limit=", ".join(profile.allowed_mime_types), value=media_type, name=name)


def _mismatch(media_type: str, name: str) -> TypeMismatch:
    return TypeMismatch(limit=extension(name), value=media_type)
