"""The keys of ``LARGEFILES``: their defaults, and the functions that validate and convert values."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from .containers.facts import MAX_ENTRIES, MAX_SIZE
from .media_types.families import DESCRIBED_ARCHIVES, OFFICE_TYPES
from .media_types.matching import is_pattern

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

# RFC 6454 section 6.2: scheme, host and port, without a path, as browsers write it: another would never be met.
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/?#@*,A-Z]+")

DEFAULT_PROFILE = "default"
MAX_PROFILE_NAME = 100
"""Characters: the length of the column."""

PRIVATE_ALIAS = "largefiles"
"""The alias of ``STORAGES`` that stands for a private folder where the project does not define it."""

MAX_STORAGE_ALIAS = 100
"""Characters of an alias of ``STORAGES``: the length of the column."""

MAX_STORED_NAME = 255
"""Characters of a name in the storage: the length of the column."""


LONGEST_SIGNED = timedelta(days=7)
"""Signature Version 4 allows no more (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html)."""


@dataclass(frozen=True, kw_only=True)
class ExtractionLimits:
    """What one confined run of an extractor may use."""

    wall_seconds: float = 20
    cpu_seconds: int = 10
    memory_bytes: int = 512 * MIB
    read_bytes: int = 64 * MIB


@dataclass(frozen=True, kw_only=True)
class ArchiveLimits:
    """What an archive may hold, and an office file, which is one. Sizes are unpacked, in bytes."""

    entries: int = 10_000
    total_size: int = 10 * GIB
    ratio: float = 100
    nested: bool = False
    """Whether members may be archives. The members of those are not counted."""
    links: bool = False
    traversal: bool = False
    encrypted: bool = False
    """Whether members may be encrypted. No scanner can read them."""
    overlapping: bool = False
    unreadable: bool = False
    """Whether archives pass whose directory could not be read, or not to its end."""


@dataclass(frozen=True, kw_only=True)
class ScannerChoice:
    """One line of ``SCANNERS``: the dotted path of a class, and its keyword arguments."""

    backend: str
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Quota:
    """How much one owner may keep; ``None`` means no limit."""

    bytes: int | None = None
    files: int | None = None


@dataclass(frozen=True, kw_only=True)
class Option:
    """One key of ``LARGEFILES``: its default, and a function that converts a value or raises ``ValueError``."""

    default: Any
    read: Callable[[Any], Any]
    merges: bool = False
    """Whether a profile's dict is merged into the general one instead of replacing it."""


def _positive_integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise ValueError(f"must be a positive whole number, not {value!r}")
    return value


def _at_most(most: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if _positive_integer(value) > most:
            raise ValueError(f"must be at most {most}, not {value!r}")
        return int(value)

    return read


def _positive_number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ValueError(f"must be a positive number, not {value!r}")
    return value


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"must be True or False, not {value!r}")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"must be a non-empty string, not {value!r}")
    return value


def _path_or_default(value: Any) -> str:
    return _text(value) if value != "" else ""


def _alias(value: Any) -> str:
    if len(_text(value)) > MAX_STORAGE_ALIAS:
        raise ValueError(f"must be an alias of at most {MAX_STORAGE_ALIAS} characters, not {len(value)}")
    return str(value)


def _stores(value: Any) -> str | Mapping[str, str]:
    if isinstance(value, Mapping):
        return {_alias(alias): _text(path) for alias, path in value.items()}
    return _path_or_default(value)


def _directory(value: Any) -> Path | None:
    if value is None:
        return None
    if not isinstance(value, str | Path) or not Path(value).is_absolute():
        raise ValueError(f"must be the absolute path of a directory, not {value!r}")
    return Path(value)


def _one_of(*choices: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(map(repr, choices))}, not {value!r}")
        return str(value)

    return read


def _duration(value: Any) -> timedelta:
    if isinstance(value, timedelta) and value > timedelta(0):
        return value
    raise ValueError(f"must be a positive timedelta, not {value!r}")


def _signed_for(value: Any) -> timedelta:
    lifetime = _duration(value)
    if not timedelta(seconds=1) <= lifetime <= LONGEST_SIGNED:
        raise ValueError(f"must be between a second and {LONGEST_SIGNED.days} days, not {value!r}")
    return lifetime


def _pattern(value: Any) -> str:
    if not isinstance(value, str) or not is_pattern(value):
        raise ValueError(f"{value!r} is not a media type or a pattern such as 'image/*'")
    return value.lower()


def _patterns(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple | set | frozenset):
        raise ValueError(f"must be a list of media types, not {value!r}")
    return tuple(_pattern(item) for item in value)


def mapping(value: Any) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"must be a dict, not {value!r}")
    return value


def _profiles(value: Any) -> Mapping[str, Any]:
    for name in mapping(value):
        if not isinstance(name, str) or not 0 < len(name) <= MAX_PROFILE_NAME:
            raise ValueError(f"the name of a profile must have 1 to {MAX_PROFILE_NAME} characters, unlike {name!r}")
    return value  # type: ignore[no-any-return]


def _extractors(value: Any) -> dict[str, str]:
    """Return the defaults updated with the host's entries; ``None`` removes an entry."""
    merged = dict(DEFAULT_EXTRACTORS)
    for pattern, path in mapping(value).items():
        if path is None:
            merged.pop(_pattern(pattern), None)
        else:
            merged[_pattern(pattern)] = _text(path)
    return merged


