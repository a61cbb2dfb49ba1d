from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from io import BytesIO

import pytest

from django_largefiles.sandbox import attempts, probe
from django_largefiles.sandbox.attempts import ATTEMPTS, AttemptingExtractor
from django_largefiles.sandbox.confinement import LAYERS
from django_largefiles.sandbox.probe import lacking, machine


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    machine.cache_clear()
    yield
    machine.cache_clear()


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
def test_what_a_machine_gives_it_says_and_shows() -> None:
    found = machine()
    prevented = {
        "read the worker's files": "landlock" not in found.lacking,
        "start processes": "seccomp" not in found.lacking or os.geteuid() != 0,
        "open connections": "seccomp" not in found.lacking,
    }
    assert {act: act not in found.possible for act in ATTEMPTS} == prevented


def test_without_confinement_all_is_possible_and_all_lacking(unconfined: None) -> None:
    found = machine()
    assert found.possible == tuple(ATTEMPTS)
    assert set(found.lacking) == set(LAYERS) - {"dies-with-parent"}


def test_a_machine_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = machine()
    monkeypatch.delattr(probe, "run")
    assert machine() is first


@pytest.mark.parametrize(
    ("confinement", "missing"),
    [
        ((), LAYERS),
        (LAYERS, ()),
        (
            (
                "rlimits",
                "landlock-1",
                "seccomp",
                "no-capabilities",
                "not-dumpable",
                "no-new-privs",
                "dies-with-parent",
            ),
            (),
        ),
        (LAYERS[:-1], ("seccomp",)),
    ],
    ids=["none", "all", "a version", "one less"],
)
def test_what_is_lacking_is_named(confinement: tuple[str, ...], missing: tuple[str, ...]) -> None:
    assert lacking(confinement) == missing


def test_what_can_be_done_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    # Not here, where there are threads.
    monkeypatch.setattr(attempts.os, "fork", lambda: 4711)
    monkeypatch.setattr(attempts.os, "waitpid", lambda pid, options: (pid, 0))
    assert AttemptingExtractor().extract(BytesIO(), "").attributes == {"possible": list(ATTEMPTS)}


def test_what_cannot_be_done_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise PermissionError

    monkeypatch.setattr(attempts.os, "fork", refuse)
    monkeypatch.setattr(attempts.Path, "open", refuse)
    monkeypatch.setattr(socket, "socket", refuse)
    assert AttemptingExtractor().extract(BytesIO(), "").attributes == {"possible": []}
