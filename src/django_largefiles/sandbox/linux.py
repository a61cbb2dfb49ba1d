"""System calls of Linux that the standard library lacks, by way of the C library."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from typing import Any

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_NO_NEW_PRIVS = 38

_CAPABILITY_VERSION_3 = 0x20080522


def prctl(option: int, argument: int) -> None:
    """Call prctl(2). Raise ``OSError``."""
    _checked(_libc().prctl(option, *map(ctypes.c_ulong, (argument, 0, 0, 0))))


def drop_capabilities() -> None:
    """Give up, irrevocably, the privileges of root. Raise ``OSError``."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    none = (ctypes.c_uint32 * 6)()
    _checked(_libc().capset(header, none))


def syscall(number: int, *arguments: Any) -> int:
    """Call syscall(2). Integers are passed as C longs, anything else as by ctypes. Raise ``OSError``."""
    function = _libc().syscall
    function.restype = ctypes.c_long
    passed = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    return _checked(function(ctypes.c_long(number), *passed))


def _libc() -> ctypes.CDLL:
    if sys.platform != "linux":
        raise OSError(errno.ENOSYS, "this is not Linux")
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
