"""The marks in the bytes of a file by which ``equivalences`` corrects libmagic.

Everything is bounded: of the head a few KiB are looked at, and of a ZIP its directory and two small members.
"""

from __future__ import annotations

import json
import os
import re
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import BinaryIO, NoReturn

from ..containers.facts import Unreadable
from ..containers.opc import content_types
from ..containers.reading import read_at
from ..containers.unzip import content
from ..containers.zip import Member, find_directory, walk
from .corrections import BY_STRUCTURE, NOTHING, TEXT, ZIP, group

MAX_MEMBERS = 20_000
"""Of a ZIP that are looked at: one with more is no office file."""
MAX_DIRECTORY = 4 * 1024 * 1024
MAX_MIMETYPE = 255
MAX_VALUE = 2048
"""Bytes of a text that may be one value of JSON: as many as an early verdict sees."""
MAX_BOXES = 16
MAX_BRANDS_BOX = 512
MAX_PADDING = 4096

_MOVIE_BOXES = {b"moov", b"mdat", b"moof", b"styp", b"sidx", b"free", b"skip", b"wide", b"meta", b"uuid", b"pdin"}
# QuickTime File Format Specification, "Atoms": what may stand before the movie and its data, besides ftyp.
_ATOMS_IN_FRONT = {b"wide", b"free", b"skip", b"pnot"}

# XML 1.0, 2.8.
_PROLOG = re.compile(rb"\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>", re.DOTALL | re.IGNORECASE)
_ROOT = re.compile(rb"<(?:[\w.-]+:)?([\w.-]+)")


@dataclass(frozen=True, kw_only=True)
class Sample:
    """``file`` is ``None`` while no more than the head is there."""

    head: bytes
    file: BinaryIO | None = None

    @property
    def whole(self) -> bool:
        """Whether the head is all."""
        return self.file is not None and not read_at(self.file, len(self.head), 1)


def corrected(told: str, sample: Sample) -> str:
    """The type of what libmagic calls ``told``. Raises ``OSError`` where the file cannot be read."""
    column = group(told)
    if column != ZIP and sample.head.startswith(b"PK\3\4"):
        # Of whatever mimetype a first member speaks, readers open it by the directory.
        told, column = "application/zip", ZIP
    if not column:
        return told
    found = (_TABLE.get((column, mark)) for mark in _MARKS[column](sample))
    return next(filter(None, found), told)


_TABLE: Mapping[tuple[str, str], str] = MappingProxyType({(told, mark): kind for told, mark, kind in BY_STRUCTURE})


def _of_zip(sample: Sample) -> Iterator[str]:
    if sample.file is None:
        return
    with suppress(Unreadable):
        yield from _of_members(sample.file, _members(sample.file))
    yield "none of these"


def _members(file: BinaryIO) -> Mapping[bytes, Member]:
    directory = find_directory(file)
    if directory.entries > MAX_MEMBERS or directory.size > MAX_DIRECTORY:
        raise Unreadable("a directory too large for an office file")
    members = {member.name: member for member in walk(file, directory)}
    if len(members) < directory.entries:
        # One reader opens the first of two of a name, another the second.
        raise Unreadable("a name twice")
    return members


def _of_members(file: BinaryIO, members: Mapping[bytes, Member]) -> Iterator[str]:
    package, mimetype = content_types(file, members), members.get(b"mimetype")
    if package and mimetype:
        raise Unreadable("office files of two families in one")
    if package:
        yield f"{'macros, ' if package.macros else ''}main part {package.main}"
    if mimetype:
        yield f"mimetype {content(file, mimetype, MAX_MIMETYPE).decode('ascii', 'replace').strip()}"
    for name in (b"AndroidManifest.xml", b"doc.kml", b"META-INF/MANIFEST.MF"):
        if name in members:
            yield f"member {name.decode()}"


def _of_nothing(sample: Sample) -> Iterator[str]:
    size, kind = _box(sample.head)
    if kind == b"ftyp" and 16 <= size <= MAX_BRANDS_BOX:
        brands = (sample.head[8:12], *(sample.head[at : at + 4] for at in range(16, size - 3, 4)))
        yield from (f"brand {brand.decode('latin-1')}" for brand in brands)
        if _box(sample.head[size:])[1] in _MOVIE_BOXES:
            yield "unknown brands, then a box of a movie"
    if kind in _ATOMS_IN_FRONT and (sample.file is None or _has_movie(sample.file)):
        yield "atoms of QuickTime"
    if sample.head.startswith(b"ID3"):
        behind = _behind_tag(sample)
        if _is_mpeg_audio(behind) or not (behind or sample.file):
            yield "tag of ID3, then MPEG audio"


