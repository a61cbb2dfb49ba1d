"""The types of the values of ``LARGEFILES``, and their constants."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from .media_types.families import DESCRIBED_ARCHIVES, OFFICE_TYPES

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

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

SHORTEST_LINK, LONGEST_LINK = timedelta(minutes=1), timedelta(days=365)
"""The lifetime of a signed link. Its expiry is rounded, which is of no use below a minute."""


@dataclass(frozen=True, kw_only=True)
class ExtractionLimits:
    """The limits of one confined run of an extractor."""

    wall_seconds: float = 20
    cpu_seconds: int = 10
    memory_bytes: int = 512 * MIB
    read_bytes: int = 64 * MIB


@dataclass(frozen=True, kw_only=True)
class ArchiveLimits:
    """The limits of an archive, also of an office file, which is one. Sizes are unpacked, in bytes."""

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
    ambiguous: bool = False
    """Whether programs may disagree about the members."""
    unreadable: bool = False
    """Whether to accept archives whose directory could not be read, or not to its end."""


@dataclass(frozen=True, kw_only=True)
class BackendChoice:
    """What a setting names: the dotted path of a class, and its keyword arguments."""

    backend: str
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Quota:
    """The most that one owner may keep; ``None`` means no limit."""

    bytes: int | None = None
    files: int | None = None
    uploads: int | None = None
    """Files that are arriving at once."""


@dataclass(frozen=True, kw_only=True)
class ProgressLimits:
    """The limits of streams of events, by Server-Sent Events and WebSockets, in one process."""

    streams: int = 2_000
    streams_per_user: int = 100
    lifetime: timedelta = timedelta(minutes=10)
    """After it, clients connect again, and are asked again who they are."""


DEFAULT_EXTRACTORS = {
    "image/*": "django_largefiles.extractors.image.ImageExtractor",
    "application/pdf": "django_largefiles.extractors.pdf.PdfExtractor",
    "audio/*": "django_largefiles.extractors.media.MediaExtractor",
    "video/*": "django_largefiles.extractors.video.VideoExtractor",
    **dict.fromkeys(sorted(DESCRIBED_ARCHIVES), "django_largefiles.extractors.archive.ArchiveExtractor"),
    **dict.fromkeys(OFFICE_TYPES, "django_largefiles.extractors.office.OfficeExtractor"),
}
