"""The host's ``LARGEFILES`` setting: typed, with defaults, read at each use.

``largefiles_settings`` has one property per setting; ``get_profile(name)`` gives the rules of one profile. Both raise
``InvalidSetting``; the system checks collect every such error through ``problems()``.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings

from .exceptions import InvalidSetting, UnknownProfile
from .media_types import is_pattern

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

DEFAULT_PROFILE = "default"
MAX_PROFILE_NAME = 100
"""Characters: the length of the column."""


@dataclass(frozen=True, kw_only=True)
class ExtractionLimits:
    """What one confined run of an extractor may use."""

    wall_seconds: float = 20
    cpu_seconds: int = 10
    memory_bytes: int = 512 * MIB
    read_bytes: int = 64 * MIB


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A named set of rules. Sizes are in bytes."""

    name: str
    max_upload_size: int
    allowed_mime_types: tuple[str, ...]
    extension_must_match: bool
    upload_expires_after: timedelta
    extractors: Mapping[str, str]
    extraction: ExtractionLimits
    reject_on_extraction_failure: bool


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


def _pattern(value: Any) -> str:
    if not isinstance(value, str) or not is_pattern(value):
        raise ValueError(f"{value!r} is not a media type or a pattern such as 'image/*'")
    return value.lower()


def _patterns(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple | set | frozenset):
        raise ValueError(f"must be a list of media types, not {value!r}")
    return tuple(_pattern(item) for item in value)


def _mapping(value: Any) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"must be a dict, not {value!r}")
    return value


def _profiles(value: Any) -> Mapping[str, Any]:
    for name in _mapping(value):
        if not isinstance(name, str) or not 0 < len(name) <= MAX_PROFILE_NAME:
            raise ValueError(f"the name of a profile must have 1 to {MAX_PROFILE_NAME} characters, unlike {name!r}")
    return value  # type: ignore[no-any-return]


def _extractors(value: Any) -> dict[str, str]:
    """The defaults with the host's lines over them; ``None`` takes a line away."""
    merged = dict(DEFAULT_EXTRACTORS)
    for pattern, path in _mapping(value).items():
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
    for key in _mapping(value):
        if key not in readers:
            raise ValueError(f"unknown key {key!r}; known are {', '.join(readers)}")
    return ExtractionLimits(**{key.lower(): readers[key](limit) for key, limit in value.items()})


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
    "CHUNK_SIZE": Option(default=MIB, read=_positive_integer),
    "DURABILITY": Option(default="flush", read=_one_of("flush", "fsync")),
    "ACCESS_POLICY": Option(default="django_largefiles.access.OwnerOrStaff", read=_text),
    "DISPATCHER": Option(default="django_largefiles.dispatch.celery.CeleryDispatcher", read=_text),
    "PROFILES": Option(default={}, read=_profiles),
}


def _host_settings() -> Mapping[str, Any]:
    try:
        return _mapping(getattr(settings, "LARGEFILES", {}))
    except ValueError as error:
        raise InvalidSetting("LARGEFILES", str(error)) from error


def _read(key: str, value: Any, *, name: str) -> Any:
    try:
        return OPTIONS[key].read(value)
    except ValueError as error:
        raise InvalidSetting(name, str(error)) from error


class LargeFilesSettings:
    def _value(self, key: str) -> Any:
        return _read(key, _host_settings().get(key, OPTIONS[key].default), name=key)

    @property
    def storage(self) -> str:
        """An alias of ``STORAGES``."""
        return str(self._value("STORAGE"))

    @property
    def chunk_size(self) -> int:
        """Bytes read, hashed and written at a time."""
        return int(self._value("CHUNK_SIZE"))

    @property
    def fsync(self) -> bool:
        """Whether bytes are forced to the disk before they are acknowledged."""
        return bool(self._value("DURABILITY") == "fsync")

    @property
    def access_policy(self) -> str:
        return str(self._value("ACCESS_POLICY"))

    @property
    def dispatcher(self) -> str:
        return str(self._value("DISPATCHER"))

    @property
    def profiles(self) -> Mapping[str, Mapping[str, Any]]:
        """The host's profiles as written; ``default`` is always among them."""
        return {DEFAULT_PROFILE: {}, **self._value("PROFILES")}


largefiles_settings = LargeFilesSettings()


def get_profile(name: str) -> Profile:
    """The rules of one profile: its own, over the host's, over ours.

    Raises ``UnknownProfile`` (a client may have chosen the name) and ``InvalidSetting``.
    """
    host, profiles = _host_settings(), largefiles_settings.profiles
    if name not in profiles:
        raise UnknownProfile(f"there is no profile {name!r}", limit=", ".join(sorted(map(str, profiles))), value=name)
    own = _read_profile(name, profiles[name])

    def rule(key: str) -> Any:
        general = host.get(key, RULES[key].default)
        if key not in own:
            return _read(key, general, name=key)
        value = _read(key, own[key], name=f"PROFILES[{name!r}][{key!r}]")
        if not RULES[key].merges:
            return value
        # Each of the two has its own errors; together they have none.
        _read(key, general, name=key)
        return _read(key, {**general, **own[key]}, name=key)

    return Profile(
        name=name,
        max_upload_size=rule("MAX_UPLOAD_SIZE"),
        allowed_mime_types=rule("ALLOWED_MIME_TYPES"),
        extension_must_match=rule("EXTENSION_MUST_MATCH"),
        upload_expires_after=rule("UPLOAD_EXPIRES_AFTER"),
        extractors=rule("EXTRACTORS"),
        extraction=rule("EXTRACTION"),
        reject_on_extraction_failure=rule("ON_EXTRACTION_FAILURE") == "reject",
    )


def _read_profile(name: str, value: Any) -> Mapping[str, Any]:
    try:
        return _mapping(value)
    except ValueError as error:
        raise InvalidSetting(f"PROFILES[{name!r}]", str(error)) from error


def problems() -> Iterator[InvalidSetting]:
    """Everything that is wrong with the host's ``LARGEFILES``, one error per key."""
    try:
        host = _host_settings()
    except InvalidSetting as error:
        yield error
        return
    yield from _unreadable(host, OPTIONS, prefix="")
    if not isinstance(host.get("PROFILES", {}), Mapping):
        return
    for name, own in host.get("PROFILES", {}).items():
        try:
            yield from _unreadable(_read_profile(name, own), RULES, prefix=f"PROFILES[{name!r}]")
        except InvalidSetting as error:
            yield error


def _unreadable(values: Mapping[str, Any], options: Mapping[str, Option], *, prefix: str) -> Iterator[InvalidSetting]:
    for key, value in values.items():
        name = f"{prefix}[{key!r}]" if prefix else str(key)
        if key not in options:
            yield InvalidSetting(name, f"unknown setting; known are {', '.join(options)}")
            continue
        try:
            _read(key, value, name=name)
        except InvalidSetting as error:
            yield error
