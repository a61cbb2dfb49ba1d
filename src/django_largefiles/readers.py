"""Readers of setting values: each validates and converts one value of ``LARGEFILES``, or raises ``ValueError``."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

from .containers.facts import MAX_ENTRIES, MAX_SIZE
from .media_types.matching import covers_active_types, is_pattern
from .options import (
    DEFAULT_EXTRACTORS,
    LONGEST_LINK,
    LONGEST_SIGNED,
    MAX_PROFILE_NAME,
    MAX_STORAGE_ALIAS,
    SHORTEST_LINK,
    ArchiveLimits,
    BackendChoice,
    ExtractionLimits,
    ProgressLimits,
    Quota,
)

Reader: TypeAlias = Callable[[Any], Any]

# RFC 6454 section 6.2: scheme, host and port, without a path, as browsers write it. Any other form would never match.
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/?#@*,A-Z]+")

# A path without what would have to be quoted, and without folders of dots. "/" alone would name the whole site.
_PREFIX = re.compile(r"/(?:[A-Za-z0-9_-][A-Za-z0-9._-]*/)+")


def positive_integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise ValueError(f"must be a positive whole number, not {value!r}")
    return value


def whole_number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"must be a whole number, 0 or more, not {value!r}")
    return value


def at_most(most: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if positive_integer(value) > most:
            raise ValueError(f"must be at most {most}, not {value!r}")
        return int(value)

    return read


def positive_number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ValueError(f"must be a positive number, not {value!r}")
    return value


def boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"must be True or False, not {value!r}")
    return value


def text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"must be a non-empty string, not {value!r}")
    return value


def path_or_default(value: Any) -> str:
    return text(value) if value != "" else ""


def alias(value: Any) -> str:
    if len(text(value)) > MAX_STORAGE_ALIAS:
        raise ValueError(f"must be an alias of at most {MAX_STORAGE_ALIAS} characters, not {len(value)}")
    return str(value)


def stores(value: Any) -> str | Mapping[str, str]:
    if isinstance(value, Mapping):
        return {alias(name): text(path) for name, path in value.items()}
    return path_or_default(value)


def internal_prefixes(value: Any) -> str | Mapping[str, str]:
    if isinstance(value, Mapping):
        return {alias(name): _internal_prefix(prefix) for name, prefix in value.items()}
    return _internal_prefix(value) if value != "" else ""


def _internal_prefix(value: Any) -> str:
    if not isinstance(value, str) or not _PREFIX.fullmatch(value):
        raise ValueError(f"must be a path such as '/largefiles-internal/', not {value!r}")
    return value


def directory(value: Any) -> Path | None:
    if value is None:
        return None
    if not isinstance(value, str | Path) or not Path(value).is_absolute():
        raise ValueError(f"must be the absolute path of a directory, not {value!r}")
    return Path(value)


def one_of(*choices: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(map(repr, choices))}, not {value!r}")
        return str(value)

    return read


def duration(value: Any) -> timedelta:
    if isinstance(value, timedelta) and value > timedelta(0):
        return value
    raise ValueError(f"must be a positive timedelta, not {value!r}")


def signed_for(value: Any) -> timedelta:
    lifetime = duration(value)
    if not timedelta(seconds=1) <= lifetime <= LONGEST_SIGNED:
        raise ValueError(f"must be between a second and {LONGEST_SIGNED.days} days, not {value!r}")
    return lifetime


def link_lifetime(value: Any) -> timedelta:
    lifetime = duration(value)
    if not SHORTEST_LINK <= lifetime <= LONGEST_LINK:
        raise ValueError(f"must be between a minute and {LONGEST_LINK.days} days, not {value!r}")
    return lifetime


def _pattern(value: Any) -> str:
    if not isinstance(value, str) or not is_pattern(value):
        raise ValueError(f"{value!r} is not a media type or a pattern such as 'image/*'")
    return value.lower()


def patterns(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple | set | frozenset):
        raise ValueError(f"must be a list of media types, not {value!r}")
    return tuple(_pattern(item) for item in value)


def inline_types(value: Any) -> tuple[str, ...]:
    shown = patterns(value)
    active = [pattern for pattern in shown if covers_active_types(pattern)]
    if active:
        raise ValueError(f"must name no types that browsers execute, such as HTML, SVG and XML, unlike {active[0]!r}")
    return shown


def mapping(value: Any) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"must be a dict, not {value!r}")
    return value


def profiles(value: Any) -> Mapping[str, Any]:
    for name in mapping(value):
        if not isinstance(name, str) or not 0 < len(name) <= MAX_PROFILE_NAME:
            raise ValueError(f"the name of a profile must have 1 to {MAX_PROFILE_NAME} characters, unlike {name!r}")
    return value  # type: ignore[no-any-return]


def extractors(value: Any) -> dict[str, str]:
    """Return the defaults updated with the host's entries; ``None`` removes an entry."""
    merged = dict(DEFAULT_EXTRACTORS)
    for pattern, path in mapping(value).items():
        if path is None:
            merged.pop(_pattern(pattern), None)
        else:
            merged[_pattern(pattern)] = text(path)
    return merged