def _extraction(value: Any) -> ExtractionLimits:
    readers: dict[str, Callable[[Any], Any]] = {
        field.name.upper(): _positive_number if field.name == "wall_seconds" else _positive_integer
        for field in dataclasses.fields(ExtractionLimits)
    }
    return ExtractionLimits(**_read_fields(value, readers))


def _archive_limits(value: Any) -> ArchiveLimits:
    readers: dict[str, Callable[[Any], Any]] = {
        "ENTRIES": _at_most(MAX_ENTRIES),
        "TOTAL_SIZE": _at_most(MAX_SIZE),
        "RATIO": _positive_number,
    }
    flags = (field.name.upper() for field in dataclasses.fields(ArchiveLimits) if field.type == "bool")
    return ArchiveLimits(**_read_fields(value, readers | dict.fromkeys(flags, _boolean)))


def _scanners(value: Any) -> tuple[ScannerChoice, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"must be a list of dicts with BACKEND and, if need be, OPTIONS, not {value!r}")
    return tuple(_scanner(item) for item in value)


def _scanner(value: Any) -> ScannerChoice:
    chosen = _read_fields(value, {"BACKEND": _text, "OPTIONS": _keyword_arguments})
    if "backend" not in chosen:
        raise ValueError(f"{value!r} lacks BACKEND")
    return ScannerChoice(**chosen)


def _keyword_arguments(value: Any) -> Mapping[str, Any]:
    for name in mapping(value):
        if not isinstance(name, str):
            raise ValueError(f"OPTIONS are keyword arguments: {name!r} is no name of one")
    return value  # type: ignore[no-any-return]


def _quota(value: Any) -> Quota:
    return Quota(**_read_fields(value, {"BYTES": _positive_integer, "FILES": _positive_integer}))


def _read_fields(value: Any, readers: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
    for key in mapping(value):
        if key not in readers:
            raise ValueError(f"unknown key {key!r}; known are {', '.join(readers)}")
    return {key.lower(): readers[key](limit) for key, limit in value.items()}


def _origins(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple | set | frozenset):
        raise ValueError(f"must be a list of origins, not {value!r}")
    for origin in value:
        if origin != "*" and not (isinstance(origin, str) and _ORIGIN.fullmatch(origin)):
            raise ValueError(f"{origin!r} is neither '*' nor an origin such as 'https://example.com'")
    return tuple(value)


DEFAULT_EXTRACTORS = {
    "image/*": "django_largefiles.extractors.image.ImageExtractor",
    "application/pdf": "django_largefiles.extractors.pdf.PdfExtractor",
    "audio/*": "django_largefiles.extractors.media.MediaExtractor",
    "video/*": "django_largefiles.extractors.video.VideoExtractor",
    **dict.fromkeys(sorted(DESCRIBED_ARCHIVES), "django_largefiles.extractors.archive.ArchiveExtractor"),
    **dict.fromkeys(OFFICE_TYPES, "django_largefiles.extractors.office.OfficeExtractor"),
}

RULES = {
    "MAX_UPLOAD_SIZE": Option(default=5 * GIB, read=_positive_integer),
    "ALLOWED_MIME_TYPES": Option(
        default=(
            "image/jpeg",
            "image/png",
            "image/gif",
            "image/webp",
            "application/pdf",
            "audio/*",
            "video/*",
        ),
        read=_patterns,
    ),
    "EXTENSION_MUST_MATCH": Option(default=True, read=_boolean),
    "UPLOAD_EXPIRES_AFTER": Option(default=timedelta(hours=24), read=_duration),
    "EXTRACTORS": Option(default={}, read=_extractors, merges=True),
    "EXTRACTION": Option(default={}, read=_extraction, merges=True),
    "ARCHIVE_LIMITS": Option(default={}, read=_archive_limits, merges=True),
    "ON_EXTRACTION_FAILURE": Option(default="accept", read=_one_of("accept", "reject")),
    "SCANNERS": Option(default=(), read=_scanners),
    "ON_UNSCANNABLE": Option(default="quarantine", read=_one_of("quarantine", "reject", "allow")),
}

OPTIONS = RULES | {
    "STORAGE": Option(default=PRIVATE_ALIAS, read=_alias),
    "STORE": Option(default="", read=_stores),
    "STAGING_DIRECTORY": Option(default=None, read=_directory),
    "CHUNK_SIZE": Option(default=512 * KIB, read=_positive_integer),
    "DURABILITY": Option(default="flush", read=_one_of("flush", "fsync")),
    "ACCESS_POLICY": Option(default="django_largefiles.access.OwnerOrStaff", read=_text),
    "DISPATCHER": Option(default="auto", read=_text),
    "BODY_TIMEOUT": Option(default=timedelta(seconds=60), read=_duration),
    "DELIVERY": Option(default="auto", read=_one_of("auto", "stream", "redirect")),
    "REDIRECT_EXPIRES_AFTER": Option(default=timedelta(minutes=5), read=_signed_for),
    "PART_URL_EXPIRES_AFTER": Option(default=timedelta(minutes=15), read=_signed_for),
    "AUTHENTICATOR": Option(default="", read=_path_or_default),
    "CORS_ALLOWED_ORIGINS": Option(default=(), read=_origins),
    "QUOTA": Option(default={}, read=_quota),
    "PROFILES": Option(default={}, read=_profiles),
}
