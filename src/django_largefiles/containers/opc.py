"""Recognise OOXML office files by the content types and relationships of their parts (ECMA-376 part 2, 9.3 and 10)."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO
from urllib.parse import unquote, unquote_to_bytes

from .facts import Unreadable
from .unzip import pieces
from .xml import visit_elements
from .zip import Member

MAX_CONTENT_TYPES = 1024 * 1024
"""Bytes, unpacked, of the content types or of the relationships of one part: some thousands of parts."""

MAX_MAIN_PARTS = 16
"""Parts that may be the main one. An office file has one."""

_NAME = b"[content_types].xml"
_ROOT = ""
"""The source of the relationships of the package itself."""
_VBA = ("vbaproject", "vbadata")
_SHEETS = "macrosheet"
_NAMES = (*map(str.encode, _VBA), b"macrosheets/")


@dataclass(frozen=True, kw_only=True)
class ContentTypes:
    main: str
    """The type of the main part in lower case; empty if there is none, or more than one."""
    macros: bool
    """Whether there are macros of any kind, or a part for them."""


def content_types(file: BinaryIO, members: Mapping[bytes, Member]) -> ContentTypes | None:
    """Return the content types, or ``None`` if ``members`` are not a package. Raise ``Unreadable``.

    A part is one for macros by its content type, by its name, or by its relationship to a main part: programs find the
    part by the relationship, and its content type may be any.
    """
    member = _part(members, _NAME)
    if member is None:
        return None
    types, main_parts = set[str](), set[str]()

    def visit(element: str, attributes: Mapping[str, str]) -> None:
        # Media types may have parameters (RFC 9110 section 8.3.1).
        kind = attributes.get("ContentType", "").partition(";")[0].strip().lower()
        types.add(kind)
        if _is_main(kind) and "PartName" in attributes:
            main_parts.add(_name(attributes["PartName"]))

    visit_elements(pieces(file, member, MAX_CONTENT_TYPES), visit)
    main = list(filter(_is_main, types))
    return ContentTypes(
        main=main[0] if len(main) == 1 else "",
        macros=any(map(_is_of_macros, types)) or _names_macros(members) or _relates_macros(file, members, main_parts),
    )


def _is_main(content_type: str) -> bool:
    return content_type.endswith((".main+xml", ".main"))


def _is_of_macros(told: str) -> bool:
    """Tell whether a content type or the type of a relationship is one of macros."""
    return "macroenabled" in told or _SHEETS in told or any(name in told for name in _VBA)


def _names_macros(members: Iterable[bytes]) -> bool:
    names = (unquote_to_bytes(name).lower() for name in members)
    return any(told in name for name in names for told in _NAMES)


def _relates_macros(file: BinaryIO, members: Mapping[bytes, Member], main_parts: set[str]) -> bool:
    of_package = list(_relationships(file, members, _ROOT))
    sources = main_parts | {target for kind, target in of_package if kind.endswith("/officedocument")}
    if len(sources) > MAX_MAIN_PARTS:
        raise Unreadable(f"the package has {len(sources)} main parts")
    of_parts = (relationship for part in sorted(sources) for relationship in _relationships(file, members, part))
    return any(_is_of_macros(kind) for kind, _ in (*of_package, *of_parts))


def _relationships(file: BinaryIO, members: Mapping[bytes, Member], source: str) -> Iterator[tuple[str, str]]:
    """Yield type and target of the relationships of a part, or of the package; none if it has none."""
    folder, name = posixpath.split(source)
    member = _part(members, posixpath.join(folder, "_rels", f"{name}.rels").encode())
    if member is None:
        return
    found: list[tuple[str, str]] = []

    def visit(element: str, attributes: Mapping[str, str]) -> None:
        target = posixpath.join(folder, attributes.get("Target", ""))
        found.append((attributes.get("Type", "").strip().lower(), _name(target)))

    visit_elements(pieces(file, member, MAX_CONTENT_TYPES), visit)
    yield from found


def _part(members: Mapping[bytes, Member], name: bytes) -> Member | None:
    """Return the member that is a part. Raise ``Unreadable`` if there are several."""
    # Names of parts are case-insensitive (part 2, 9.1.1.3), and may be escaped.
    found = [member for other, member in members.items() if unquote_to_bytes(other).lower() == name]
    if len(found) > 1:
        raise Unreadable(f"the package has more than one part {name.decode(errors='replace')}")
    return found[0] if found else None


def _name(path: str) -> str:
    """Return the name of a part as programs compare it, without a leading slash."""
    return posixpath.normpath("/" + unquote(path).replace("\\", "/")).lstrip("/").lower()