def extraction(value: Any) -> ExtractionLimits:
    fields: dict[str, Reader] = {
        field.name.upper(): positive_number if field.name == "wall_seconds" else positive_integer
        for field in dataclasses.fields(ExtractionLimits)
    }
    return ExtractionLimits(**_read_fields(value, fields))


def archive_limits(value: Any) -> ArchiveLimits:
    fields: dict[str, Reader] = {
        "ENTRIES": at_most(MAX_ENTRIES),
        "TOTAL_SIZE": at_most(MAX_SIZE),
        "RATIO": positive_number,
    }
    flags = (field.name.upper() for field in dataclasses.fields(ArchiveLimits) if field.type == "bool")
    return ArchiveLimits(**_read_fields(value, fields | dict.fromkeys(flags, boolean)))


def backends(value: Any) -> tuple[BackendChoice, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"must be a list of dicts with BACKEND and optionally OPTIONS, not {value!r}")
    return tuple(_backend(item) for item in value)


def backend_or_none(value: Any) -> BackendChoice | None:
    return None if value is None else _backend(value)


def _backend(value: Any) -> BackendChoice:
    chosen = _read_fields(value, {"BACKEND": text, "OPTIONS": _keyword_arguments})
    if "backend" not in chosen:
        raise ValueError(f"BACKEND is missing in {value!r}")
    return BackendChoice(**chosen)


def _keyword_arguments(value: Any) -> Mapping[str, Any]:
    for name in mapping(value):
        if not isinstance(name, str):
            raise ValueError(f"OPTIONS are keyword arguments, whose names are strings, unlike {name!r}")
    return value  # type: ignore[no-any-return]


def quota(value: Any) -> Quota:
    return Quota(**_read_fields(value, dict.fromkeys(("BYTES", "FILES", "UPLOADS"), positive_integer)))


def progress_limits(value: Any) -> ProgressLimits:
    fields: dict[str, Reader] = {
        "STREAMS": positive_integer,
        "STREAMS_PER_USER": positive_integer,
        "LIFETIME": duration,
    }
    return ProgressLimits(**_read_fields(value, fields))


def _read_fields(value: Any, fields: Mapping[str, Reader]) -> dict[str, Any]:
    for key in mapping(value):
        if key not in fields:
            raise ValueError(f"unknown key {key!r}; known are {', '.join(fields)}")
    return {key.lower(): fields[key](field) for key, field in value.items()}


def origins(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple | set | frozenset):
        raise ValueError(f"must be a list of origins, not {value!r}")
    for origin in value:
        if origin != "*" and not (isinstance(origin, str) and _ORIGIN.fullmatch(origin)):
            raise ValueError(f"{origin!r} is neither '*' nor an origin such as 'https://example.com'")
    return tuple(value)
