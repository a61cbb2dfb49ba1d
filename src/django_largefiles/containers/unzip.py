"""Unpack members of ZIP archives up to a limit, regardless of the size that they declare."""

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

    Raise ``Unreadable``, including if there is more than ``limit``.
    """
    if member.encrypted or member.method not in {STORED, DEFLATED}:
        raise Unreadable(
            f"{member.name[:100]!r} is encrypted, or compressed by an unsupported method ({member.method})"
        )
    produced = 0
    for piece in _unpacked(_packed(file, member), member.method):
        produced += len(piece)
        if produced > limit:
            raise Unreadable(f"{member.name[:100]!r} unpacks to more than the limit of {limit} bytes")
        yield piece


def content(file: BinaryIO, member: Member, limit: int) -> bytes:
    """Return the whole content of a member. See ``pieces``."""
    return b"".join(pieces(file, member, limit))


def _packed(file: BinaryIO, member: Member) -> Iterator[bytes]:
    header = read_at(file, member.offset, LOCAL_HEADER.size + len(member.name))
    if len(header) < LOCAL_HEADER.size or not header.startswith(b"PK\3\4"):
        raise Unreadable(f"there is no local header at {member.offset}")
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
            raise Unreadable("the compressed data of a member is truncated")
        yield piece


def _inflate(inflater: zlib._Decompress, data: bytes) -> bytes:
    try:
        return inflater.decompress(data, PIECE)
    except zlib.error as error:
        raise Unreadable(f"a member cannot be decompressed: {error}") from error
