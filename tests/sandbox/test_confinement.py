from __future__ import annotations

import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from django_largefiles.sandbox import confinement
from django_largefiles.sandbox.confinement import LAYERS, confine, die_with
from django_largefiles.sandbox.spec import Spec

INFINITE = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)

Limits = dict[int, tuple[int, int]]


def spec(*, memory_bytes: int = 99, cpu_seconds: int = 7) -> Spec:
    return Spec(
        extractor="a.B",
        media_type="test/plain",
        parent=os.getppid(),
        readable=["/code"],
        cpu_seconds=cpu_seconds,
        memory_bytes=memory_bytes,
        read_bytes=5,
        size=None,
    )


class FakeKernel:
    """Takes all that is asked of it, but for what it ``lacks``. This process keeps what it has."""

    def __init__(self) -> None:
        self.lacks: set[str] = set()
        self.asked: list[tuple[Any, ...]] = []
        self.limits: Limits = {}

    def call(self, name: str, result: Any = None) -> Callable[..., Any]:
        def called(*arguments: Any) -> Any:
            if name in self.lacks:
                raise OSError(f"no {name}")
            self.asked.append((name, *arguments))
            return result

        return called

    def set_limit(self, kind: int, values: tuple[int, int]) -> None:
        if "setrlimit" in self.lacks:
            raise ValueError("current limit exceeds maximum limit")
        self.limits[kind] = values


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> FakeKernel:
    fake = FakeKernel()
    monkeypatch.setattr(confinement.linux, "prctl", fake.call("prctl"))
    monkeypatch.setattr(confinement.linux, "drop_capabilities", fake.call("capset"))
    monkeypatch.setattr(confinement.landlock, "restrict", fake.call("landlock", 7))
    monkeypatch.setattr(confinement.seccomp, "install", fake.call("seccomp"))
    monkeypatch.setattr(confinement.resource, "setrlimit", fake.set_limit)
    monkeypatch.setattr(confinement.resource, "getrlimit", lambda _: INFINITE)
    monkeypatch.setattr(confinement, "_is_single_thread", lambda: True)
    return fake


def test_every_layer_is_put_on_and_told(kernel: FakeKernel) -> None:
    held = [*die_with(os.getppid()), *confine(spec())]
    assert held == [layer.replace("landlock", "landlock-7") for layer in LAYERS]
    assert kernel.asked == [
        ("prctl", 1, signal.SIGKILL),
        ("capset",),
        ("prctl", 38, 1),
        ("prctl", 4, 0),
        ("landlock", ["/code"]),
        ("seccomp",),
    ]


def test_limits_are_set(kernel: FakeKernel) -> None:
    confine(spec())
    assert kernel.limits == {
        resource.RLIMIT_AS: (99, 99),
        resource.RLIMIT_CPU: (7, 8),
        resource.RLIMIT_FSIZE: (0, 0),
        resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_NOFILE: (16, 16),
        resource.RLIMIT_NPROC: (0, 0),
    }


def test_lower_limits_stay(kernel: FakeKernel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confinement.resource, "getrlimit", lambda _: (5, 5))
    confine(spec())
    assert kernel.limits[resource.RLIMIT_AS] == kernel.limits[resource.RLIMIT_CPU] == (5, 5)


@pytest.mark.parametrize(
    ("lacks", "missing"),
    [
        ("setrlimit", {"rlimits"}),
        ("capset", {"no-capabilities"}),
        ("prctl", {"dies-with-parent", "no-new-privs", "not-dumpable"}),
        ("landlock", {"landlock-7"}),
        ("seccomp", {"seccomp"}),
    ],
)
def test_a_layer_that_the_platform_lacks_is_done_without(kernel: FakeKernel, lacks: str, missing: set[str]) -> None:
    whole = {*die_with(os.getppid()), *confine(spec())}
    kernel.lacks = {lacks}
    assert whole - {*die_with(os.getppid()), *confine(spec())} == missing


def test_one_refused_limit_does_not_keep_the_others_off(kernel: FakeKernel, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(kind: int, values: tuple[int, int]) -> None:
        if kind == resource.RLIMIT_AS:
            raise ValueError("not on this platform")
        kernel.set_limit(kind, values)

    monkeypatch.setattr(confinement.resource, "setrlimit", refuse)
    assert "rlimits" not in confine(spec())
    assert len(kernel.limits) == 5


def test_landlock_is_put_on_and_not_told_where_threads_escape_it(
    kernel: FakeKernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confinement, "_is_single_thread", lambda: False)
    assert "landlock-7" not in confine(spec())
    assert ("landlock", ["/code"]) in kernel.asked


@pytest.mark.parametrize(("tasks", "single"), [(["1"], True), (["1", "2"], False)])
def test_threads_are_counted_by_the_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tasks: list[str], single: bool
) -> None:
    for task in tasks:
        (tmp_path / task).touch()
    monkeypatch.setattr(confinement, "_TASKS", tmp_path)
    assert confinement._is_single_thread() is single


def test_threads_that_cannot_be_counted_may_be_many(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(confinement, "_TASKS", tmp_path / "missing")
    assert not confinement._is_single_thread()


def test_child_whose_parent_died_ends(kernel: FakeKernel) -> None:
    with pytest.raises(SystemExit):
        die_with(os.getppid() + 1)
