"""Describe OOXML files: properties (ECMA-376 part 2, 11; part 1, 22.2), macros, and the sheets, slides or pages."""

from __future__ import annotations

from .package import Description, Package

_PROPERTIES = {
    "title": "title",
    "creator": "author",
    "lastModifiedBy": "last_modified_by",
    "created": "created_at",
    "modified": "modified_at",
}
_APPLICATION = {"Application": "application", "AppVersion": "application_version", "Pages": "pages"}

# The main part, by the name that every program gives it; the element to count; and the unit that it stands for.
_COUNTED = (
    (b"xl/workbook.xml", "sheet", "sheets"),
    (b"ppt/presentation.xml", "sldId", "slides"),
)


def describe(package: Package) -> Description:
    texts = package.texts(b"docProps/core.xml", _PROPERTIES) | package.texts(b"docProps/app.xml", _APPLICATION)
    pages = texts.pop("pages", None)
    macros = package.has_macros()
    for part, element, counted in _COUNTED:
        if part in package.names():
            return Description(texts=texts, count=package.count(part, element), counted=counted, macros=macros)
    return Description(texts=texts, count=pages, claimed=True, macros=macros)
