"""The media type that the bytes themselves show, by libmagic."""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO, TypeVar

from ..containers.reading import read_at
from ..exceptions import LibmagicMissing
from .corrections import ZIP, group
from .matching import possible_types
from .structure import Sample, corrected
from .table import EMPTY, UNKNOWN

T = TypeVar("T")

HEAD_LENGTH = 2048
"""Bytes that an early verdict needs."""

_TELLING_LENGTH = 16 * 1024
"""Bytes read of a file without a descriptor, of which each read may be a request: enough for almost every type."""

_VAGUE_LENGTH = 1024 * 1024
"""Bytes read of one whose type so many do not tell: as much as libmagic 5.41 itself reads of a file's head."""

_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)
_MISSING = (
    "libmagic cannot be used ({error}): install django-largefiles[libmagic], which brings its own, "
    "or the system's (Debian: apt install libmagic1, Homebrew: brew install libmagic)"
)


@dataclass(frozen=True, kw_only=True)
class _Libmagic:
    detector: Any
    error: type[Exception]


def sniff_head(data: bytes) -> str:
    """The media type of a file that begins with ``data``, lower case and without parameters.

    ``"application/x-empty"`` for no bytes, ``"application/octet-stream"`` for those that show nothing.
    Raises ``LibmagicMissing``.
    """
    return corrected(_told_of(data), Sample(head=data))


def sniff_file(file: BinaryIO) -> str:
    """The media type of a whole, seekable file, as ``sniff_head`` names it; its position does not change.

    Where the file has a descriptor libmagic seeks in it on its own (1 to 7 MiB of head, by its version, and as
    much of tail). Of any other 16 KiB are read, and the first MiB where these may be of several types; of a ZIP also
    its directory and, of an office file, a small member. The descriptor must be of these very bytes, and all of them
    flushed (``GzipFile`` has that of the compressed file). Raises ``LibmagicMissing``, and ``OSError`` where the file
    cannot be read.
    """
    descriptor = _descriptor(file)
    if descriptor is not None:
        return _sniff_descriptor(descriptor)
    position = file.tell()
    try:
        return _sniff_reader(file)
    finally:
        file.seek(position)


def _sniff_reader(file: BinaryIO) -> str:
    head = read_at(file, 0, _TELLING_LENGTH)
    found = corrected(_told_of(head), Sample(head=head, file=file))
    if not _is_vague(found):
        return found
    head = read_at(file, 0, _VAGUE_LENGTH)
    return corrected(_told_of(head), Sample(head=head, file=file))


def _sniff_descriptor(descriptor: int) -> str:
    position = os.lseek(descriptor, 0, os.SEEK_CUR)
    # The same open file, with the one position that it has: put back at the end.
    with open(descriptor, "rb", buffering=0, closefd=False) as file:
        try:
            file.seek(0)
            told = _answer(_libmagic(os.getpid()).detector.from_descriptor, descriptor)
            head = read_at(file, 0, _VAGUE_LENGTH if _is_vague(told) else _TELLING_LENGTH)
            return corrected(told, Sample(head=head, file=file))
        finally:
            file.seek(position)


def _is_vague(media_type: str) -> bool:
    """Whether more of the head may show another type. Of a ZIP its end tells, and more of the head nothing."""
    return possible_types(media_type) != (media_type,) and group(media_type) != ZIP


def _told_of(data: bytes) -> str:
    return _answer(_libmagic(os.getpid()).detector.from_buffer, data)


@functools.cache
def _libmagic(process_id: int) -> _Libmagic:
    """One handle for each process: a forked worker may inherit its parent's with the lock held."""
    try:
        # pylibmagic changes where libmagic and its database are found. After python-magic has loaded the
        # system's library (the host may have imported it), the two would be of different versions.
        if "magic" not in sys.modules:
            with contextlib.suppress(ImportError, OSError):
                importlib.import_module("pylibmagic")
        magic = importlib.import_module("magic")
    except ImportError as error:
        raise LibmagicMissing(_MISSING.format(error=error)) from error
    try:
        return _Libmagic(detector=magic.Magic(mime=True), error=magic.MagicException)
    except Exception as error:
        # A database that does not load; or the "magic" of libmagic's own authors, which has other names.
        raise LibmagicMissing(_MISSING.format(error=error)) from error


def _answer(detect: Callable[[T], str], source: T) -> str:
    try:
        found = detect(source).lower()
    except _libmagic(os.getpid()).error:
        return UNKNOWN
    if found == "inode/x-empty":
        return EMPTY
    # In place of a type libmagic may answer a message, or two types run together.
    return found if _MEDIA_TYPE.fullmatch(found) else UNKNOWN


def _descriptor(file: BinaryIO) -> int | None:
    try:
        return file.fileno()
    except (AttributeError, OSError):
        return None
