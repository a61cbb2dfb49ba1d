"""The figures of a ZIP archive, from its directory and, as far as the file affords it, its local headers."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import replace
from typing import BinaryIO

from .facts import MAX_ENTRIES, ArchiveFacts, Tally
from .zip import Directory, Member, find_directory, walk
from .zip_local import compare

MAX_DIRECTORY = 32 * 1024 * 1024
"""Bytes of a directory that are read."""

# 4.4.5, and the names that ``extractors.archive`` uses for compressed files.
_METHODS = {
    0: "stored",
    8: "deflate",
    9: "deflate64",
    12: "bzip2",
    14: "lzma",
    93: "zstd",
    95: "xz",
    98: "ppmd",
    99: "aes",
}

_LINK_LIKE = (stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK)


def describe(file: BinaryIO) -> ArchiveFacts:
    """Return the figures of a ZIP archive. Raise ``Unreadable``."""
    return survey(file, find_directory(file))[0]


def survey(file: BinaryIO, directory: Directory) -> tuple[ArchiveFacts, dict[bytes, Member]]:
    """Return the figures and the members by name. Raise ``Unreadable``."""
    size = file.seek(0, os.SEEK_END)
    if directory.entries > MAX_ENTRIES or directory.size > MAX_DIRECTORY:
        return ArchiveFacts(entries=directory.entries, total_size=0, ratio=0.0, complete=False), {}
    members = list(walk(file, directory))
    by_name = {member.name: member for member in members}
    members.sort(key=lambda member: member.offset)
    tally = Tally()
    for member in members:
        tally.add(*member.names, size=member.size, method=_METHODS.get(member.method, f"method {member.method}"))
        tally.links += stat.S_IFMT(member.mode) in _LINK_LIKE
        tally.encrypted += member.encrypted
    tally.overlapping = _overlaps(members, directory.start)
    compared, ambiguous = compare(file, members, directory.start)
    return replace(tally.facts(size), compared=compared, ambiguous=ambiguous), by_name


def _overlaps(members: Iterable[Member], limit: int) -> int:
    """Return how many of the members begin before an earlier one ends, or end after ``limit``."""
    count, reached = 0, 0
    for member in members:
        count += member.offset < reached or member.least_end > limit
        reached = max(reached, member.least_end)
    return count
