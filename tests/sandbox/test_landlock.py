from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from django_largefiles.sandbox import landlock
from django_largefiles.sandbox.landlock import Rights, handled, restrict

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")


class FakeKernel:
    """Remembers rules, by the path that they are about."""

    def __init__(self, version: int) -> None:
        self.version = version
        self.rights: Rights | None = None
        self.rules: dict[str, int] = {}
        self.restricted = False

    def syscall(self, number: int, *arguments: Any) -> int:
        return {444: self.create, 445: self.add, 446: self.restrict}[number](*arguments)

    def create(self, attributes: Any, size: int, flags: int) -> int:
        if attributes is None:
            assert (size, flags) == (0, 1)
            return self.version
        assert (size, flags) == (24, 0)
        ruleset = attributes._obj
        self.rights = Rights(ruleset.files, ruleset.network, ruleset.scope)
        return os.open(os.devnull, os.O_RDONLY)

    def add(self, ruleset: int, kind: int, rule: Any, flags: int) -> int:
        assert (kind, flags) == (1, 0)
        self.rules[str(Path(f"/proc/self/fd/{rule._obj.folder}").readlink())] = rule._obj.allowed
        return 0

    def restrict(self, ruleset: int, flags: int) -> int:
        self.restricted = True
        return 0


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> FakeKernel:
    fake = FakeKernel(version=7)
    monkeypatch.setattr(landlock.linux, "syscall", fake.syscall)
    return fake


@pytest.mark.parametrize(
    ("version", "rights"),
    [
        (1, Rights(0x1FFF, 0, 0)),
        (2, Rights(0x3FFF, 0, 0)),
        (3, Rights(0x7FFF, 0, 0)),
        (4, Rights(0x7FFF, 3, 0)),
        (5, Rights(0xFFFF, 3, 0)),
        (6, Rights(0xFFFF, 3, 3)),
        (7, Rights(0xFFFF, 3, 3)),
    ],
)
def test_everything_that_a_version_knows_is_taken_away(version: int, rights: Rights) -> None:
    assert handled(version) == rights


@pytest.mark.parametrize(("version", "used"), [(1, 1), (7, 7), (99, 7)])
def test_no_more_is_asked_for_than_the_kernel_knows(kernel: FakeKernel, version: int, used: int) -> None:
    kernel.version = version
    assert restrict([]) == used
    assert kernel.rights == handled(used)
    assert kernel.restricted


def test_code_may_be_read_and_nothing_else(kernel: FakeKernel, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    restrict([str(tmp_path), str(tmp_path / "file"), str(tmp_path / "missing")])
    assert kernel.rules == {str(tmp_path): 0b1100, str(tmp_path / "file"): 0b100}


def test_no_descriptor_is_left(kernel: FakeKernel, tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    restrict([str(tmp_path)])
    assert len(list(Path("/proc/self/fd").iterdir())) == before
