"""Detect the media type of a file from its bytes, by libmagic."""

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
from .families import is_zip
from .matching import possible_types
from .structure import Sample, corrected
from .table import EMPTY, UNKNOWN

T = TypeVar("T")

HEAD_LENGTH = 2048
"""Bytes that an early verdict needs: the whole file, if it has fewer."""

_TELLING_LENGTH = 16 * 1024
"""Bytes read of a file without a descriptor, where each read may be a request. Enough for almost every type."""

_VAGUE_LENGTH = 1024 * 1024
"""Bytes read where the first ones fit several types: as many as libmagic 5.41 itself reads of a file's head."""

_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)
_MISSING = (
    "libmagic cannot be used ({error}): install django-largefiles[libmagic], which brings its own, "
    "or the system's (Debian: apt install libmagic1, Homebrew: brew install libmagic)"
)


class LibmagicUnusable(Exception):
    """libmagic or its Python module is missing, or another module has its name. The message says what to install."""


@dataclass(frozen=True, kw_only=True)
class _Libmagic:
    detector: Any
    error: type[Exception]


def sniff_head(data: bytes) -> str:
    """Return the media type of a file that begins with ``data``, in lower case and without parameters.

    Only ``HEAD_LENGTH`` bytes are looked at: this runs in the web process, and libmagic takes a second for a mebibyte
    of line feeds.

    The type is ``"application/x-empty"`` for no bytes and ``"application/octet-stream"`` for unknown ones.
    Raise ``LibmagicUnusable``.
    """
    head = data[:HEAD_LENGTH]
    return corrected(_told_of(head), Sample(head=head))


def sniff_file(file: BinaryIO) -> str:
    """Return the media type of a whole, seekable file, as ``sniff_head`` does; the position stays where it is.

    If the file has a descriptor, libmagic seeks in it (1 to 7 MiB at the head, depending on its version, and as much
    at the tail). Of any other file the first 16 KiB are read, the first MiB if these fit several types, of a ZIP
    archive its directory, and of an office file a small member. The descriptor must be of these very bytes, and all
    of them flushed (the descriptor of a ``GzipFile`` is that of the compressed file).

    Raise ``LibmagicUnusable``, and ``OSError`` if the file cannot be read.
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
    # A second object for the same open file shares its position, which is restored at the end.
    with open(descriptor, "rb", buffering=0, closefd=False) as file:
        try:
            file.seek(0)
            told = _answer(_libmagic(os.getpid()).detector.from_descriptor, descriptor)
            head = read_at(file, 0, _VAGUE_LENGTH if _is_vague(told) else _TELLING_LENGTH)
            return corrected(told, Sample(head=head, file=file))
        finally:
            file.seek(position)


def _is_vague(media_type: str) -> bool:
    """Return whether more of the head may show another type. A ZIP archive is recognised by its end instead."""
    return possible_types(media_type) != (media_type,) and not is_zip(media_type)


def _told_of(data: bytes) -> str:
    return _answer(_libmagic(os.getpid()).detector.from_buffer, data)


@functools.cache
def _libmagic(process_id: int) -> _Libmagic:
    """Return a handle of this process: a forked worker may inherit its parent's while the lock is held."""
    try:
        # pylibmagic changes where libmagic and its database are found. If python-magic has already loaded the
        # system's library (the host may have imported it), the two would have different versions.
        if "magic" not in sys.modules:
            with contextlib.suppress(ImportError, OSError):
                importlib.import_module("pylibmagic")
        magic = importlib.import_module("magic")
    except ImportError as error:
        raise LibmagicUnusable(_MISSING.format(error=error)) from error
    try:
        return _Libmagic(detector=magic.Magic(mime=True), error=magic.MagicException)
    except Exception as error:
        # The database does not load, or "magic" is the module of libmagic's own authors, which has other names.
        raise LibmagicUnusable(_MISSING.format(error=error)) from error


def _answer(detect: Callable[[T], str], source: T) -> str:
    try:
        found = detect(source).lower()
    except _libmagic(os.getpid()).error:
        return UNKNOWN
    if found == "inode/x-empty":
        return EMPTY
    # Instead of a type, libmagic may answer a message, or two types without a separator.
    return found if _MEDIA_TYPE.fullmatch(found) else UNKNOWN


def _descriptor(file: BinaryIO) -> int | None:
    try:
        return file.fileno()
    except (AttributeError, OSError):
        return None
