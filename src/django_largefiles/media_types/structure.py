"""Correct libmagic's answer by marks in the bytes of a file: the column ``marks`` of the table.

Every read is bounded: a few KiB of the head, and of a ZIP archive its directory and two small members.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import BinaryIO, NoReturn

from ..containers.facts import Unreadable
from ..containers.isobmff import Span, top_level
from ..containers.opc import content_types
from ..containers.reading import read_at
from ..containers.unzip import content
from ..containers.zip import Member, find_directory, walk
from .families import TYPE_OF_MARK, is_zip
from .table import UNKNOWN

MAX_MEMBERS = 20_000
"""Members of a ZIP archive that are read. An archive with more is not an office file."""
MAX_DIRECTORY = 4 * 1024 * 1024
MAX_MIMETYPE = 255
MAX_VALUE = 2048
"""Bytes of a text that may be one JSON value: as many as an early verdict sees."""
MAX_BOXES = 16
"""Boxes among which the movie box is searched."""
MIN_BRANDS_BOX, MAX_BRANDS_BOX = 16, 512
MAX_PADDING = 4096

_MOVIE_BOXES = {b"moov", b"mdat", b"moof", b"styp", b"sidx", b"free", b"skip", b"wide", b"meta", b"uuid", b"pdin"}
# QuickTime File Format Specification, "Atoms": what may come before the movie and its data, besides ftyp.
_ATOMS_IN_FRONT = {b"wide", b"free", b"skip", b"pnot"}

_NO_BOX = Span(b"", 0, 0, 0)

# XML 1.0, 2.8.
_PROLOG = re.compile(rb"\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>", re.DOTALL | re.IGNORECASE)
_ROOT = re.compile(rb"<(?:[\w.-]+:)?([\w.-]+)")


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The beginning of a file, and the file itself once all of it has arrived."""

    head: bytes
    file: BinaryIO | None = None

    @property
    def whole(self) -> bool:
        """Whether the head is the whole file."""
        return self.file is not None and not read_at(self.file, len(self.head), 1)


def corrected(told: str, sample: Sample) -> str:
    """Return the type of a file that libmagic calls ``told``. Raise ``OSError`` if the file cannot be read."""
    if sample.head.startswith(b"PK\3\4") and not is_zip(told):
        # Programs open the file by its directory, even if its first member states another media type.
        told = "application/zip"
    types = (TYPE_OF_MARK.get(mark) for mark in marks(told, sample))
    return next(filter(None, types), told)


def marks(told: str, sample: Sample) -> Iterator[str]:
    """Yield the marks of a file, most telling first; none for types that libmagic always recognises."""
    read = _marks_of_zip if is_zip(told) else _READERS.get(told)
    return read(sample) if read else iter(())


def _marks_of_zip(sample: Sample) -> Iterator[str]:
    if sample.file is None:
        return
    with suppress(Unreadable):
        yield from _marks_of_members(sample.file, _members(sample.file))
    yield "none of these"


def _members(file: BinaryIO) -> Mapping[bytes, Member]:
    directory = find_directory(file)
    if directory.entries > MAX_MEMBERS or directory.size > MAX_DIRECTORY:
        raise Unreadable("the directory is too large for an office file")
    members = {member.name: member for member in walk(file, directory)}
    if len(members) < directory.entries:
        # Of two members with one name, some programs open the first, others the second.
        raise Unreadable("two members have the same name")
    return members


def _marks_of_members(file: BinaryIO, members: Mapping[bytes, Member]) -> Iterator[str]:
    package, mimetype = content_types(file, members), members.get(b"mimetype")
    if package and mimetype:
        raise Unreadable("the file is an OOXML and an OpenDocument file at once")
    if package:
        yield f"{'macros, ' if package.macros else ''}main part {package.main}"
    if mimetype:
        yield f"mimetype {content(file, mimetype, MAX_MIMETYPE).decode('ascii', 'replace').strip()}"
    for name in (b"AndroidManifest.xml", b"doc.kml", b"META-INF/MANIFEST.MF"):
        if name in members:
            yield f"member {name.decode()}"


