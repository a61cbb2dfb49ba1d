"""Read tar archives header by header, and skip what is between the headers."""

from __future__ import annotations

import os
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import BinaryIO, Protocol

from .facts import MAX_ENTRIES, MAX_SIZE, ArchiveFacts, Tally, Unreadable, leads_elsewhere
from .reading import read_at

BLOCK = tarfile.BLOCKSIZE

MAX_HEADER_DATA = 64 * 1024
"""Bytes of a long name, or of the extended attributes of one member."""

MAX_REPEATED = 8
"""Values of one attribute that are kept, for one member or for all. Honest archives have one."""

MAX_OCTAL = 8**11 - 1
"""The largest size that a ustar header can hold (POSIX.1-2017, pax). A larger one is in an attribute."""

_TYPE_FLAG = slice(156, 157)
_LONG_NAMES = {tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK}
_EXTENDED = {tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE}
_WITHOUT_CONTENT = {
    tarfile.LNKTYPE,
    tarfile.SYMTYPE,
    tarfile.CHRTYPE,
    tarfile.BLKTYPE,
    tarfile.DIRTYPE,
    tarfile.FIFOTYPE,
}
_LINK_LIKE = _WITHOUT_CONTENT - {tarfile.DIRTYPE}
# GNU tar reads the content of symbolic links, devices and FIFOs; bsdtar does not read that of a volume's name.
_UNCERTAIN = (_LINK_LIKE - {tarfile.LNKTYPE}) | {b"V"}
# POSIX.1-2017, pax, "Extended Header": "%d %s=%s\n".
_RECORD = re.compile(rb"(\d{1,20}) ([^=]+)=")


class Source(Protocol):
    """The source of a tar, read from front to back. It has ended if it returns fewer bytes than asked for."""

    def read(self, size: int, /) -> bytes: ...

    def skip(self, size: int, /) -> int: ...


class Seeking:
    """A file in which skipped bytes are not read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = file.seek(0, os.SEEK_END)
        self._position = 0

    def read(self, size: int) -> bytes:
        data = read_at(self._file, self._position, size)
        self._position += len(data)
        return data

    def skip(self, size: int) -> int:
        skipped = max(0, min(size, self._size - self._position))
        self._position += skipped
        return skipped


class EndOfSource(Exception):
    """The source ended before the archive did."""


class MoreMembers(Exception):
    """Members follow a lone block of zeros. It ends the archive for most programs, but not for BusyBox."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    names: tuple[bytes, ...]
    """All that are given for it, without repetitions; several if programs disagree which one counts."""
    short_name: bytes
    """The one in its own header, which programs use that do not know long ones."""
    size: int
    links: bool
    """Whether it is a link, a device or a FIFO."""
    ambiguous: bool
    """Whether programs disagree about its name, or where it ends."""


@dataclass(kw_only=True, slots=True)
class _Attributes:
    """Attributes in headers before the member's own, which they override.

    Programs disagree which of several counts.
    """

    names: list[bytes] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    headers: int = 0
    """The extended headers that they are from."""

    def check(self) -> None:
        """Raise ``Unreadable`` if there are so many that reading them would take memory without end."""
        if max(len(self.names), len(self.sizes)) > MAX_REPEATED:
            raise Unreadable(f"an attribute is given more than {MAX_REPEATED} times")


def survey(source: Source, archive_size: int) -> ArchiveFacts:
    """Return the figures of the tar in ``source``, incomplete if it has too many members or ends too early.

    Raise ``Unreadable``.
    """
    tally, complete, ambiguous = Tally(), True, 0
    try:
        for member in walk(source):
            if tally.entries == MAX_ENTRIES:
                complete = False
                break
            tally.add(*member.names, size=member.size)
            # The short name of an honest member may be that of others, cut as they are.
            tally.traversal += leads_elsewhere(member.short_name) and not any(map(leads_elsewhere, member.names))
            tally.links += member.links
            ambiguous += member.ambiguous
    except EndOfSource:
        complete = False
    except MoreMembers:
        ambiguous += 1
    return replace(tally.facts(archive_size, complete=complete), ambiguous=ambiguous)


def walk(source: Source) -> Iterator[Member]:
    """Yield the members, up to the blocks of zeros at the end.

    Raise ``Unreadable``, ``EndOfSource`` and ``MoreMembers``.
    """
    everywhere, here = _Attributes(), _Attributes()
    while (header := _header(_exactly(source, BLOCK))) is not None:
        if header.type in _LONG_NAMES:
            content = _content(source, header.size)
            if header.type == tarfile.GNUTYPE_LONGNAME:
                here.names.append(content.rstrip(b"\0"))
                here.check()
            continue
        if header.type in _EXTENDED:
            _read_records(_content(source, header.size), everywhere if header.type == tarfile.XGLTYPE else here)
            continue
        yield _member(source, header, everywhere, here)
        here = _Attributes()
    # Two blocks of zeros end an archive (POSIX.1-2017, pax, "ustar Interchange Format").
    if is_header(source.read(BLOCK)):
        raise MoreMembers


