from __future__ import annotations

import ctypes
import fcntl
import os
import re
import termios
from pathlib import Path
from typing import Any

import pytest

from django_largefiles.sandbox import seccomp, syscalls
from django_largefiles.sandbox.seccomp import ALLOW, ARCHITECTURES, KILL, NO_SUCH_CALL, REFUSE, Architecture, program
from django_largefiles.sandbox.syscalls import (
    DENIED,
    FCNTL,
    IOCTL,
    LAST_KNOWN,
    MISSING,
    OPENING,
    PRLIMIT,
    SIGNALLING,
    Number,
)
from tests.sandbox.bpf import verdict

PID = 4711
OPEN, OPENAT = (call for call, _ in OPENING.values())

HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}

HARMLESS = {"x86_64": {"read": 0, "mmap": 9, "futex": 202}, "aarch64": {"read": 63, "mmap": 222, "futex": 98}}


@pytest.fixture(params=ARCHITECTURES)
def architecture(request: pytest.FixtureRequest) -> Architecture:
    return ARCHITECTURES[request.param]


def judge(architecture: Architecture, call: Number, *arguments: int) -> int:
    number = architecture.number(call)
    assert number is not None
    return verdict(program(architecture, PID), architecture.audit, number, *arguments)


@pytest.mark.parametrize("group", DENIED)
def test_what_no_parser_needs_is_refused(architecture: Architecture, group: str) -> None:
    calls = [call for call in DENIED[group].values() if architecture.number(call) is not None]
    assert calls
    assert {judge(architecture, call) for call in calls} == {REFUSE}


@pytest.mark.parametrize("name", MISSING)
def test_what_cannot_be_judged_is_not_there(architecture: Architecture, name: str) -> None:
    assert judge(architecture, MISSING[name]) == NO_SUCH_CALL


def test_what_is_newer_than_the_table_is_not_there(architecture: Architecture) -> None:
    assert judge(architecture, Number(LAST_KNOWN + 1, LAST_KNOWN + 1)) == NO_SUCH_CALL


@pytest.mark.parametrize("name", HARMLESS)
def test_everything_else_is_allowed(name: str) -> None:
    architecture = ARCHITECTURES[name]
    filtering = program(architecture, PID)
    assert {verdict(filtering, architecture.audit, number) for number in HARMLESS[name].values()} == {ALLOW}


@pytest.mark.parametrize("name", SIGNALLING)
@pytest.mark.parametrize(("pid", "expected"), [(PID, ALLOW), (PID + 1, REFUSE), (0, REFUSE), (2**32 - 1, REFUSE)])
def test_a_process_signals_itself_alone(architecture: Architecture, name: str, pid: int, expected: int) -> None:
    assert judge(architecture, SIGNALLING[name], pid, 9) == expected


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (os.O_RDONLY | os.O_CLOEXEC, ALLOW),
        (os.O_WRONLY, REFUSE),
        (os.O_RDWR, REFUSE),
        (os.O_RDONLY | os.O_CREAT, REFUSE),
        (os.O_RDONLY | os.O_TRUNC, REFUSE),
    ],
)
def test_files_are_opened_for_reading_alone(architecture: Architecture, flags: int, expected: int) -> None:
    assert judge(architecture, OPENAT, 0, 0, flags) == expected


def test_the_older_way_to_open_is_judged_by_its_own_flags() -> None:
    assert judge(ARCHITECTURES["x86_64"], OPEN, 0, os.O_RDONLY, os.O_RDWR) == ALLOW
    assert judge(ARCHITECTURES["x86_64"], OPEN, 0, os.O_RDWR) == REFUSE


@pytest.mark.parametrize(
    ("command", "expected"),
    [(fcntl.F_GETFL, ALLOW), (fcntl.F_SETOWN, REFUSE), (10, REFUSE), (15, REFUSE)],
    ids=["F_GETFL", "F_SETOWN", "F_SETSIG", "F_SETOWN_EX"],
)
def test_a_descriptor_cannot_be_made_to_signal(architecture: Architecture, command: int, expected: int) -> None:
    assert judge(architecture, FCNTL, 0, command) == expected


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (termios.TCGETS, ALLOW),
        (termios.FIOCLEX, ALLOW),
        (termios.FIONCLEX, ALLOW),
        (termios.FIONREAD, ALLOW),
        (termios.FIOASYNC, REFUSE),
        (termios.TIOCSTI, REFUSE),
        (0x40086602, REFUSE),
        (0x401C5820, REFUSE),
        (0x40049409, REFUSE),
    ],
    ids=["TCGETS", "FIOCLEX", "FIONCLEX", "FIONREAD", "FIOASYNC", "TIOCSTI", "SETFLAGS", "FSSETXATTR", "FICLONE"],
)
def test_requests_to_devices_and_inodes_are_allowed_one_by_one(
    architecture: Architecture, request_: int, expected: int
) -> None:
    assert judge(architecture, IOCTL, 0, request_) == expected


