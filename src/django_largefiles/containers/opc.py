"""Recognise OOXML office files by the content types of their parts (ECMA-376 part 2, 10.1.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

from .facts import Unreadable
from .unzip import pieces
from .xml import visit_elements
from .zip import Member

MAX_CONTENT_TYPES = 1024 * 1024
"""Bytes, unpacked: some thousands of parts."""

_NAME = b"[content_types].xml"
_VBA_PROJECT = "application/vnd.ms-office.vbaproject"


@dataclass(frozen=True, kw_only=True)
class ContentTypes:
    main: str
    """The type of the main part in lower case; empty if there is none, or more than one."""
    macros: bool
    """Whether there are macros of any kind, or a part for them."""


def content_types(file: BinaryIO, members: Mapping[bytes, Member]) -> ContentTypes | None:
    """Return the content types, or ``None`` if ``members`` are not a package. Raise ``Unreadable``."""
    # Names of parts are case-insensitive (part 2, 9.1.1.3).
    found = [member for name, member in members.items() if name.lower() == _NAME]
    if not found:
        return None
    if len(found) > 1:
        raise Unreadable("the package has more than one part of content types")
    types: set[str] = set()

    def visit(element: str, attributes: Mapping[str, str]) -> None:
        types.add(attributes.get("ContentType", "").strip().lower())

    visit_elements(pieces(file, found[0], MAX_CONTENT_TYPES), visit)
    main = [kind for kind in types if kind.endswith((".main+xml", ".main"))]
    return ContentTypes(
        main=main[0] if len(main) == 1 else "",
        macros=any(map(_is_of_macros, types)) or any(name.lower().endswith(b"vbaproject.bin") for name in members),
    )


def _is_of_macros(content_type: str) -> bool:
    return content_type == _VBA_PROJECT or "macroenabled" in content_type or "macrosheet" in content_type
