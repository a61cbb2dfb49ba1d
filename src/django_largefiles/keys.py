"""The keys of ``LARGEFILES``: the default of each, and the function that reads its value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from . import readers
from .options import GIB, KIB, MIB, PRIVATE_ALIAS


@dataclass(frozen=True, kw_only=True)
class Option:
    """One key of ``LARGEFILES``: its default, and a function that converts a value or raises ``ValueError``."""

    default: Any
    read: readers.Reader
    merges: bool = False
    """Whether a profile's dict is merged into the general one instead of replacing it."""


RULES = {
    "MAX_UPLOAD_SIZE": Option(default=5 * GIB, read=readers.positive_integer),
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
        read=readers.patterns,
    ),
    "INLINE_TYPES": Option(
        default=(
            "image/jpeg",
            "image/png",
            "image/gif",
            "image/webp",
            "image/avif",
            "application/pdf",
            "audio/*",
            "video/*",
        ),
        read=readers.inline_types,
    ),
    "EXTENSION_MUST_MATCH": Option(default=True, read=readers.boolean),
    "UPLOAD_EXPIRES_AFTER": Option(default=timedelta(hours=24), read=readers.duration),
    "EXTRACTORS": Option(default={}, read=readers.extractors, merges=True),
    "EXTRACTION": Option(default={}, read=readers.extraction, merges=True),
    "ARCHIVE_LIMITS": Option(default={}, read=readers.archive_limits, merges=True),
    "ON_EXTRACTION_FAILURE": Option(default="accept", read=readers.one_of("accept", "reject")),
    "SCANNERS": Option(default=(), read=readers.backends),
    "ON_UNSCANNABLE": Option(default="quarantine", read=readers.one_of("quarantine", "reject", "allow")),
}

OPTIONS = RULES | {
    "STORAGE": Option(default=PRIVATE_ALIAS, read=readers.alias),
    "STORE": Option(default="", read=readers.stores),
    "STAGING_DIRECTORY": Option(default=None, read=readers.directory),
    "CHUNK_SIZE": Option(default=512 * KIB, read=readers.positive_integer),
    "RESERVED_BYTES": Option(default=64 * MIB, read=readers.whole_number),
    "DURABILITY": Option(default="flush", read=readers.one_of("flush", "fsync")),
    "UNATTACHED_EXPIRES_AFTER": Option(default=timedelta(hours=24), read=readers.duration),
    "ACCESS_POLICY": Option(default="django_largefiles.access.OwnerOrStaff", read=readers.text),
    "DISPATCHER": Option(default="auto", read=readers.text),
    "BODY_TIMEOUT": Option(default=timedelta(seconds=60), read=readers.duration),
    "MINIMUM_RATE": Option(default=KIB, read=readers.positive_integer),
    "DELIVERY": Option(default="auto", read=readers.one_of("auto", "stream", "x-accel", "x-sendfile", "redirect")),
    "DELIVERY_INTERNAL_PREFIX": Option(default="", read=readers.internal_prefixes),
    "REDIRECT_EXPIRES_AFTER": Option(default=timedelta(minutes=5), read=readers.signed_for),
    "LINK_EXPIRES_AFTER": Option(default=timedelta(hours=12), read=readers.link_lifetime),
    "PART_URL_EXPIRES_AFTER": Option(default=timedelta(minutes=15), read=readers.signed_for),
    "AUTHENTICATOR": Option(default="", read=readers.path_or_default),
    "CORS_ALLOWED_ORIGINS": Option(default=(), read=readers.origins),
    "THROTTLES": Option(default=(), read=readers.backends),
    "PROGRESS_NOTIFIER": Option(default=None, read=readers.backend_or_none),
    "PROGRESS_LIMITS": Option(default={}, read=readers.progress_limits),
    "QUOTA": Option(default={}, read=readers.quota),
    "PROFILES": Option(default={}, read=readers.profiles),
}
