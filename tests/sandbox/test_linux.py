from __future__ import annotations

import ctypes
import errno
from typing import Any

import pytest

from django_largefiles.sandbox import linux


class FakeLibrary:
    """Of each call the numbers that it was given."""

    def __init__(self, result: int) -> None:
        self.result = result
        self.calls: list[tuple[Any, ...]] = []
        for name in ("prctl", "capset", "syscall"):
            setattr(self, name, self.function(name))

    def function(self, name: str) -> Any:
        def called(*arguments: Any) -> int:
            self.calls.append((name, *(getattr(each, "value", each) for each in arguments)))
            return self.result

        return called


@pytest.fixture(params=[0])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> FakeLibrary:
    fake = FakeLibrary(request.param)
    monkeypatch.setattr(linux.ctypes, "CDLL", lambda name, use_errno: fake)
    monkeypatch.setattr(linux.sys, "platform", "linux")
    return fake


def test_prctl_is_given_all_its_arguments(library: FakeLibrary) -> None:
    linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
    assert library.calls == [("prctl", 38, 1, 0, 0, 0)]


def test_all_capabilities_are_dropped(library: FakeLibrary) -> None:
    linux.drop_capabilities()
    ((name, header, none),) = library.calls
    assert (name, list(header), list(none)) == ("capset", [0x20080522, 0], [0] * 6)


@pytest.mark.parametrize("library", [5], indirect=True)
def test_a_system_call_gives_what_the_kernel_gave(library: FakeLibrary) -> None:
    assert linux.syscall(444, None, 0, 1) == 5
    assert library.calls == [("syscall", 444, None, 0, 1)]


@pytest.mark.parametrize("library", [-1], indirect=True)
def test_what_the_kernel_refuses_is_an_error(library: FakeLibrary) -> None:
    ctypes.set_errno(errno.EPERM)
    with pytest.raises(PermissionError):
        linux.prctl(1, 9)


def test_other_platforms_have_none_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linux.sys, "platform", "darwin")
    for act in (lambda: linux.prctl(1, 9), linux.drop_capabilities, lambda: linux.syscall(444)):
        with pytest.raises(OSError, match="this is not Linux"):
            act()
