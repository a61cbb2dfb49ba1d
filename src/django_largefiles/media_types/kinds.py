"""What people call the types of files: the kind of a type, and its short name. ``words`` translates kinds."""

from __future__ import annotations

from enum import StrEnum

from .families import EXTENSIONS, SYNONYMS
from .table import EMPTY, TYPES, Family


class Kind(StrEnum):
    """What kind of file a type is, in everyday terms."""

    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"
    DOCUMENT = "document"
    ARCHIVE = "archive"
    DISK_IMAGE = "disk image"
    PROGRAM = "program"
    WEB_PAGE = "web page"
    TEXT = "text"
    EMPTY = "empty"
    UNKNOWN = "unknown"


_KIND_OF_FAMILY = {
    Family.IMAGE: Kind.IMAGE,
    Family.AUDIO: Kind.AUDIO,
    Family.VIDEO: Kind.VIDEO,
    Family.DOCUMENT: Kind.DOCUMENT,
    Family.OFFICE: Kind.DOCUMENT,
    Family.PACKAGE: Kind.ARCHIVE,
    Family.ARCHIVE: Kind.ARCHIVE,
    Family.DISK_IMAGE: Kind.DISK_IMAGE,
    Family.EXECUTABLE: Kind.PROGRAM,
    Family.MARKUP: Kind.TEXT,
    Family.TEXT: Kind.TEXT,
    Family.UNKNOWN: Kind.UNKNOWN,
}

_KINDS = {name: _KIND_OF_FAMILY[row.family] for row in TYPES for name in row.names.split()} | {
    # Unlike their families.
    "application/epub+zip": Kind.DOCUMENT,
    "application/java-archive": Kind.PROGRAM,
    "application/x-java-archive": Kind.PROGRAM,
    "application/vnd.android.package-archive": Kind.PROGRAM,
    "application/x-msi": Kind.PROGRAM,
    "text/html": Kind.WEB_PAGE,
    "application/xhtml+xml": Kind.WEB_PAGE,
    EMPTY: Kind.EMPTY,
}

_KIND_OF_TOP_LEVEL = {"image": Kind.IMAGE, "audio": Kind.AUDIO, "video": Kind.VIDEO, "text": Kind.TEXT}

_SHORT_NAMES = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/webp": "WebP",
    "image/tiff": "TIFF",
    "image/vnd.microsoft.icon": "ICO",
    "audio/mpeg": "MP3",
    "audio/mp4": "M4A",
    "video/webm": "WebM",
    "video/quicktime": "MOV",
    "text/plain": "TXT",
    "text/html": "HTML",
}


def kind_of(media_type: str) -> Kind:
    """Return the kind of a type, ``UNKNOWN`` for those of which nothing is known."""
    return _KINDS.get(media_type) or _KIND_OF_TOP_LEVEL.get(media_type.partition("/")[0], Kind.UNKNOWN)


def kind_of_extension(extension: str) -> Kind | None:
    """Return the kind that an extension promises; ``None`` if it promises none, or several alike."""
    suffix = extension.lower()
    of_others = {kind_of(row.names.split()[0]) for row in TYPES if suffix in row.extensions.split()}
    own = {kind_of(row.names.split()[0]) for row in TYPES if suffix in row.extensions.split()[:1]}
    kinds = own or of_others
    return kinds.pop() if len(kinds) == 1 else None


def short_name(media_type: str) -> str:
    """Return what people call a type: ``JPEG``, ``PDF``, ``DOCX``. It is the same in all languages.

    Types without an extension are named as in HTTP.
    """
    name = SYNONYMS.get(media_type, (media_type,))[0]
    if name in _SHORT_NAMES:
        return _SHORT_NAMES[name]
    row = next((row for row in TYPES if name in row.names.split()), None)
    # The table has the best known extension first.
    suffixes = row.extensions.split() if row else sorted(EXTENSIONS.get(name, ()), key=len)
    return suffixes[0].removeprefix(".").upper() if suffixes else name
