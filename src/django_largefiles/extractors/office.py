"""Describe office files: OOXML (ECMA-376) and OpenDocument (ISO/IEC 26300). Both are ZIP archives of XML parts."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import BinaryIO

from ..containers.facts import ArchiveFacts
from ..containers.zip import find_directory
from ..containers.zip_survey import survey
from . import odf, ooxml
from .archive import archive_attributes
from .base import JSON, MAX_TITLE, Extractor, Metadata, clean_text
from .package import Description, Package

MAX_PAGES = 10_000_000

_ODF = "application/vnd.oasis.opendocument."


class OfficeExtractor(Extractor):
    """Report title, author and similar properties, and the number of pages, sheets or slides.

    Parts that are broken or too large are left out. The figures of the archive are reported as ``ArchiveExtractor``
    reports them, so that ``ARCHIVE_LIMITS`` apply.
    """

    def extract(self, file: BinaryIO, media_type: str) -> Metadata:
        facts, members = survey(file, find_directory(file))
        package = Package(file, members)
        found = odf.describe(package, media_type) if media_type.startswith(_ODF) else ooxml.describe(package)
        return _metadata(found, _with_encryption(facts, found))


def _with_encryption(facts: ArchiveFacts, found: Description) -> ArchiveFacts:
    """Count OpenDocument's own encryption of members too, which the archive's directory does not show."""
    return replace(facts, encrypted=max(facts.encrypted, int(found.encrypted)))


def _metadata(found: Description, facts: ArchiveFacts) -> Metadata:
    texts = {name: clean_text(text) for name, text in found.texts.items() if name != "title"}
    attributes: dict[str, JSON] = {name: text for name, text in texts.items() if text}
    count = _page_count(found.count)
    if count is not None:
        attributes |= {"counted": found.counted, "page_count_claimed": found.claimed}
    return Metadata(
        title=clean_text(found.texts.get("title", ""), MAX_TITLE),
        page_count=count,
        attributes=attributes | {"macros": found.macros, "encrypted": facts.encrypted > 0} | archive_attributes(facts),
    )


def _page_count(value: int | str | None) -> int | None:
    with suppress(TypeError, ValueError):
        count = int(str(value)[:20])
        return count if 0 <= count <= MAX_PAGES else None
    return None
