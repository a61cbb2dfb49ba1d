"""Restrict this process by Landlock: it can read a few folders of code, and open nothing else in the file system.

https://docs.kernel.org/userspace-api/landlock.html; the numbers are those of ``linux/landlock.h``.
"""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from . import linux

KNOWN_VERSION = 7
"""The latest version of the kernel's interface that is used in full. The seventh only adds to the audit log."""

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_FOR_VERSION = 1
_PATH_BENEATH = 1

_READ_FILE = 1 << 2
_READ_FOLDER = 1 << 3


class Rights(NamedTuple):
    """What a ruleset forbids, as bits: acts on files, on TCP ports, and on processes outside."""

    files: int
    network: int
    scope: int


_ADDED = {
    # To execute, write and read files, list folders, remove and make what stands in them.
    1: Rights((1 << 13) - 1, 0, 0),
    # To move between folders.
    2: Rights(1 << 13, 0, 0),
    # To truncate.
    3: Rights(1 << 14, 0, 0),
    # To bind and to connect TCP sockets.
    4: Rights(0, 0b11, 0),
    # ioctl on devices.
    5: Rights(1 << 15, 0, 0),
    # Abstract Unix sockets and signals.
    6: Rights(0, 0, 0b11),
}


class _Ruleset(ctypes.Structure):
    _fields_ = [("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scope", ctypes.c_uint64)]


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = [("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32)]


def restrict(readable: Iterable[str]) -> int:
    """Allow this thread, and those that it may start, only to read below the paths in ``readable``.

    ``NO_NEW_PRIVS`` must be set. Open files stay open. Paths that cannot be opened are skipped. Return the version of
    the interface that was used. Raise ``OSError`` if the kernel has no Landlock.
    """
    version = min(linux.syscall(_CREATE_RULESET, None, 0, _ASK_FOR_VERSION), KNOWN_VERSION)
    # Kernels that know a shorter structure accept this one if the rest is zero.
    attributes = _Ruleset(*handled(version))
    with _closing(linux.syscall(_CREATE_RULESET, ctypes.byref(attributes), ctypes.sizeof(attributes), 0)) as ruleset:
        for path in readable:
            with suppress(OSError):
                _allow_reading(ruleset, path)
        linux.syscall(_RESTRICT_SELF, ruleset, 0)
    return version


def handled(version: int) -> Rights:
    """Return all that an interface of this version can forbid."""
    return Rights(*map(sum, zip(*(added for since, added in _ADDED.items() if since <= version), strict=True)))


def _allow_reading(ruleset: int, path: str) -> None:
    with _closing(os.open(path, os.O_PATH | os.O_CLOEXEC)) as opened:
        is_folder = stat.S_ISDIR(os.fstat(opened).st_mode)
        rule = _Beneath(_READ_FILE | _READ_FOLDER if is_folder else _READ_FILE, opened)
        linux.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)


@contextmanager
def _closing(descriptor: int) -> Iterator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)
