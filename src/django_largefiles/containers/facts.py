"""Figures of an archive, found without unpacking it. Extractors make them, and the rules check them."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

KEY = "archive"
"""The key in the asset's ``extra_attributes`` under which extractors report the figures."""

MAX_ENTRIES = 100_000
"""Members that are read. For an archive with more, only the declared number is reported, if there is one."""

MAX_METHODS = 32
"""Names of methods that are told. An archive has one or two; programs know no more than 20."""

MAX_SIZE = 2**62
"""Bytes of one member or of all together, so that every figure fits 64 bits."""

_DRIVE = re.compile(rb"[A-Za-z]:")
_NESTED = re.compile(
    rb"\.(?:zip|zipx|jar|war|ear|apk|xpi|cbz|cbr|cb7|cbt|7z|rar|tar|tgz|tbz2?|txz|tzst|gz|bz2|xz|zst|lz|lz4|lzma|br|z"
    rb"|cab|cpio|arj|lzh|lha|iso|img|dmg|deb|rpm|wim)\Z",
    re.IGNORECASE,
)


class Unreadable(ValueError):
    """A container is damaged, or of a structure that is not supported."""


@dataclass(frozen=True, kw_only=True)
class ArchiveFacts:
    """Figures of an archive. Sizes are declared by its directory, or found by unpacking a compressed file."""

    entries: int
    total_size: int
    """Bytes of all members, unpacked."""
    ratio: float
    """``total_size`` divided by the size of the archive."""
    complete: bool = True
    """Whether all of it was read; if not, the figures are lower bounds."""
    nested: int = 0
    """Members that are archives themselves, by their names."""
    links: int = 0
    """Symbolic and hard links, devices, FIFOs."""
    traversal: int = 0
    """Names that may lead out of the folder: ``..``, absolute, with a drive letter, a backslash or a NUL."""
    encrypted: int = 0
    overlapping: int = 0
    """Members that share bytes of the archive with another one, as in ZIP bombs."""
    duplicates: int = 0
    """Members with the name of an earlier one."""
    largest: int = 0
    """Bytes of the largest member, unpacked, or of the archive inside a compressed file."""
    methods: tuple[str, ...] = ()
    """How members are packed, sorted: ``stored``, ``deflate``, ``bzip2`` and others; at most ``MAX_METHODS``."""
    compared: int = 0
    """Members of a ZIP archive whose local headers were compared with the directory, within the budget for reading."""
    ambiguous: int = 0
    """Places where programs disagree about the members: differences between a ZIP archive's directory and its local
    headers; members of a tar behind a zero block, with several names, or whose end is not certain."""

    @classmethod
    def read(cls, value: object) -> Self | None:
        """Return the figures in an extractor's answer, or ``None`` if there are none or they are malformed."""
        if not isinstance(value, Mapping) or not value.keys() <= _TYPES.keys():
            return None
        if not all(_is_valid(name, entry) for name, entry in value.items()):
            return None
        try:
            return cls(**{**value, "methods": tuple(value.get("methods", ()))})
        except TypeError:
            return None


_TYPES: Mapping[str, tuple[type, ...]] = {
    field.name: {"float": (float, int), "bool": (bool,), "tuple[str, ...]": (list, tuple)}.get(str(field.type), (int,))
    for field in dataclasses.fields(ArchiveFacts)
}


def _is_valid(name: str, value: Any) -> bool:
    if type(value) not in _TYPES[name]:
        return False
    return all(type(item) is str for item in value) if isinstance(value, list | tuple) else value >= 0


class Tally:
    """Counts members one by one. Memory grows with the names of at most ``MAX_ENTRIES`` members."""

    def __init__(self) -> None:
        self.entries = 0
        self.total_size = 0
        self.nested = 0
        self.links = 0
        self.traversal = 0
        self.encrypted = 0
        self.overlapping = 0
        self.duplicates = 0
        self.largest = 0
        self._methods: set[str] = set()
        self._names: set[bytes] = set()

    def add(self, *names: bytes, size: int, method: str = "") -> None:
        """Add a member with all names that it may be unpacked under. Raise ``Unreadable`` for impossible sizes."""
        self.entries += 1
        self.total_size += size
        self.largest = max(self.largest, size)
        if method and len(self._methods) < MAX_METHODS:
            self._methods.add(method)
        if not 0 <= size <= MAX_SIZE or self.total_size > MAX_SIZE:
            raise Unreadable(
                f"a member cannot have {size} bytes; the limit for one and for all together is {MAX_SIZE}"
            )
        self.nested += any(map(is_nested, names))
        self.traversal += any(map(leads_elsewhere, names))
        self.duplicates += any(name in self._names for name in names)
        self._names.update(names)

    def facts(self, archive_size: int, *, complete: bool = True) -> ArchiveFacts:
        return ArchiveFacts(
            entries=self.entries,
            total_size=self.total_size,
            ratio=round(self.total_size / max(archive_size, 1), 1),
            complete=complete,
            nested=self.nested,
            links=self.links,
            traversal=self.traversal,
            encrypted=self.encrypted,
            overlapping=self.overlapping,
            duplicates=self.duplicates,
            largest=self.largest,
            methods=tuple(sorted(self._methods)),
        )


def is_nested(name: bytes) -> bool:
    return _NESTED.search(name) is not None


def leads_elsewhere(name: bytes) -> bool:
    """Return whether unpacking under this name may write outside the folder (OWASP ASVS 5.3.3), on any system."""
    if b"\\" in name or b"\0" in name or name.startswith(b"/"):
        return True
    return b".." in name.split(b"/") or _DRIVE.match(name) is not None
