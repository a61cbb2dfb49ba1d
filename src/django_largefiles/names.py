"""File names from clients: data for display, never a path."""

from __future__ import annotations

import re
import unicodedata
import uuid
from urllib.parse import unquote

MAX_BYTES = 255
UNNAMED = "unnamed"

STORAGE_FOLDER = "largefiles"
"""Where our files lie in a storage, which may hold others too."""

_MAX_READ = 2048
"""Characters: NFC is quadratic in a run of combining marks; 255 bytes escaped three times over still fit."""

_MAX_ROUNDS = 3
_MAX_EXTENSION_BYTES = 32

_JOINERS = "\u200c\u200d"
_WHITE_SPACE = "".join(chr(code) for code in range(0x3001) if chr(code).isspace())
_EDGES = _WHITE_SPACE + "." + _JOINERS

_DROPPED = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0 and C1 controls: header injection, and NUL, which PostgreSQL refuses
    "\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"  # bidi controls, line and paragraph separators
    "\xad\u180e\u200b\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb"  # invisible
    "\ufdd0-\ufdef\ufffe\uffff"  # noncharacters
    "\ud800-\udfff"  # lone surrogates, which have no UTF-8
    "]"
)
_ESCAPE = re.compile(r"%(?=[0-9A-Fa-f]{2})")
_DRIVE = re.compile(r"(?:[A-Za-z]:)+")
_STREAM = re.compile(r":[^:]*:\$[A-Za-z_]+\Z")
_RESERVED = re.compile(r'[<>:"|?*]')
_DEVICE = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])\Z", re.IGNORECASE)


def sanitize(name: str) -> str:
    """The client's name made safe for display, JSON, PostgreSQL and a quoted header parameter.

    1 to 255 bytes of UTF-8 in NFC, one path segment, legal on Windows too; ``"unnamed"`` if nothing is left.
    Never raises. A second pass changes nothing, so that whoever judges the name judges the one that is kept.
    Of a very long name only the last 2,048 characters count.
    (OWASP File Upload Cheat Sheet, file name safety; Microsoft, "Naming Files, Paths, and Namespaces".)
    """
    plain = unicodedata.normalize("NFC", _decoded(name[-_MAX_READ:]))
    segment = plain.replace("\\", "/").rpartition("/")[2]
    return _shortened(_without_device(_RESERVED.sub("_", _local(segment)).strip(_EDGES))) or UNNAMED


def extension(name: str) -> str:
    """The final extension of the sanitised name, lower case with its dot; ``""`` where there is none.

    What follows the last dot is no extension if there is white space in it: "Minutes of 3. May".
    """
    suffix = sanitize(name).rpartition(".")
    return "." + suffix[2].lower() if suffix[1] and _is_extension(suffix[2]) else ""


def storage_key(asset_id: uuid.UUID) -> str:
    """``largefiles/ab/cd/<32 hexadecimal digits>``: nothing of the client's name in it."""
    digits = asset_id.hex
    return f"{STORAGE_FOLDER}/{digits[:2]}/{digits[2:4]}/{digits}"


def _decoded(name: str) -> str:
    for _ in range(_MAX_ROUNDS):
        decoded = _DROPPED.sub("", unquote(name))
        if decoded == name:
            return name
        name = decoded
    # Nobody nests deeper by accident, and an escape that is left could be decoded by the next reader.
    return _ESCAPE.sub("_", name)


def _local(segment: str) -> str:
    """``segment`` without a drive letter (``C:x``) and an NTFS stream (``x::$DATA``)."""
    drive = _DRIVE.match(segment)
    return _STREAM.sub("", segment[drive.end() :] if drive else segment)


def _without_device(name: str) -> str:
    # Windows takes "nul.tar.gz" and "NUL .txt" for the device too.
    return f"_{name}" if _DEVICE.match(name.partition(".")[0].rstrip(_EDGES)) else name


def _shortened(name: str) -> str:
    if len(name.encode()) <= MAX_BYTES:
        return name
    stem, dot, suffix = name.rpartition(".")
    kept = dot + suffix if dot and _is_extension(suffix) else ""
    stem = stem if kept else name
    return _cut(stem, MAX_BYTES - len(kept.encode())).rstrip(_EDGES) + kept


def _is_extension(suffix: str) -> bool:
    return len(suffix.encode()) <= _MAX_EXTENSION_BYTES and not any(char.isspace() for char in suffix)


def _cut(text: str, limit: int) -> str:
    """The longest head, of a ``text`` of more than ``limit`` bytes, that ends between two visible characters."""
    longest = len(text.encode()[:limit].decode(errors="ignore"))
    end = longest
    while end and not _is_boundary(text, end):
        end -= 1
    # One "character" of hundreds of combining marks has no boundary to cut at.
    return text[: end or longest]


def _is_boundary(text: str, index: int) -> bool:
    """A short form of the rules for grapheme clusters (UAX #29: GB9, GB9a, GB11, GB12)."""
    if _extends(text[index]) or text[index - 1] == "\u200d":
        return False
    return not (_is_regional(text[index]) and _regionals_before(text, index) % 2)


def _extends(char: str) -> bool:
    return (
        char in _JOINERS
        or unicodedata.category(char).startswith("M")
        or "\U0001f3fb" <= char <= "\U0001f3ff"  # skin tones
        or "\U000e0020" <= char <= "\U000e007f"  # tags, which spell the flags of regions
    )


def _is_regional(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _regionals_before(text: str, index: int) -> int:
    count = 0
    while count < index and _is_regional(text[index - count - 1]):
        count += 1
    return count
