"""Describe OpenDocument files by meta.xml (ISO/IEC 26300-1, 4.3), the manifest (part 3, 4) and the macro folders."""

from __future__ import annotations

from collections.abc import Mapping

from .package import MAX_CONTENT, Description, Package

_PROPERTIES = {
    "title": "title",
    "initial-creator": "author",
    "creator": "last_modified_by",
    "creation-date": "created_at",
    "date": "modified_at",
    "generator": "application",
}
_MACROS = (b"Basic/", b"Scripts/")


def describe(package: Package, media_type: str) -> Description:
    found = Description(
        texts=package.texts(b"meta.xml", _PROPERTIES),
        macros=any(name.startswith(_MACROS) for name in package.names()),
        # If the manifest cannot be read, the file counts as encrypted: the rules must not rely on an unchecked file.
        encrypted=package.count(b"META-INF/manifest.xml", "encryption-data") != 0,
    )
    if "presentation" in media_type:
        found.counted = "slides"
        found.count = package.count(b"content.xml", "page", MAX_CONTENT)
        return found
    statistics = _statistics(package)
    found.claimed = True
    found.counted, name = ("sheets", "table-count") if "spreadsheet" in media_type else ("pages", "page-count")
    found.count = statistics.get(name)
    return found


def _statistics(package: Package) -> Mapping[str, str]:
    found: dict[str, str] = {}

    def visit(element: str, attributes: Mapping[str, str]) -> None:
        if element == "document-statistic":
            found.update(attributes)

    package.visit(b"meta.xml", visit)
    return found
