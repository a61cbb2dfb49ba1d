"""Read the parts of office files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import BinaryIO

from ..containers import xml
from ..containers.facts import Unreadable
from ..containers.opc import content_types
from ..containers.unzip import pieces
from ..containers.zip import Member

MAX_PART = 2 * 1024 * 1024
"""Bytes of one part, unpacked: ample for a document's properties, although its text may be larger."""

MAX_CONTENT = 16 * 1024 * 1024
"""Bytes of a part, unpacked, that must be read to its end to count its elements."""


@dataclass(kw_only=True)
class Description:
    texts: dict[str, str] = field(default_factory=dict)
    """Texts by the name of their attribute, or ``title``."""
    count: int | str | None = None
    counted: str = "pages"
    """``pages``, ``sheets`` or ``slides``."""
    claimed: bool = False
    """Whether ``count`` is only the claim of the program that wrote the file."""
    macros: bool = False
    encrypted: bool = False


class Package:
    """The parts of an office file, which are the members of its archive. Unreadable parts are treated as missing."""

    def __init__(self, file: BinaryIO, members: Mapping[bytes, Member]) -> None:
        self._file = file
        self._members = members

    def names(self) -> Iterable[bytes]:
        return self._members

    def texts(self, name: bytes, wanted: Mapping[str, str]) -> dict[str, str]:
        """Return the texts of the elements in ``wanted``, which maps each element to the name of its text."""
        found: dict[str, str] = {}
        with suppress(Unreadable):
            found = xml.texts(self._pieces(name, MAX_PART), wanted)
        return {wanted[element]: text for element, text in found.items()}

    def visit(self, name: bytes, visit: xml.Visit, limit: int = MAX_PART) -> bool:
        """Call ``visit`` with each element of a part. Return whether all of it could be read."""
        with suppress(Unreadable):
            xml.visit_elements(self._pieces(name, limit), visit)
            return True
        return False

    def count(self, name: bytes, wanted: str, limit: int = MAX_PART) -> int | None:
        """Return how many elements of a part are called ``wanted``, or ``None`` if it cannot be read to its end."""
        counted = 0

        def visit(element: str, attributes: Mapping[str, str]) -> None:
            nonlocal counted
            counted += element == wanted

        return counted if self.visit(name, visit, limit) else None

    def has_macros(self) -> bool:
        """Return whether an OOXML package has macros, or its content types cannot be read to exclude them."""
        with suppress(Unreadable):
            types = content_types(self._file, self._members)
            return types is None or types.macros
        return True

    def _pieces(self, name: bytes, limit: int) -> Iterator[bytes]:
        if name not in self._members:
            raise Unreadable(f"the package has no part {name!r}")
        return pieces(self._file, self._members[name], limit)