def is_header(block: bytes) -> bool:
    """Return whether a tar may begin with ``block``."""
    if len(block) < BLOCK:
        return False
    try:
        return _header(block) is not None
    except Unreadable:
        return False


def _header(block: bytes) -> tarfile.TarInfo | None:
    """Return the header in ``block``, or ``None`` for the end of the archive."""
    if not any(block):
        return None
    try:
        header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.TarError, ValueError) as error:
        raise Unreadable(f"a block is not a tar header: {error}") from error
    if not 0 <= header.size <= MAX_SIZE:
        raise Unreadable(f"a member cannot have {header.size} bytes; the limit is {MAX_SIZE}")
    if header.type == tarfile.DIRTYPE and block[_TYPE_FLAG] == tarfile.AREGTYPE:
        # Python takes an old file for a folder if its name ends in a slash; other programs read its content.
        header.type, header.name = tarfile.AREGTYPE, f"{header.name}/"
    if header.type == tarfile.GNUTYPE_SPARSE:
        raise Unreadable("sparse members are not supported")
    return header


def _member(source: Source, header: tarfile.TarInfo, everywhere: _Attributes, here: _Attributes) -> Member:
    short_name = header.name.encode("utf-8", "surrogateescape")
    names = tuple(dict.fromkeys(filter(None, [*here.names, *everywhere.names]))) or (short_name,)
    size = (here.sizes or everywhere.sizes or [header.size])[-1]
    kept = 0 if header.type in _WITHOUT_CONTENT else size
    _pass_over(source, kept)
    # Some take what is called like a folder for one, which has no content.
    like_a_folder = any(name.endswith(b"/") for name in (*names, short_name))
    return Member(
        names=names,
        short_name=short_name,
        size=kept,
        links=header.type in _LINK_LIKE,
        ambiguous=len(names) > 1 or _readings_vary(header, everywhere, here) or (kept > 0 and like_a_folder),
    )


def _readings_vary(header: tarfile.TarInfo, everywhere: _Attributes, here: _Attributes) -> bool:
    """Return whether programs disagree where the member ends, or which attributes it has.

    Some ignore sizes in attributes. A size that no header can hold cannot agree with the header.
    """
    if here.headers > 1 or everywhere.sizes:
        return True
    if header.type in _UNCERTAIN and header.size:
        return True
    if header.type in _WITHOUT_CONTENT:
        return any(here.sizes)
    return any(size != header.size and size <= MAX_OCTAL for size in here.sizes)


def _read_records(data: bytes, attributes: _Attributes) -> None:
    attributes.headers += 1
    while data and data != b"\0" * len(data):
        record = _RECORD.match(data)
        length = int(record[1]) if record else 0
        if record is None or not record.end() < length <= len(data) or data[length - 1 : length] != b"\n":
            raise Unreadable("an extended header is malformed")
        _apply(record[2], data[record.end() : length - 1], attributes)
        attributes.check()
        data = data[length:]


def _apply(keyword: bytes, value: bytes, attributes: _Attributes) -> None:
    if keyword.startswith(b"GNU.sparse."):
        raise Unreadable("sparse members are not supported")
    if keyword == b"path":
        attributes.names.append(value)
    if keyword == b"size":
        if not value.isdigit() or len(value) > 20 or int(value) > MAX_SIZE:
            raise Unreadable(f"a member cannot have a size of {value[:30]!r}; the limit is {MAX_SIZE} bytes")
        attributes.sizes.append(int(value))


def _content(source: Source, size: int) -> bytes:
    if size > MAX_HEADER_DATA:
        raise Unreadable(f"a name or extended header has {size} bytes; the limit is {MAX_HEADER_DATA}")
    content = _exactly(source, size)
    _pass_over_padding(source, size)
    return content


def _pass_over(source: Source, size: int) -> None:
    if source.skip(size) < size:
        raise EndOfSource
    _pass_over_padding(source, size)


def _pass_over_padding(source: Source, size: int) -> None:
    # Some programs do not write all of the last member's padding.
    source.skip(-size % BLOCK)


def _exactly(source: Source, size: int) -> bytes:
    data = source.read(size)
    if len(data) < size:
        raise EndOfSource
    return data
