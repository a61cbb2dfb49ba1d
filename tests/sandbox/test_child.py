from __future__ import annotations

import io
import json
import os
import random
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from django_largefiles.sandbox import child

MIB = 1024 * 1024
BLOCK = child.BLOCK_SIZE


def spec(extractor: str = "Behaving", **changes: Any) -> child.Spec:
    fields: dict[str, Any] = {
        "extractor": f"tests.sandbox.extractors.{extractor}",
        "media_type": "test/plain",
        "parent": os.getppid(),
        "path": list(sys.path),
        "cpu_seconds": 10,
        "memory_bytes": 512 * MIB,
        "read_bytes": MIB,
    }
    return child.Spec(**{**fields, **changes})


@pytest.fixture
def descriptor(tmp_path: Path) -> Iterator[Callable[[bytes], int]]:
    """Makes a descriptor that reads the given content."""
    opened: list[int] = []

    def open_with(content: bytes) -> int:
        (tmp_path / "file").write_bytes(content)
        opened.append(os.open(tmp_path / "file", os.O_RDONLY))
        return opened[-1]

    yield open_with
    for each in opened:
        os.close(each)


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> dict[int, tuple[int, int]]:
    """The limits that the code under test sets; this process keeps its own."""
    taken: dict[int, tuple[int, int]] = {}
    monkeypatch.setattr(child.resource, "setrlimit", taken.__setitem__)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return taken


class FakeLibrary:
    calls: list[tuple[int, ...]]

    def __init__(self) -> None:
        self.calls = []

    def prctl(self, *arguments: int) -> int:
        self.calls.append(arguments)
        return 0


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> FakeLibrary:
    fake = FakeLibrary()
    monkeypatch.setattr(child.ctypes, "CDLL", lambda _: fake)
    return fake


def test_spec_survives_the_command_line() -> None:
    # Names of folders that are not UTF-8 hold lone surrogates.
    odd = spec(media_type="test/\0", path=["/a b/\udcff"])
    assert child.Spec.loads(odd.dumps()) == odd
    assert "\0" not in odd.dumps()


def test_main_answers_on_a_channel_of_its_own(
    descriptor: Callable[[bytes], int],
    limits: dict[int, tuple[int, int]],
    library: FakeLibrary,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read, write = os.pipe()
    channels: list[int] = []
    duplicate = os.dup

    def remembering(original: int) -> int:
        channels.append(duplicate(original))
        return channels[-1]

    monkeypatch.setattr(child.os, "dup", remembering)
    child.main([spec().dumps()], file=descriptor(b"hello"), stdout=write)
    os.write(write, b"noise")
    for each in (write, *channels):
        os.close(each)
    answer = json.loads(os.read(read, 4096))
    os.close(read)
    assert answer["title"] == "hello"
    assert answer["attributes"] == {"media_type": "test/plain"}
    assert library.calls == [(1, signal.SIGKILL, 0, 0, 0)]


def test_path_is_the_parents(descriptor: Callable[[bytes], int], limits: object) -> None:
    path = [*sys.path, "/nowhere"]
    child._answer(spec(path=path), descriptor(b""))
    assert sys.path == path


def test_child_whose_parent_died_ends(library: FakeLibrary) -> None:
    with pytest.raises(SystemExit):
        child._die_with(os.getppid() + 1)


def test_platform_without_prctl_goes_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child.ctypes, "CDLL", lambda _: object())
    child._die_with(os.getppid())


def test_limits_are_set(limits: dict[int, tuple[int, int]], monkeypatch: pytest.MonkeyPatch) -> None:
    infinite = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    monkeypatch.setattr(child.resource, "getrlimit", lambda _: infinite)
    child.confine(spec(memory_bytes=99, cpu_seconds=7))
    assert limits == {
        resource.RLIMIT_AS: (99, 99),
        resource.RLIMIT_CPU: (7, 8),
        resource.RLIMIT_FSIZE: (0, 0),
        resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_NOFILE: (16, 16),
    }


