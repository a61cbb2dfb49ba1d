"""The host's ``LARGEFILES`` setting: typed, with defaults, read at each use.

``largefiles_settings`` has one property per setting; ``get_profile(name)`` gives the rules of one profile. Both raise
``InvalidSetting``; the system checks collect every such error through ``problems()``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings

from .exceptions import InvalidSetting, UnknownProfile
from .keys import OPTIONS, RULES, Option
from .options import DEFAULT_PROFILE, ArchiveLimits, BackendChoice, ExtractionLimits, ProgressLimits, Quota
from .readers import mapping


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A named set of rules. Sizes are in bytes."""

    name: str
    max_upload_size: int
    allowed_mime_types: tuple[str, ...]
    inline_types: tuple[str, ...]
    """Patterns of types that browsers may show in place of storing them, if a request asks for it."""
    extension_must_match: bool
    upload_expires_after: timedelta
    extractors: Mapping[str, str]
    extraction: ExtractionLimits
    archive_limits: ArchiveLimits
    reject_on_extraction_failure: bool
    scanners: tuple[BackendChoice, ...]
    on_unscannable: str
    """``"quarantine"``, ``"reject"`` or ``"allow"``."""


def _host_settings() -> Mapping[str, Any]:
    try:
        return mapping(getattr(settings, "LARGEFILES", {}))
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
        """The alias of ``STORAGES`` under which new files are stored."""
        return str(self._value("STORAGE"))

    @property
    def store(self) -> str | Mapping[str, str]:
        """The dotted path of the store for ``storage``, or one for each alias; empty for the one that fits."""
        store: str | Mapping[str, str] = self._value("STORE")
        return store

    @property
    def staging_directory(self) -> Path | None:
        """Where bytes wait to be moved to a storage that is not a file system."""
        directory: Path | None = self._value("STAGING_DIRECTORY")
        return directory

    @property
    def chunk_size(self) -> int:
        """Bytes read, hashed and written at a time."""
        return int(self._value("CHUNK_SIZE"))

    @property
    def reserved_bytes(self) -> int:
        """Bytes that uploads leave free on the disk where they arrive."""
        return int(self._value("RESERVED_BYTES"))

    @property
    def fsync(self) -> bool:
        """Whether bytes are forced to the disk before they are acknowledged."""
        return bool(self._value("DURABILITY") == "fsync")

    @property
    def body_timeout(self) -> timedelta:
        """How long a client may send nothing of a body, and take nothing of a download."""
        timeout: timedelta = self._value("BODY_TIMEOUT")
        return timeout

    @property
    def minimum_rate(self) -> int:
        """Bytes a second that a client must send or take, on average over ``body_timeout``."""
        return int(self._value("MINIMUM_RATE"))

    @property
    def delivery(self) -> str:
        """``"auto"``, ``"stream"``, ``"x-accel"``, ``"x-sendfile"`` or ``"redirect"``."""
        return str(self._value("DELIVERY"))

    @property
    def delivery_internal_prefix(self) -> str | Mapping[str, str]:
        """The path of the web server's internal location of ``storage``, or one for each alias; empty for none."""
        prefix: str | Mapping[str, str] = self._value("DELIVERY_INTERNAL_PREFIX")
        return prefix

    @property
    def redirect_expires_after(self) -> timedelta:
        """How long a link that a download is redirected to can be followed."""
        lifetime: timedelta = self._value("REDIRECT_EXPIRES_AFTER")
        return lifetime

    @property
    def link_expires_after(self) -> timedelta:
        """How long a signed link can be followed, unless its maker says otherwise."""
        lifetime: timedelta = self._value("LINK_EXPIRES_AFTER")
        return lifetime

    @property
    def part_url_expires_after(self) -> timedelta:
        """How long the URL for a part of a direct upload takes it."""
        lifetime: timedelta = self._value("PART_URL_EXPIRES_AFTER")
        return lifetime

    @property
    def unattached_expires_after(self) -> timedelta:
        """How long a complete file that a form has uploaded waits for the form to be saved."""
        lifetime: timedelta = self._value("UNATTACHED_EXPIRES_AFTER")
        return lifetime

    @property
    def access_policy(self) -> str:
        return str(self._value("ACCESS_POLICY"))

    @property
    def dispatcher(self) -> str:
        """A dotted path or ``"auto"``."""
        return str(self._value("DISPATCHER"))

    @property
    def authenticator(self) -> str:
        """A dotted path to what authenticates resumable requests; empty to choose what fits the project."""
        return str(self._value("AUTHENTICATOR"))

    @property
    def cors_allowed_origins(self) -> tuple[str, ...]:
        return tuple(self._value("CORS_ALLOWED_ORIGINS"))

    @property
    def throttles(self) -> tuple[BackendChoice, ...]:
        """Those that limit how often uploads are created."""
        return tuple(self._value("THROTTLES"))

    @property
    def progress_notifier(self) -> BackendChoice | None:
        """What tells other processes that an asset has changed; ``None`` for nothing but their own looks."""
        choice: BackendChoice | None = self._value("PROGRESS_NOTIFIER")
        return choice

    @property
    def progress_limits(self) -> ProgressLimits:
        limits: ProgressLimits = self._value("PROGRESS_LIMITS")
        return limits

    @property
    def quota(self) -> Quota:
        quota: Quota = self._value("QUOTA")
        return quota

    @property
    def profiles(self) -> Mapping[str, Mapping[str, Any]]:
        """The host's profiles as written; ``default`` is always among them."""
        return {DEFAULT_PROFILE: {}, **self._value("PROFILES")}


largefiles_settings = LargeFilesSettings()


def get_profile(name: str) -> Profile:
    """Return the rules of one profile: its own, then the general ones, then the defaults.

    Raise ``UnknownProfile`` (a client may have chosen the name) and ``InvalidSetting``.
    """
    host, profiles = _host_settings(), largefiles_settings.profiles
    if name not in profiles:
        raise UnknownProfile(limit=", ".join(sorted(map(str, profiles))), value=name)
    own = _read_profile(name, profiles[name])

    def rule(key: str) -> Any:
        general = host.get(key, RULES[key].default)
        if key not in own:
            return _read(key, general, name=key)
        value = _read(key, own[key], name=f"PROFILES[{name!r}][{key!r}]")
        if not RULES[key].merges:
            return value
        # Validate the general value by itself, so that errors name the right key.
        _read(key, general, name=key)
        return _read(key, {**general, **own[key]}, name=key)

    return Profile(
        name=name,
        max_upload_size=rule("MAX_UPLOAD_SIZE"),
        allowed_mime_types=rule("ALLOWED_MIME_TYPES"),
        inline_types=rule("INLINE_TYPES"),
        extension_must_match=rule("EXTENSION_MUST_MATCH"),
        upload_expires_after=rule("UPLOAD_EXPIRES_AFTER"),
        extractors=rule("EXTRACTORS"),
        extraction=rule("EXTRACTION"),
        archive_limits=rule("ARCHIVE_LIMITS"),
        reject_on_extraction_failure=rule("ON_EXTRACTION_FAILURE") == "reject",
        scanners=rule("SCANNERS"),
        on_unscannable=rule("ON_UNSCANNABLE"),
    )


def _read_profile(name: str, value: Any) -> Mapping[str, Any]:
    try:
        return mapping(value)
    except ValueError as error:
        raise InvalidSetting(f"PROFILES[{name!r}]", str(error)) from error


def problems() -> Iterator[InvalidSetting]:
    """Yield every error in the host's ``LARGEFILES``, one per key."""
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