def _behind_tag(sample: Sample) -> bytes:
    """The first bytes behind the tag and its padding; without the file none that the head does not hold."""
    # ID3v2.4.0 structure, 3.1 and 6.2: seven bits a byte, and as long a footer as the header where there is one.
    flags, *sizes = sample.head[5:10].ljust(5, b"\0")
    end = (
        10
        + sum(size << shift for size, shift in zip(sizes, (21, 14, 7, 0), strict=True))
        + (10 if flags & 0x10 else 0)
    )
    found = read_at(sample.file, end, MAX_PADDING) if sample.file else sample.head[end : end + MAX_PADDING]
    return found.lstrip(b"\0")


def _is_mpeg_audio(frame: bytes) -> bool:
    """ISO/IEC 11172-3, 2.4.1.3: a header without any of the reserved values."""
    if len(frame) < 3 or frame[0] != 0xFF or frame[1] < 0xE0:
        return False
    version, layer, bit_rate, sample_rate = frame[1] >> 3 & 3, frame[1] >> 1 & 3, frame[2] >> 4, frame[2] >> 2 & 3
    return version != 1 and layer != 0 and bit_rate != 15 and sample_rate != 3


def _has_movie(file: BinaryIO) -> bool:
    position, end = 0, file.seek(0, os.SEEK_END)
    for _ in range(MAX_BOXES):
        if position >= end:
            return False
        size, kind = _box(read_at(file, position, 16))
        if kind == b"moov":
            return True
        if size < 8:
            return False
        position += size
    return False


def _box(header: bytes) -> tuple[int, bytes]:
    """Size and type of the box that begins here; ``(0, b"")`` for none (ISO/IEC 14496-12, 4.2)."""
    if len(header) < 8:
        return 0, b""
    size, kind = struct.unpack_from(">I4s", header)
    if size == 1 and len(header) >= 16:
        size = struct.unpack_from(">Q", header, 8)[0]
    return size, kind


def _of_text(sample: Sample) -> Iterator[str]:
    root = _root_element(sample.head.removeprefix(b"\xef\xbb\xbf"))
    if root:
        yield f"root element {root}"
    if sample.whole and len(sample.head) <= MAX_VALUE and _is_one_value(sample.head):
        yield "one value of JSON"


def _root_element(text: bytes) -> str:
    position = 0
    while prolog := _PROLOG.match(text, position):
        position = prolog.end()
    root = _ROOT.match(text, position)
    return root[1].decode("ascii", "replace").lower() if root else ""


def _is_one_value(text: bytes) -> bool:
    """RFC 8259 section 2. Objects and arrays libmagic knows."""
    with suppress(ValueError, RecursionError):
        return not isinstance(json.loads(text, parse_constant=_refuse), dict | list)
    return False


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not in RFC 8259")


def _of_gif(sample: Sample) -> Iterator[str]:
    """GIF89a, 18 to 27: behind the screen and its colours stands an image, an extension or the end."""
    head = sample.head
    start = 13 + (3 << (head[10] & 7) + 1 if len(head) > 10 and head[10] & 0x80 else 0)
    block = head[start : start + 2]
    cut = not block and not sample.whole
    if not cut and not block.startswith((b",", b";", b"!\1", b"!\xf9", b"!\xfe", b"!\xff")):
        yield "no block behind the header"


def _of_jpeg(sample: Sample) -> Iterator[str]:
    """ITU-T T.81, B.1.1: behind the first marker stands another, and the length of its segment."""
    code, length = sample.head[3:4], sample.head[4:6]
    if code < b"\xc0" or int.from_bytes(length, "big") < 2:
        yield "no segment behind the first marker"


def _of_webp(sample: Sample) -> Iterator[str]:
    """RFC 9649 sections 2.5 to 2.7."""
    if sample.head[12:16] not in {b"VP8 ", b"VP8L", b"VP8X"}:
        yield "no chunk of WebP"


_MARKS: Mapping[str, Callable[[Sample], Iterator[str]]] = MappingProxyType(
    {
        ZIP: _of_zip,
        TEXT: _of_text,
        NOTHING: _of_nothing,
        "image/gif": _of_gif,
        "image/jpeg": _of_jpeg,
        "image/webp": _of_webp,
    }
)