def test_lower_limits_stay(limits: dict[int, tuple[int, int]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child.resource, "getrlimit", lambda _: (5, 5))
    child.confine(spec())
    assert limits[resource.RLIMIT_AS] == limits[resource.RLIMIT_CPU] == (5, 5)


def test_limit_that_the_platform_refuses_is_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    refused: list[int] = []

    def refuse(kind: int, values: tuple[int, int]) -> None:
        refused.append(kind)
        raise ValueError("current limit exceeds maximum limit")

    monkeypatch.setattr(child.resource, "setrlimit", refuse)
    child.confine(spec())
    assert len(refused) == 5


class Mute(Exception):
    def __str__(self) -> str:
        raise ValueError


class Nameless(type):
    @property
    def __name__(cls) -> str:  # type: ignore[override]
        raise ValueError


class Wordless(Exception, metaclass=Nameless):
    pass


@pytest.mark.parametrize(
    ("error", "words"),
    [
        pytest.param(ValueError("no\nway"), "ValueError: no\nway", id="text"),
        pytest.param(MemoryError(), "MemoryError", id="no text"),
        pytest.param(KeyError("\udcff"), "KeyError: '\\udcff'", id="lone surrogate"),
        pytest.param(ValueError("x" * 9999), "ValueError: " + "x" * 288, id="long text"),
        pytest.param(Mute(), "Mute", id="text raises"),
        pytest.param(Wordless(), "an error without words", id="name raises"),
    ],
)
def test_error_is_told(error: Exception, words: str) -> None:
    failure = child._failure(error)
    assert json.loads(failure) == {"error": words}
    assert failure.endswith(b"}\n")


@pytest.mark.parametrize(
    ("extractor", "words"),
    [
        ("Mistaken", "TypeError: answered dict, not Metadata"),
        ("Unsayable", "ValueError: Out of range float values are not JSON compliant"),
        ("NotAnExtractor", "TypeError: tests.sandbox.extractors.NotAnExtractor is not an Extractor"),
        ("Missing", "AttributeError: module 'tests.sandbox.extractors' has no attribute 'Missing'"),
        ("write_to_all", "TypeError: tests.sandbox.extractors.write_to_all is not an Extractor"),
    ],
)
def test_mistakes_of_an_extractor_are_told(
    descriptor: Callable[[bytes], int], limits: object, extractor: str, words: str
) -> None:
    assert json.loads(child._answer(spec(extractor), descriptor(b"")))["error"].startswith(words)


def test_answer_is_sent_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[bytes] = []

    def stingy(channel: int, content: bytes) -> int:
        sent.append(content[:3])
        return len(sent[-1])

    monkeypatch.setattr(child.os, "write", stingy)
    child._send(99, b"an answer")
    assert b"".join(sent) == b"an answer"


def test_reads_agree_with_the_content(descriptor: Callable[[bytes], int]) -> None:
    chance = random.Random(7)
    content = chance.randbytes(3 * BLOCK + 5)
    file = io.BufferedReader(child.BudgetedFile(descriptor(content), len(content)))
    for _ in range(300):
        offset, size = chance.randrange(len(content) + 9), chance.choice([1, 7, 9000, 2 * BLOCK])
        assert file.seek(offset) == offset
        assert file.read(size) == content[offset : offset + size]
    file.seek(-5, os.SEEK_END)
    file.seek(1, os.SEEK_CUR)
    assert file.read() == content[-4:]


def test_position_before_the_start_is_refused(descriptor: Callable[[bytes], int]) -> None:
    with pytest.raises(ValueError, match="negative seek position -1"):
        child.BudgetedFile(descriptor(b"abc"), 10).seek(-4, os.SEEK_END)


def test_position_of_the_descriptor_stays(descriptor: Callable[[bytes], int]) -> None:
    given = descriptor(b"abcdef")
    os.lseek(given, 4, os.SEEK_SET)
    assert child.BudgetedFile(given, 10).read() == b"abcdef"
    assert os.lseek(given, 0, os.SEEK_CUR) == 4


def test_file_offers_no_descriptor(descriptor: Callable[[bytes], int]) -> None:
    with pytest.raises(OSError, match="fileno"):
        child.BudgetedFile(descriptor(b""), 1).fileno()


def test_reading_again_costs_nothing(descriptor: Callable[[bytes], int]) -> None:
    file = io.BufferedReader(child.BudgetedFile(descriptor(bytes(2 * BLOCK)), 2 * BLOCK))
    for offset in range(2 * BLOCK, 0, -100):
        file.seek(offset - 1)
        assert file.read(1) == b"\0"


@pytest.mark.parametrize("size", [-1, 3 * BLOCK], ids=["at once", "in pieces"])
def test_budget_is_not_exceeded(descriptor: Callable[[bytes], int], size: int) -> None:
    file = child.BudgetedFile(descriptor(bytes(3 * BLOCK)), 2 * BLOCK)
    with pytest.raises(child.ReadBudgetExceeded, match=f"more than {2 * BLOCK} bytes"):
        io.BufferedReader(file).read(size)
    file.seek(2 * BLOCK)
    with pytest.raises(child.ReadBudgetExceeded):
        file.read(1)
