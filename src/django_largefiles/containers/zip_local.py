"""Compare the directory of a ZIP archive with the headers before its members (PKWARE, APPNOTE.TXT 4.3.6 and 4.3.7).

Some programs read the one, some the other. Where they differ, what a scanner sees is not what a user unpacks.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import BinaryIO

from .facts import Unreadable
from .reading import affords_more, read_at
from .zip import LOCAL_HEADER, Member, extra_fields, unicode_name, widened

_SIGNATURE = b"PK\3\4"

# 4.4.4: encrypted; sizes follow the member; strongly encrypted; headers are masked.
_ENCRYPTED, _SIZES_FOLLOW, _STRONGLY, _MASKED = 0x0001, 0x0008, 0x0040, 0x2000
_TELLING = _ENCRYPTED | _STRONGLY | _MASKED

_DESCRIPTORS = {12, 16, 20, 24}
"""Bytes of the sizes that follow a member (4.3.9): with or without a signature, of 32 or 64 bits. None has room for a
member."""

# APK Signature Scheme v2, "APK Signing Block": between the members and the directory, after zeros that align it. Its
# size, pairs of a length and that many bytes, of which the first four are an id, its size once more, and the magic.
_APK_SIZE = struct.Struct("<Q")
_APK_END = struct.Struct("<Q16s")
_APK_MAGIC = b"APK Sig Block 42"
_APK_ALIGNMENT = 4096
_APK_LARGEST = 1024 * 1024
"""Bytes of a block that is read. Those of apksigner have 4 to 8 KiB."""
_APK_ID_LENGTH = 4


def compare(file: BinaryIO, members: Sequence[Member], end: int) -> tuple[int, int]:
    """Return how many members were compared, and how many differences were found.

    ``members`` are in the order of their offsets, and ``end`` is the position of the directory. All are compared
    unless the file affords no more reads. A difference is a header that contradicts the directory, or bytes that
    belong to no member of the directory, because a program that reads the headers may find members there.
    """
    compared, ambiguous = 0, 0
    first = members[0].offset if members else end
    # A program in front of the archive is none of its members; a member in front of those of the directory is.
    ambiguous += first > 0 and read_at(file, 0, len(_SIGNATURE)) == _SIGNATURE
    stops = [*(member.offset for member in members[1:]), end]
    for member, stop in zip(members, stops, strict=False):
        if not affords_more(file):
            break
        compared += 1
        ambiguous += not _agrees(file, member, stop, last=stop == end)
    return compared, ambiguous


def _agrees(file: BinaryIO, member: Member, stop: int, *, last: bool) -> bool:
    """Return whether the header says the same as the directory, and only the member lies before ``stop``."""
    fixed = read_at(file, member.offset, LOCAL_HEADER.size)
    if len(fixed) < LOCAL_HEADER.size or not fixed.startswith(_SIGNATURE):
        return False
    _, _, flags, method, *_, packed, size, name_length, extra_length = LOCAL_HEADER.unpack(fixed)
    named = read_at(file, member.offset + LOCAL_HEADER.size, name_length + extra_length)
    extra = extra_fields(named[name_length:])
    if (flags ^ member.flags) & _TELLING or method != member.method:
        return False
    if member.flags & _MASKED:
        return True
    if named[:name_length] != member.name or unicode_name(extra) not in {b"", member.unicode_name}:
        return False
    follow = bool(flags & _SIZES_FOLLOW)
    if not _sizes_agree(extra, (size, packed), (member.size, member.packed_size), follow=follow):
        return False
    position = member.offset + LOCAL_HEADER.size + name_length + extra_length + member.packed_size
    return _belongs(file, position, stop, follow=follow, last=last)


def _sizes_agree(extra: dict[int, bytes], told: tuple[int, int], known: tuple[int, int], *, follow: bool) -> bool:
    try:
        local = widened(extra, *told)
    except Unreadable:
        return False
    return local == known or (follow and all(size in {0, real} for size, real in zip(local, known, strict=True)))


def _belongs(file: BinaryIO, position: int, stop: int, *, follow: bool, last: bool) -> bool:
    """Return whether the bytes from the end of a member to ``stop`` belong to it, or to no member for any program."""
    gap = stop - position
    # Members that overlap are counted by themselves.
    if gap <= 0 or (follow and gap in _DESCRIPTORS):
        return True
    return last and _is_signing_block(file, position, stop, follow=follow)


def _is_signing_block(file: BinaryIO, position: int, stop: int, *, follow: bool) -> bool:
    end = read_at(file, stop - _APK_END.size, _APK_END.size)
    size, magic = _APK_END.unpack(end)
    begin = stop - size - _APK_SIZE.size
    padding = begin - position
    if magic != _APK_MAGIC or not 0 <= padding < _APK_ALIGNMENT + max(_DESCRIPTORS) or size > _APK_LARGEST:
        return False
    gap = read_at(file, position, stop - position)
    # Programs that read a stream look for the next member anywhere behind the last.
    if _SIGNATURE in gap or gap[max(_DESCRIPTORS) if follow else 0 : padding].strip(b"\0"):
        return False
    block = gap[padding:]
    return _APK_SIZE.unpack_from(block)[0] == size and _are_pairs(block[_APK_SIZE.size : -_APK_END.size])


def _are_pairs(data: bytes) -> bool:
    """Return whether the pairs of a signing block fill ``data``."""
    position = 0
    while position + _APK_SIZE.size <= len(data):
        length = _APK_SIZE.unpack_from(data, position)[0]
        if length < _APK_ID_LENGTH:
            return False
        position += _APK_SIZE.size + length
    return position == len(data)
