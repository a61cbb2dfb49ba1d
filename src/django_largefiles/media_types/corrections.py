"""What libmagic calls by too wide, too narrow or no name, and what it is then. Each line has a test of its own.

The first table goes by the bytes: ``structure`` looks for the marks in the second column. The second goes by the
name, among texts alone: no byte tells a table from a letter, and neither does harm as the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from .table import GUESSED_TEXTS, INSIDE_ZIP, UNKNOWN, ZIP_TYPES

ZIP = "a ZIP, or what is made of one"
TEXT = "text, or XML"
NOTHING = "nothing that libmagic knows"

_TOLD: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys((*ZIP_TYPES, *INSIDE_ZIP), ZIP),
        "text/plain": TEXT,
        "text/xml": TEXT,
        UNKNOWN: NOTHING,
        "image/gif": "image/gif",
        "image/jpeg": "image/jpeg",
        "image/webp": "image/webp",
    }
)

_X = "application/vnd.openxmlformats-officedocument."
_D = "application/vnd.oasis.opendocument."
_W, _E, _P = "application/vnd.ms-word.", "application/vnd.ms-excel.", "application/vnd.ms-powerpoint."
_V = "application/vnd.ms-visio."

BY_STRUCTURE: tuple[tuple[str, str, str], ...] = (
    # libmagic says, the bytes show, and so it is
    (ZIP, f"main part {_X}wordprocessingml.document.main+xml", f"{_X}wordprocessingml.document"),
    (ZIP, f"main part {_X}wordprocessingml.template.main+xml", f"{_X}wordprocessingml.template"),
    (ZIP, f"main part {_X}spreadsheetml.sheet.main+xml", f"{_X}spreadsheetml.sheet"),
    (ZIP, f"main part {_X}spreadsheetml.template.main+xml", f"{_X}spreadsheetml.template"),
    (ZIP, f"main part {_X}presentationml.presentation.main+xml", f"{_X}presentationml.presentation"),
    (ZIP, f"main part {_X}presentationml.slideshow.main+xml", f"{_X}presentationml.slideshow"),
    (ZIP, f"main part {_X}presentationml.template.main+xml", f"{_X}presentationml.template"),
    # Macros make it another type, whatever the main part says of itself.
    (ZIP, f"macros, main part {_X}wordprocessingml.document.main+xml", f"{_W}document.macroenabled.12"),
    (ZIP, f"macros, main part {_X}wordprocessingml.template.main+xml", f"{_W}template.macroenabled.12"),
    (ZIP, f"macros, main part {_X}spreadsheetml.sheet.main+xml", f"{_E}sheet.macroenabled.12"),
    (ZIP, f"macros, main part {_X}spreadsheetml.template.main+xml", f"{_E}template.macroenabled.12"),
    (ZIP, f"macros, main part {_X}presentationml.presentation.main+xml", f"{_P}presentation.macroenabled.12"),
    (ZIP, f"macros, main part {_X}presentationml.slideshow.main+xml", f"{_P}slideshow.macroenabled.12"),
    (ZIP, f"macros, main part {_X}presentationml.template.main+xml", f"{_P}template.macroenabled.12"),
    (ZIP, f"macros, main part {_W}document.macroenabled.main+xml", f"{_W}document.macroenabled.12"),
    (ZIP, f"macros, main part {_W}template.macroenabledtemplate.main+xml", f"{_W}template.macroenabled.12"),
    (ZIP, f"macros, main part {_E}sheet.macroenabled.main+xml", f"{_E}sheet.macroenabled.12"),
    (ZIP, f"macros, main part {_E}template.macroenabled.main+xml", f"{_E}template.macroenabled.12"),
    (ZIP, f"macros, main part {_E}addin.macroenabled.main+xml", f"{_E}addin.macroenabled.12"),
    (ZIP, f"macros, main part {_E}sheet.binary.macroenabled.main", f"{_E}sheet.binary.macroenabled.12"),
    (ZIP, f"macros, main part {_P}presentation.macroenabled.main+xml", f"{_P}presentation.macroenabled.12"),
    (ZIP, f"macros, main part {_P}slideshow.macroenabled.main+xml", f"{_P}slideshow.macroenabled.12"),
    (ZIP, f"macros, main part {_P}template.macroenabled.main+xml", f"{_P}template.macroenabled.12"),
    (ZIP, f"macros, main part {_P}addin.macroenabled.main+xml", f"{_P}addin.macroenabled.12"),
    (ZIP, f"main part {_V}drawing.main+xml", f"{_V}drawing"),
    (ZIP, f"macros, main part {_V}drawing.macroenabled.main+xml", f"{_V}drawing.macroenabled"),
    (ZIP, f"mimetype {_D}text", f"{_D}text"),
    (ZIP, f"mimetype {_D}text-template", f"{_D}text-template"),
    (ZIP, f"mimetype {_D}spreadsheet", f"{_D}spreadsheet"),
    (ZIP, f"mimetype {_D}spreadsheet-template", f"{_D}spreadsheet-template"),
    (ZIP, f"mimetype {_D}presentation", f"{_D}presentation"),
    (ZIP, f"mimetype {_D}presentation-template", f"{_D}presentation-template"),
    (ZIP, f"mimetype {_D}graphics", f"{_D}graphics"),
    (ZIP, "mimetype application/epub+zip", "application/epub+zip"),
    (ZIP, "member AndroidManifest.xml", "application/vnd.android.package-archive"),
    (ZIP, "member doc.kml", "application/vnd.google-earth.kmz"),
    (ZIP, "member META-INF/MANIFEST.MF", "application/java-archive"),
    # Also where libmagic saw an office file in the first members, and the directory knows none.
    (ZIP, "none of these", "application/zip"),
    # Brands of ISO/IEC 14496-12, annex E, and of their owners; the first that is known counts.
    (NOTHING, "brand isom", "video/mp4"),
    (NOTHING, "brand iso2", "video/mp4"),
    (NOTHING, "brand iso4", "video/mp4"),
    (NOTHING, "brand iso5", "video/mp4"),
    (NOTHING, "brand iso6", "video/mp4"),
    (NOTHING, "brand mp41", "video/mp4"),
    (NOTHING, "brand mp42", "video/mp4"),
    (NOTHING, "brand avc1", "video/mp4"),
    (NOTHING, "brand qt  ", "video/quicktime"),
    (NOTHING, "brand M4V ", "video/x-m4v"),
    (NOTHING, "brand M4A ", "audio/x-m4a"),
    (NOTHING, "brand 3gp4", "video/3gpp"),
    (NOTHING, "brand 3gp5", "video/3gpp"),
    (NOTHING, "brand 3g2a", "video/3gpp2"),
    (NOTHING, "brand avif", "image/avif"),
    (NOTHING, "brand heic", "image/heic"),
    (NOTHING, "brand mif1", "image/heif"),
    (NOTHING, "unknown brands, then a box of a movie", "video/mp4"),
    (NOTHING, "atoms of QuickTime", "video/quicktime"),
    # libmagic looks behind the tag; a picture in it moves that out of what libmagic sees.
    (NOTHING, "tag of ID3, then MPEG audio", "audio/mpeg"),
    (TEXT, "root element svg", "image/svg+xml"),
    (TEXT, "root element html", "text/html"),
    (TEXT, "one value of JSON", "application/json"),
    ("image/gif", "no block behind the header", UNKNOWN),
    ("image/jpeg", "no segment behind the first marker", UNKNOWN),
    ("image/webp", "no chunk of WebP", UNKNOWN),
)

_ANY_TEXT = (*GUESSED_TEXTS, "text/csv", "text/tab-separated-values", "application/json", "application/x-ndjson")

BY_NAME: tuple[tuple[tuple[str, ...], str, str], ...] = (
    # the bytes show, the name ends in ("*": in anything that goes with the type), and so it may count as
    (_ANY_TEXT, "*", "text/plain"),
    (GUESSED_TEXTS, ".csv", "text/csv"),
    (GUESSED_TEXTS, ".tsv", "text/tab-separated-values"),
    (GUESSED_TEXTS, ".md", "text/markdown"),
    (GUESSED_TEXTS, ".vtt", "text/vtt"),
    (GUESSED_TEXTS, ".srt", "application/x-subrip"),
    (("text/csv",), ".tsv", "text/tab-separated-values"),
    (("text/tab-separated-values",), ".csv", "text/csv"),
)


def group(told: str) -> str:
    """What libmagic's answer is called in the first column; empty for those on which it has the last word."""
    if told.startswith((_X, _D)):
        return ZIP
    return _TOLD.get(told, "")


def equivalents(media_type: str, extension: str) -> tuple[str, ...]:
    """What a file of ``media_type`` under a name with ``extension`` may count as; itself first."""
    named = (kind for told, suffix, kind in BY_NAME if media_type in told and suffix in {"*", extension})
    return media_type, *(kind for kind in named if kind != media_type)
