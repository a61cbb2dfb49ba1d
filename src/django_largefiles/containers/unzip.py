"""Unpack members of ZIP archives up to a limit, whatever size they declare."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import BinaryIO

from .facts import Unreadable
from .reading import PIECE, Stretch, read_at
from .zip import LOCAL_HEADER, Member

STORED, DEFLATED = 0, 8


def pieces(file: BinaryIO, member: Member, limit: int) -> Iterator[bytes]:
    """Yield the unpacked content of a member: at most ``limit`` bytes in all, and at most 64 KiB at once.

    Raise ``Unreadable``, also if there is more.
    """
    if member.encrypted or member.method not in {STORED, DEFLATED}:
        raise Unreadable(f"{member.name[:100]!r} is encrypted, or packed in a way that we do not unpack")
    produced = 0
    for piece in _unpacked(_packed(file, member), member.method):
        produced += len(piece)
        if produced > limit:
            raise Unreadable(f"{member.name[:100]!r} is larger than {limit} bytes")
        yield piece


def content(file: BinaryIO, member: Member, limit: int) -> bytes:
    """Return the whole content of a member. See ``pieces``."""
    return b"".join(pieces(file, member, limit))


def _packed(file: BinaryIO, member: Member) -> Iterator[bytes]:
    header = read_at(file, member.offset, LOCAL_HEADER.size + len(member.name))
    if len(header) < LOCAL_HEADER.size or not header.startswith(b"PK\3\4"):
        raise Unreadable("no local header where one should be")
    name_length, extra_length = LOCAL_HEADER.unpack_from(header)[-2:]
    if name_length != len(member.name) or header[LOCAL_HEADER.size :] != member.name:
        raise Unreadable("the directory and the local header give different names")
    position = member.offset + LOCAL_HEADER.size + name_length + extra_length
    source = Stretch(file, position, member.packed_size)
    while source.left:
        yield source.take(min(PIECE, source.left))


def _unpacked(packed: Iterator[bytes], method: int) -> Iterator[bytes]:
    if method == STORED:
        yield from packed
        return
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    for data in packed:
        while data and not inflater.eof:
            yield _inflate(inflater, data)
            data = inflater.unconsumed_tail
    while not inflater.eof:
        piece = _inflate(inflater, b"")
        if not piece:
            raise Unreadable("a member is cut off")
        yield piece


def _inflate(inflater: zlib._Decompress, data: bytes) -> bytes:
    try:
        return inflater.decompress(data, PIECE)
    except zlib.error as error:
        raise Unreadable(str(error)) from error