def _marks_of_unknown(sample: Sample) -> Iterator[str]:
    first, second = _first_boxes(sample.head)
    if first.kind == b"ftyp" and MIN_BRANDS_BOX <= first.size <= MAX_BRANDS_BOX:
        yield from (f"brand {brand.decode('latin-1')}" for brand in _brands(sample.head, first.size))
        if second.kind in _MOVIE_BOXES:
            yield "unknown brands, then a box of a movie"
    if first.kind in _ATOMS_IN_FRONT and (sample.file is None or _has_movie(sample.file)):
        yield "atoms of QuickTime"
    if sample.head.startswith(b"ID3"):
        behind = _behind_tag(sample)
        if _is_mpeg_audio(behind) or not (behind or sample.file):
            yield "tag of ID3, then MPEG audio"


def _first_boxes(head: bytes) -> tuple[Span, Span]:
    first, second, *_ = (*islice(top_level(io.BytesIO(head)), 2), _NO_BOX, _NO_BOX)
    return first, second


def _brands(head: bytes, size: int) -> Iterator[bytes]:
    """Yield the major brand and the compatible ones; between them is the version (ISO/IEC 14496-12, 4.3)."""
    yield head[8:12]
    yield from (head[at : at + 4] for at in range(16, size - 3, 4))


def _has_movie(file: BinaryIO) -> bool:
    return any(span.kind == b"moov" for span in top_level(file, MAX_BOXES))


def _behind_tag(sample: Sample) -> bytes:
    """Return the first bytes behind the tag and its padding, from the head alone if there is no file."""
    # ID3v2.4.0 structure, 3.1 and 6.2: seven bits per byte; a footer, if any, is as long as the header.
    flags, *sizes = sample.head[5:10].ljust(5, b"\0")
    end = (
        10
        + sum(size << shift for size, shift in zip(sizes, (21, 14, 7, 0), strict=True))
        + (10 if flags & 0x10 else 0)
    )
    found = read_at(sample.file, end, MAX_PADDING) if sample.file else sample.head[end : end + MAX_PADDING]
    return found.lstrip(b"\0")


def _is_mpeg_audio(frame: bytes) -> bool:
    """Return whether this is a header without reserved values (ISO/IEC 11172-3, 2.4.1.3)."""
    if len(frame) < 3 or frame[0] != 0xFF or frame[1] < 0xE0:
        return False
    version, layer, bit_rate, sample_rate = frame[1] >> 3 & 3, frame[1] >> 1 & 3, frame[2] >> 4, frame[2] >> 2 & 3
    return version != 1 and layer != 0 and bit_rate != 15 and sample_rate != 3


def _marks_of_text(sample: Sample) -> Iterator[str]:
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
    """Return whether the text is one JSON value (RFC 8259 section 2). libmagic knows objects and arrays."""
    with suppress(ValueError, RecursionError):
        return not isinstance(json.loads(text, parse_constant=_refuse), dict | list)
    return False


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON (RFC 8259)")


def _marks_of_gif(sample: Sample) -> Iterator[str]:
    """GIF89a, 18 to 27: behind the screen and its colours comes an image, an extension or the end."""
    head = sample.head
    start = 13 + (3 << (head[10] & 7) + 1 if len(head) > 10 and head[10] & 0x80 else 0)
    block = head[start : start + 2]
    cut = not block and not sample.whole
    if not cut and not block.startswith((b",", b";", b"!\1", b"!\xf9", b"!\xfe", b"!\xff")):
        yield "no block behind the header"


def _marks_of_jpeg(sample: Sample) -> Iterator[str]:
    """ITU-T T.81, B.1.1: behind the first marker come another one and the length of its segment."""
    code, length = sample.head[3:4], sample.head[4:6]
    if code < b"\xc0" or int.from_bytes(length, "big") < 2:
        yield "no segment behind the first marker"


def _marks_of_webp(sample: Sample) -> Iterator[str]:
    """RFC 9649 sections 2.5 to 2.7: the first chunk is one of three."""
    if sample.head[12:16] not in {b"VP8 ", b"VP8L", b"VP8X"}:
        yield "no chunk of WebP"


_READERS: Mapping[str, Callable[[Sample], Iterator[str]]] = MappingProxyType(
    {
        "text/plain": _marks_of_text,
        "text/xml": _marks_of_text,
        UNKNOWN: _marks_of_unknown,
        "image/gif": _marks_of_gif,
        "image/jpeg": _marks_of_jpeg,
        "image/webp": _marks_of_webp,
    }
)
"""How to read the marks of a file, by what libmagic calls it."""
