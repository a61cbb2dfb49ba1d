from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from django_largefiles.sandbox import child

MIB = 1024 * 1024


def spec(extractor: str = "Behaving", **changes: Any) -> child.Spec:
    fields: dict[str, Any] = {
        "extractor": f"tests.sandbox.extractors.{extractor}",
        "media_type": "test/plain",
        "parent": os.getppid(),
        "readable": [],
        "cpu_seconds": 10,
        "memory_bytes": 512 * MIB,
        "read_bytes": MIB,
        "size": None,
    }
    return child.Spec(**{**fields, **changes})


@pytest.fixture(autouse=True)
def unconfined(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process keeps what it has."""
    monkeypatch.setattr(child, "die_with", lambda parent: ["dies-with-parent"])
    monkeypatch.setattr(child, "confine", lambda spec: ["rlimits"])


@pytest.fixture
def told(
    descriptor: Callable[[bytes], int], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[child.Spec, bytes], list[Any]]]:
    """Runs ``main`` in this process, and gives the lines that it says."""
    channels: list[int] = []
    duplicate = os.dup

    def remembering(original: int) -> int:
        channels.append(duplicate(original))
        return channels[-1]

    def run(wanted: child.Spec, content: bytes) -> list[Any]:
        read, write = os.pipe()
        channels.extend((read, write))
        child.main(wanted.dumps(), stdin=descriptor(content), stdout=write)
        os.write(write, b"noise")
        return [json.loads(line) for line in os.read(read, 4096).splitlines()]

    monkeypatch.setattr(child.os, "dup", remembering)
    yield run
    for each in channels:
        os.close(each)


def test_spec_survives_the_command_line() -> None:
    # Names of folders that are not UTF-8 hold lone surrogates.
    odd = spec(media_type="test/\0", readable=["/a b/\udcff"])
    assert child.Spec.loads(odd.dumps()) == odd
    assert "\0" not in odd.dumps()


def test_layers_are_told_before_the_answer(told: Callable[[child.Spec, bytes], list[Any]]) -> None:
    layers, answer = told(spec(), b"hello")
    assert layers == {"layers": ["dies-with-parent", "rlimits"]}
    assert answer["title"] == "hello"
    assert answer["attributes"] == {"media_type": "test/plain"}


def test_what_the_parent_holds_is_asked_for(
    told: Callable[[child.Spec, bytes], list[Any]],
) -> None:
    replies = (5).to_bytes(4, "big") + b"hello"
    _, request, answer = told(spec(size=5), replies)
    assert request == [0, 5]
    assert answer["title"] == "hello"


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
        pytest.param(Wordless(), "an exception without a text", id="name raises"),
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
    told: Callable[[child.Spec, bytes], list[Any]], extractor: str, words: str
) -> None:
    assert told(spec(extractor), b"")[-1]["error"].startswith(words)


def test_answer_is_sent_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[bytes] = []

    def stingy(channel: int, content: bytes) -> int:
        sent.append(content[:3])
        return len(sent[-1])

    monkeypatch.setattr(child.os, "write", stingy)
    child._send(99, b"an answer")
    assert b"".join(sent) == b"an answer"
