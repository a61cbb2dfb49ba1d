"""Read the directory of ZIP archives (PKWARE, APPNOTE.TXT 6.3.10) in bounded pieces.

``zipfile`` reads the whole directory into memory and creates an object for each entry before anything can be checked.
Where the format is ambiguous, so that two programs may see different content, the archive is ``Unreadable``.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from .facts import Unreadable
from .reading import Stretch, read_at

_TAIL = 16 * 1024
"""Bytes read at the end at first. A longer comment costs a second read."""
_MAX_COMMENT = 0xFFFF
_MASKED_16, _MASKED_32 = 0xFFFF, 0xFFFFFFFF

# 4.4.1.4: in an archive of one part the number may be masked as well.
_THIS_DISK = {0, _MASKED_16}

# 4.3.16, 4.3.15, 4.3.14, 4.3.12 and 4.3.7.
_END = struct.Struct("<4s4H2LH")
_END_64_LOCATOR = struct.Struct("<4sLQL")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_ENTRY = struct.Struct("<4s6H3L5H2L")
LOCAL_HEADER = struct.Struct("<4s5H3L2H")

_ZIP64_FIELD = 0x0001
_UNICODE_PATH_FIELD = 0x7075
_UNICODE_PATH_PREFIX = 5
# 4.4.4: the member itself, and values masked in a local header of an encrypted directory.
_ENCRYPTED = 0x0001 | 0x2000


@dataclass(frozen=True, kw_only=True)
class Directory:
    """The position, size and number of entries of the directory, from the end record."""

    start: int
    size: int
    entries: int
    shift: int
    """Bytes before the archive, such as a program that unpacks it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    name: bytes
    unicode_name: bytes
    """Another name, which some programs prefer (4.6.9); usually empty."""
    flags: int
    method: int
    packed_size: int
    size: int
    offset: int
    """Position of its local header in the file."""
    mode: int
    """The Unix mode, 0 if there is none."""

    @property
    def names(self) -> tuple[bytes, ...]:
        return (self.name, self.unicode_name) if self.unicode_name else (self.name,)

    @property
    def encrypted(self) -> bool:
        return bool(self.flags & _ENCRYPTED)

    @property
    def least_end(self) -> int:
        """The earliest position where its bytes can end: the local header may be longer than the directory shows."""
        return self.offset + LOCAL_HEADER.size + len(self.name) + self.packed_size


def find_directory(file: BinaryIO) -> Directory:
    """Return the directory. Raise ``Unreadable`` if the end record is not the last thing in the file."""
    size = file.seek(0, os.SEEK_END)
    position, record = _end_record(file, size)
    _, disk, first_disk, here, entries, directory_size, offset, _ = _END.unpack_from(record)
    end = position
    locator = read_at(file, position - _END_64_LOCATOR.size, _END_64_LOCATOR.size)
    if locator.startswith(b"PK\6\7"):
        end, wide = _end_64(file, locator, position - _END_64_LOCATOR.size)
        narrow = (here, entries, directory_size, offset)
        masks = (_MASKED_16, _MASKED_16, _MASKED_32, _MASKED_32)
        if any(given not in {mask, meant} for given, mask, meant in zip(narrow, masks, wide, strict=True)):
            raise Unreadable("the end record and the 64-bit end record contradict each other")
        here, entries, directory_size, offset = wide
    if not {disk, first_disk} <= _THIS_DISK or here != entries:
        raise Unreadable("an archive of several parts")
    start = end - directory_size
    if start < 0 or start < offset:
        raise Unreadable("the directory is not at the position that the end record states")
    if entries * _ENTRY.size > directory_size:
        raise Unreadable(f"the directory of {directory_size} bytes is too small for {entries} members")
    return Directory(start=start, size=directory_size, entries=entries, shift=start - offset)


def walk(file: BinaryIO, directory: Directory) -> Iterator[Member]:
    """Yield the members in the directory's order. The file may be read elsewhere in between. Raise ``Unreadable``."""
    source = Stretch(file, directory.start, directory.size)
    for _ in range(directory.entries):
        yield _member(source, directory)
    if source.left:
        raise Unreadable(f"{source.left} bytes in the directory belong to no member")


def _end_record(file: BinaryIO, size: int) -> tuple[int, bytes]:
    for length in (_TAIL, _END.size + _MAX_COMMENT):
        start = max(0, size - length)
        tail = read_at(file, start, size - start)
        found = tail.rfind(b"PK\5\6")
        if found < 0:
            continue
        record = tail[found:]
        if len(record) < _END.size or len(record) != _END.size + _END.unpack_from(record)[-1]:
            raise Unreadable("other data follows the end record")
        return start + found, record
    raise Unreadable("the archive has no end record")


def _end_64(file: BinaryIO, locator: bytes, before: int) -> tuple[int, tuple[int, int, int, int]]:
    _, disk, position, _ = _END_64_LOCATOR.unpack(locator)
    if disk or position + _END_64.size > before:
        raise Unreadable("the 64-bit end record is not in this file")
    record = read_at(file, position, _END_64.size)
    if not record.startswith(b"PK\6\6"):
        raise Unreadable(f"there is no 64-bit end record at {position}")
    *_, here, entries, size, offset = _END_64.unpack(record)
    return position, (here, entries, size, offset)


def _member(source: Stretch, directory: Directory) -> Member:
    entry = _ENTRY.unpack(source.take(_ENTRY.size))
    signature, _, _, flags, method, *_, packed, size, name_length, extra_length, comment_length = entry[:13]
    disk, _, attributes, offset = entry[13:]
    if signature != b"PK\1\2":
        raise Unreadable("the directory has data that is not an entry")
    name = source.take(name_length)
    extra = extra_fields(source.take(extra_length))
    source.take(comment_length)
    size, packed, offset = widened(extra, size, packed, offset)
    if disk not in _THIS_DISK:
        raise Unreadable("an archive of several parts")
    if offset + directory.shift > directory.start:
        raise Unreadable("a member begins after the directory")
    return Member(
        name=name,
        unicode_name=unicode_name(extra),
        flags=flags,
        method=method,
        packed_size=packed,
        size=size,
        offset=offset + directory.shift,
        mode=attributes >> 16,
    )


def extra_fields(data: bytes) -> dict[int, bytes]:
    """Return the extra fields by number; the first of each number, without a truncated last one (4.5.1)."""
    fields: dict[int, bytes] = {}
    while len(data) >= 4:
        number, length = struct.unpack_from("<2H", data)
        fields.setdefault(number, data[4 : 4 + length])
        data = data[4 + length :]
    return fields


def unicode_name(extra: Mapping[int, bytes]) -> bytes:
    """Return the other name of a member, empty if there is none."""
    return extra.get(_UNICODE_PATH_FIELD, b"")[_UNICODE_PATH_PREFIX:]


def widened(extra: Mapping[int, bytes], *values: int) -> tuple[int, ...]:
    """Return ``values``, with masked ones replaced from the 64-bit field, which holds them in this order (4.5.3)."""
    found, field = list[int](), extra.get(_ZIP64_FIELD, b"")
    for value in values:
        if value == _MASKED_32:
            if len(field) < 8:
                raise Unreadable("a 64-bit size or offset is missing")
            value, field = int.from_bytes(field[:8], "little"), field[8:]
        found.append(value)
    return tuple(found)
