"""The keys of ``LARGEFILES``: their defaults, and what turns a host's value into ours."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from .media_types import is_pattern

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

# RFC 6454 section 6.2: scheme, host and port, without a path, as browsers write it: another would never be met.
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/?#@*,A-Z]+")

DEFAULT_PROFILE = "default"
MAX_PROFILE_NAME = 100
"""Characters: the length of the column."""


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
class Quota:
    """What one owner may keep; ``None`` is without limit."""

    bytes: int | None = None
    files: int | None = None


@dataclass(frozen=True, kw_only=True)
class Option:
    """One key of ``LARGEFILES``: its default, and what turns a host's value into ours or raises ``ValueError``."""

    default: Any
    read: Callable[[Any], Any]
    merges: bool = False
    """Whether a profile's dict is laid over the host's instead of replacing it."""


def _positive_integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise ValueError(f"must be a positive whole number, not {value!r}")
    return value


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
    """The defaults with the host's lines over them; ``None`` takes a line away."""
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
    "video/*": "django_largefiles.extractors.media.MediaExtractor",
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
    "ON_EXTRACTION_FAILURE": Option(default="accept", read=_one_of("accept", "reject")),
}

OPTIONS = RULES | {
    "STORAGE": Option(default="default", read=_text),
    "CHUNK_SIZE": Option(default=512 * KIB, read=_positive_integer),
    "DURABILITY": Option(default="flush", read=_one_of("flush", "fsync")),
    "ACCESS_POLICY": Option(default="django_largefiles.access.OwnerOrStaff", read=_text),
    "DISPATCHER": Option(default="django_largefiles.dispatch.celery.CeleryDispatcher", read=_text),
    "BODY_TIMEOUT": Option(default=timedelta(seconds=60), read=_duration),
    "DELIVERY": Option(default="auto", read=_one_of("auto", "stream", "redirect")),
    "REDIRECT_EXPIRES_AFTER": Option(default=timedelta(minutes=5), read=_signed_for),
    "PART_URL_EXPIRES_AFTER": Option(default=timedelta(minutes=15), read=_signed_for),
    "AUTHENTICATOR": Option(default="", read=_path_or_default),
    "CORS_ALLOWED_ORIGINS": Option(default=(), read=_origins),
    "QUOTA": Option(default={}, read=_quota),
    "PROFILES": Option(default={}, read=_profiles),
}
