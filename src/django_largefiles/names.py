"""Sanitise file names from clients. They are for display only, and never become a path."""

from __future__ import annotations

import re
import unicodedata
import uuid
from urllib.parse import unquote

MAX_BYTES = 255
UNNAMED = "unnamed"

STORAGE_FOLDER = "largefiles"
"""The folder of our files in a storage, which may hold other files too."""

_MAX_READ = 2048
"""Characters of a name that are read: NFC is quadratic in a run of combining marks, and 255 bytes that are escaped
three times still fit."""

_MAX_ROUNDS = 3
"""How often percent-encoding is decoded."""

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
    """Return the client's name made safe for display, JSON, PostgreSQL and a quoted header parameter.

    The result has 1 to 255 bytes of UTF-8 in NFC and is one path segment that is legal on Windows too; it is
    ``"unnamed"`` if nothing is left. Never raises. Sanitising twice changes nothing, so that the rules judge the same
    name as is stored. Of a very long name only the last 2,048 characters are read. A name that is too long is cut
    between code points, before its extension.
    (OWASP File Upload Cheat Sheet, file name safety; Microsoft, "Naming Files, Paths, and Namespaces".)
    """
    plain = unicodedata.normalize("NFC", _decoded(name[-_MAX_READ:]))
    segment = plain.replace("\\", "/").rpartition("/")[2]
    return _shortened(_without_device(_RESERVED.sub("_", _local(segment)).strip(_EDGES))) or UNNAMED


def extension(name: str) -> str:
    """Return the final extension of the sanitised name, in lower case and with its dot, or ``""``.

    Characters count as those that they are compatible with (Unicode, NFKC), as some programs and file systems read
    them: a full-width dot begins an extension too. Text with white space is not an extension: "Minutes of 3. May".
    """
    suffix = sanitize(unicodedata.normalize("NFKC", sanitize(name))).rpartition(".")
    return "." + suffix[2].lower() if suffix[1] and _is_extension(suffix[2]) else ""


def storage_key(asset_id: uuid.UUID) -> str:
    """Return ``largefiles/ab/cd/<32 hexadecimal digits>``, which holds no part of the client's name."""
    digits = asset_id.hex
    return f"{STORAGE_FOLDER}/{digits[:2]}/{digits[2:4]}/{digits}"


def _decoded(name: str) -> str:
    for _ in range(_MAX_ROUNDS):
        decoded = _DROPPED.sub("", unquote(name))
        if decoded == name:
            return name
        name = decoded
    # Deeper nesting is no accident, and the next reader could decode an escape that is left.
    return _ESCAPE.sub("_", name)


def _local(segment: str) -> str:
    """Return ``segment`` without a drive letter (``C:x``) and an NTFS stream (``x::$DATA``)."""
    drive = _DRIVE.match(segment)
    return _STREAM.sub("", segment[drive.end() :] if drive else segment)


def _without_device(name: str) -> str:
    # Windows opens the device for "nul.tar.gz" and "NUL .txt" too.
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
    """Return the longest head of ``text`` that takes at most ``limit`` bytes of UTF-8: cut between code points."""
    return text.encode()[:limit].decode(errors="ignore")
