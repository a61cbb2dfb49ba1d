"""Install a seccomp filter: the kernel refuses the calls listed in ``syscalls`` until the process ends.

The filter is a program in classic BPF (``linux/filter.h``, ``linux/seccomp.h``). Refused calls fail with ``EPERM``, as
if the permission were missing, because parsers and libraries handle that. A call of another architecture, whose
numbers mean other calls, kills the process.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

from . import linux
from .syscalls import DENIED, FCNTL, IOCTL, LAST_KNOWN, MISSING, OPENING, PRLIMIT, SECCOMP, SIGNALLING, Number

_SET_MODE_FILTER = 1
_ALL_THREADS = 1

ALLOW = 0x7FFF0000
KILL = 0x80000000
REFUSE = 0x00050000 | errno.EPERM
NO_SUCH_CALL = 0x00050000 | errno.ENOSYS

# struct seccomp_data
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16

# BPF_LD | BPF_W | BPF_ABS, BPF_JMP | BPF_JEQ, BPF_JGT and BPF_JSET, BPF_RET
LOAD, IF_EQUAL, IF_GREATER, IF_ANY_BIT, RETURN = 0x20, 0x15, 0x25, 0x45, 0x06

_X32 = 0x40000000
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
# These make the kernel send a signal to the owner of a descriptor: F_SETOWN, F_SETSIG, F_SETOWN_EX.
_SIGNALLING_COMMANDS = (8, 10, 15)
# Whether a descriptor is a terminal, whether programs inherit it, and how many bytes wait in it: TCGETS, FIONCLEX,
# FIOCLEX and FIONREAD (``asm-generic/ioctls.h``). Other requests change the flags of an inode, or a device.
_HARMLESS_REQUESTS = (0x5401, 0x5450, 0x5451, 0x541B)


class Instruction(NamedTuple):
    """``skip_if`` and ``skip_else`` are the numbers of instructions to skip after a comparison with ``value``."""

    code: int
    value: int
    skip_if: int = 0
    skip_else: int = 0


@dataclass(frozen=True, kw_only=True)
class Architecture:
    audit: int
    """Its number in ``linux/audit.h``."""
    column: int
    """Of ``Number``."""

    def number(self, call: Number) -> int | None:
        return call[self.column]


ARCHITECTURES = {
    "x86_64": Architecture(audit=0xC000003E, column=0),
    "aarch64": Architecture(audit=0xC00000B7, column=1),
}


class _SockFilter(ctypes.Structure):
    _fields_ = [
        ("code", ctypes.c_uint16),
        ("skip_if", ctypes.c_uint8),
        ("skip_else", ctypes.c_uint8),
        ("value", ctypes.c_uint32),
    ]


class _SockProgram(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint16), ("instructions", ctypes.POINTER(_SockFilter))]


def install() -> None:
    """Filter the calls of all threads of this process. ``NO_NEW_PRIVS`` must be set.

    Raise ``OSError`` if the kernel accepts no filter, or the table has no numbers for the architecture.
    """
    architecture = ARCHITECTURES.get(platform.machine())
    if architecture is None or sys.byteorder != "little" or sys.maxsize < 2**32:
        raise OSError(errno.ENOSYS, f"no table of system calls for {platform.machine()}")
    instructions = program(architecture, os.getpid())
    array = (_SockFilter * len(instructions))(
        *(_SockFilter(each.code, each.skip_if, each.skip_else, each.value) for each in instructions)
    )
    sent = _SockProgram(len(instructions), array)
    number = architecture.number(SECCOMP)
    assert number is not None
    if linux.syscall(number, _SET_MODE_FILTER, _ALL_THREADS, ctypes.byref(sent)):
        raise OSError(errno.EBUSY, "a thread has a filter of its own")


def program(architecture: Architecture, pid: int) -> list[Instruction]:
    return [
        Instruction(LOAD, _ARCHITECTURE),
        *_when(IF_EQUAL, architecture.audit, [], otherwise=KILL),
        Instruction(LOAD, _NUMBER),
        *_when(IF_GREATER, _X32 - 1, [Instruction(RETURN, KILL)]),
        *_when(IF_GREATER, LAST_KNOWN, [Instruction(RETURN, NO_SUCH_CALL)]),
        *chain.from_iterable(_rules(architecture, pid)),
        Instruction(RETURN, ALLOW),
    ]


def _rules(architecture: Architecture, pid: int) -> Iterable[list[Instruction]]:
    bodies: list[tuple[Number, list[Instruction]]] = [
        *((call, [Instruction(RETURN, REFUSE)]) for group in DENIED.values() for call in group.values()),
        *((call, [Instruction(RETURN, NO_SUCH_CALL)]) for call in MISSING.values()),
        *((call, _only_if_any(0, [pid])) for call in SIGNALLING.values()),
        *((call, _only_without_bits(position, _WRITING)) for call, position in OPENING.values()),
        (FCNTL, _unless_equal(1, _SIGNALLING_COMMANDS)),
        (IOCTL, _only_if_any(1, _HARMLESS_REQUESTS)),
        (PRLIMIT, _only_if_null(2)),
    ]
    for call, body in bodies:
        number = architecture.number(call)
        if number is not None:
            yield _when(IF_EQUAL, number, body)


def _when(test: int, value: int, body: list[Instruction], otherwise: int | None = None) -> list[Instruction]:
    """Run ``body`` if the loaded word passes the test, else the rest of the program, or a verdict."""
    if otherwise is not None:
        return [Instruction(test, value, skip_if=1), Instruction(RETURN, otherwise), *body]
    return [Instruction(test, value, skip_else=len(body)), *body]


# Each of these looks at one argument and ends in a verdict either way.


def _only_if_any(position: int, values: Iterable[int]) -> list[Instruction]:
    allowed = (_when(IF_EQUAL, value, [Instruction(RETURN, ALLOW)]) for value in values)
    return [*_load_argument(position), *chain.from_iterable(allowed), Instruction(RETURN, REFUSE)]


def _unless_equal(position: int, values: Iterable[int]) -> list[Instruction]:
    refused = (_when(IF_EQUAL, value, [Instruction(RETURN, REFUSE)]) for value in values)
    return [*_load_argument(position), *chain.from_iterable(refused), Instruction(RETURN, ALLOW)]


def _only_without_bits(position: int, bits: int) -> list[Instruction]:
    return [
        *_load_argument(position),
        *_when(IF_ANY_BIT, bits, [Instruction(RETURN, REFUSE)]),
        Instruction(RETURN, ALLOW),
    ]


def _only_if_null(position: int) -> list[Instruction]:
    upper = [
        *_load_argument(position, upper=4),
        *_when(IF_EQUAL, 0, [Instruction(RETURN, ALLOW)]),
    ]
    return [*_load_argument(position), *_when(IF_EQUAL, 0, upper), Instruction(RETURN, REFUSE)]


def _load_argument(position: int, *, upper: int = 0) -> list[Instruction]:
    """Load one half of an argument: the kernel reads integers of 32 bits, but addresses of 64."""
    return [Instruction(LOAD, _ARGUMENTS + 8 * position + upper)]
