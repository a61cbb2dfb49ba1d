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
"""Bytes of one part, unpacked. Of documents' texts that is little, of their properties much."""

MAX_CONTENT = 16 * 1024 * 1024
"""The same of the one part that must be read to its end to count what is in it."""


@dataclass(kw_only=True)
class Description:
    texts: dict[str, str] = field(default_factory=dict)
    """By the names of attributes, and ``title``."""
    count: int | str | None = None
    counted: str = "pages"
    """``pages``, ``sheets`` or ``slides``."""
    claimed: bool = False
    """Whether ``count`` is only the claim of the program that wrote the file."""
    macros: bool = False
    encrypted: bool = False


class Package:
    """An office file by its parts, the members of its archive. Unreadable parts are treated as missing."""

    def __init__(self, file: BinaryIO, members: Mapping[bytes, Member]) -> None:
        self._file = file
        self._members = members

    def names(self) -> Iterable[bytes]:
        return self._members

    def texts(self, name: bytes, wanted: Mapping[str, str]) -> dict[str, str]:
        """The texts of some elements of a part, under the names that ``wanted`` gives them."""
        found: dict[str, str] = {}
        with suppress(Unreadable):
            found = xml.texts(self._pieces(name, MAX_PART), wanted)
        return {wanted[element]: text for element, text in found.items()}

    def visit(self, name: bytes, visit: xml.Visit, limit: int = MAX_PART) -> bool:
        """Show each element of a part to ``visit``; whether there is such a part and it could be read to its end."""
        with suppress(Unreadable):
            xml.visit_elements(self._pieces(name, limit), visit)
            return True
        return False

    def count(self, name: bytes, wanted: str, limit: int = MAX_PART) -> int | None:
        """How many elements called ``wanted`` a part has, ``None`` where it could not be read to its end."""
        counted = 0

        def visit(element: str, attributes: Mapping[str, str]) -> None:
            nonlocal counted
            counted += element == wanted

        return counted if self.visit(name, visit, limit) else None

    def has_macros(self) -> bool:
        """Whether a package of OOXML has macros, or cannot show that it has none."""
        with suppress(Unreadable):
            types = content_types(self._file, self._members)
            return types is None or types.macros
        return True

    def _pieces(self, name: bytes, limit: int) -> Iterator[bytes]:
        if name not in self._members:
            raise Unreadable(f"no part {name!r}")
        return pieces(self._file, self._members[name], limit)