@pytest.mark.parametrize(("address", "expected"), [(0, ALLOW), (4096, REFUSE), (1 << 32, REFUSE)])
def test_limits_can_be_asked_for_and_not_changed(architecture: Architecture, address: int, expected: int) -> None:
    assert judge(architecture, PRLIMIT, 0, 0, address) == expected


@pytest.mark.parametrize(
    ("audit", "number"),
    [
        pytest.param(0x40000003, 11, id="i386"),
        pytest.param(ARCHITECTURES["x86_64"].audit, 0x40000000, id="x32"),
        pytest.param(ARCHITECTURES["x86_64"].audit, 0x40000000 + 41, id="x32 socket"),
        pytest.param(ARCHITECTURES["x86_64"].audit, 2**32 - 1, id="beyond"),
    ],
)
def test_calls_of_another_architecture_kill(audit: int, number: int) -> None:
    assert verdict(program(ARCHITECTURES["x86_64"], PID), audit, number) == KILL


def test_jumps_stay_within_the_kernel_s_bounds(architecture: Architecture) -> None:
    filtering = program(architecture, PID)
    assert len(filtering) <= 4096
    assert all(max(each.skip_if, each.skip_else) < 256 for each in filtering)


@pytest.mark.parametrize("name", HEADERS)
def test_numbers_are_the_kernel_s(name: str) -> None:
    if not HEADERS[name].exists():  # needs_headers
        pytest.skip(f"the kernel's headers are not installed: no {HEADERS[name]}")
    defined = re.findall(r"#define\s+__NR(?:3264)?_(\w+)\s+(\d+)", HEADERS[name].read_text())
    numbers = {call: int(number) for call, number in defined}
    table = {call: number for group in DENIED.values() for call, number in group.items()}
    table |= MISSING | SIGNALLING | {call: number for call, (number, _) in OPENING.items()}
    table |= {"fcntl": FCNTL, "ioctl": IOCTL, "prlimit64": PRLIMIT, "seccomp": syscalls.SECCOMP}
    ours = {call: ARCHITECTURES[name].number(number) for call, number in table.items()}
    assert ours == {call: numbers.get(call) for call in table}


class FakeKernel:
    """Takes a filter as the kernel does."""

    def __init__(self, result: int = 0) -> None:
        self.result = result
        self.taken: tuple[Any, ...] = ()

    def syscall(self, number: int, operation: int, flags: int, sent: Any) -> int:
        self.taken = (number, operation, flags, sent._obj)
        return self.result


@pytest.mark.parametrize(("machine", "number"), [("x86_64", 317), ("aarch64", 277)])
def test_a_filter_for_all_threads_is_installed(monkeypatch: pytest.MonkeyPatch, machine: str, number: int) -> None:
    kernel = FakeKernel()
    monkeypatch.setattr(seccomp.linux, "syscall", kernel.syscall)
    monkeypatch.setattr(seccomp.platform, "machine", lambda: machine)
    seccomp.install()
    *call, sent = kernel.taken
    assert call == [number, 1, 1]
    wanted = program(ARCHITECTURES[machine], os.getpid())
    got = ctypes.cast(sent.instructions, ctypes.POINTER(seccomp._SockFilter * sent.length)).contents
    assert [(each.code, each.value, each.skip_if, each.skip_else) for each in got] == [tuple(each) for each in wanted]


def test_a_thread_that_cannot_be_filtered_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seccomp.linux, "syscall", FakeKernel(result=99).syscall)
    monkeypatch.setattr(seccomp.platform, "machine", lambda: "x86_64")
    with pytest.raises(OSError, match="a thread has a filter of its own"):
        seccomp.install()


def test_an_architecture_without_a_table_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seccomp.platform, "machine", lambda: "riscv64")
    with pytest.raises(OSError, match="no table of system calls for riscv64"):
        seccomp.install()
