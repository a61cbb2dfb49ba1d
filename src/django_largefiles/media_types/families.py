"""Lists of media types, derived from the table."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Mapping
from types import MappingProxyType

from .table import EXTENSIONS_OF_NO_TYPE, ODF, OOXML, TYPES, UNKNOWN, Container, Family, MediaType

_COMPRESSED = {Container.GZIP, Container.BZIP2, Container.XZ}


def _names(wanted: Callable[[MediaType], bool]) -> tuple[str, ...]:
    return tuple(name for row in TYPES if wanted(row) for name in row.names.split())


def _names_of(*families: Family) -> tuple[str, ...]:
    return _names(lambda row: row.family in families)


def _extensions() -> dict[str, frozenset[str]]:
    # The defaults of the standard library, not the host's mime.types, which differs between machines.
    defaults: dict[str, set[str]] = {}
    for suffix, kind in mimetypes.MimeTypes(filenames=()).types_map[True].items():
        defaults.setdefault(kind, set()).add(suffix)
    table = {name: set(row.extensions.split()) for row in TYPES for name in row.names.split()}
    return {kind: frozenset(suffixes) for kind, suffixes in {**defaults, **table}.items() if kind != UNKNOWN}


EXTENSIONS: Mapping[str, frozenset[str]] = MappingProxyType(_extensions())
"""The extensions that a file of a type may have."""

TELLING = frozenset().union(*EXTENSIONS.values()) - frozenset(EXTENSIONS_OF_NO_TYPE.split())
"""The extensions that promise a type."""

TYPE_OF_MARK: Mapping[str, str] = MappingProxyType({mark: row.names.split()[0] for row in TYPES for mark in row.marks})
"""The type that each mark in the bytes shows."""

OFFICE_TYPES = _names_of(Family.OFFICE)

TAR_TYPES = frozenset(_names(lambda row: row.container is Container.TAR))

COMPRESSIONS: Mapping[str, str] = MappingProxyType(
    {
        name: row.container.value
        for row in TYPES
        if row.container and row.container in _COMPRESSED
        for name in row.names.split()
    }
)
"""Types of compressed files, with the name of the compression in ``containers.compressed``."""

MOVIE_TYPES = frozenset(_names(lambda row: row.container is Container.ISOBMFF and row.family is not Family.IMAGE))
"""Types of MP4, QuickTime and related files."""

ZIP_TYPES = frozenset(_names(lambda row: row.container is Container.ZIP))
"""Types of files that are ZIP archives, under this name or another."""

ARCHIVE_TYPES = frozenset(_names_of(Family.ARCHIVE, Family.PACKAGE, Family.OFFICE))
"""Types of files that hold other files: their limits are checked before they become ``ready``."""

DESCRIBED_ARCHIVES = ZIP_TYPES.union(TAR_TYPES, COMPRESSIONS) - frozenset(OFFICE_TYPES)
"""Types of archives that ``ArchiveExtractor`` reads."""


ACTIVE_TYPES = frozenset(
    (*_names_of(Family.MARKUP, Family.EXECUTABLE), "image/svg+xml", "message/rfc822", "multipart/x-mixed-replace")
)
"""Types that a browser may run scripts of when it shows them, archives of web pages among them."""

SYNONYMS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {name: tuple(row.names.split()) for row in TYPES for name in row.names.split()}
)
"""All names of a type, by each of them."""


def is_zip(media_type: str) -> bool:
    """Whether files of this type are ZIP archives. libmagic may name an office type that is not in the table."""
    return media_type in ZIP_TYPES or media_type.startswith((OOXML, ODF))


_OLE_TYPES = _names(lambda row: row.container is Container.OLE)
_VAGUE_OLE_TYPES = next(row.names.split() for row in TYPES if row.container is Container.OLE)
_TEXTS = _names_of(Family.TEXT)
_MARKUP = _names_of(Family.MARKUP)

POSSIBLE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        # The directory at the end determines the type of a ZIP archive; its first member may suggest another.
        **dict.fromkeys(ZIP_TYPES, tuple(ZIP_TYPES)),
        # The directory that tells these apart may lie anywhere in the file.
        **dict.fromkeys(_VAGUE_OLE_TYPES, _OLE_TYPES),
        # JSON and CSV are recognised only as a whole, libmagic's guesses change with every line, and a comment may
        # push the first tag of markup out of the head.
        **dict.fromkeys(_TEXTS, (*_TEXTS, *_MARKUP, "image/svg+xml", "message/rfc822", UNKNOWN)),
        "text/xml": (*_MARKUP, "image/svg+xml"),
        # The volume descriptor is at 32 KiB (ECMA-119).
        UNKNOWN: _names_of(Family.DISK_IMAGE),
    }
)
"""What a whole file may turn out to be, by the type that its first bytes show."""
