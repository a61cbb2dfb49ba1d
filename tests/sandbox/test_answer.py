from __future__ import annotations

import json
from typing import Any

import pytest

from django_largefiles.extractors.base import Metadata
from django_largefiles.sandbox.answer import ExtractionFailed, ExtractorRaised, layers, parse

NOTHING: dict[str, Any] = {
    "width": None,
    "height": None,
    "duration": None,
    "page_count": None,
    "title": "",
    "attributes": {},
}


def answer(**fields: Any) -> bytes:
    return json.dumps({**NOTHING, **fields}).encode() + b"\n"


def nested(depth: int) -> Any:
    return {"x": nested(depth - 1)} if depth else 1


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"width": 1, "height": 2**31 - 1, "duration": 1.5, "page_count": 0}, id="numbers"),
        pytest.param({"title": "<script>" + "é" * 247}, id="title"),
        pytest.param({"attributes": {"a": [1, 2.5, None, True, {"b": "👩"}], "c": "x" * 1000}}, id="attributes"),
        pytest.param({"attributes": nested(4)}, id="depth"),
        pytest.param({"attributes": {str(number): number for number in range(250)}}, id="count"),
    ],
)
def test_answer_within_the_bounds_is_metadata(fields: dict[str, Any]) -> None:
    assert parse(answer(**fields)) == Metadata(**{**NOTHING, **fields})


def test_whole_number_is_a_duration() -> None:
    assert isinstance(parse(answer(duration=3)).duration, float)


@pytest.mark.parametrize(
    ("given", "detail"),
    [
        pytest.param(b"garbage\n", "it is not JSON", id="not JSON"),
        pytest.param(b"\xff\xfe\n", "it is not JSON", id="not text"),
        pytest.param(b"[" * 60_000 + b"\n", "it is not JSON", id="deep JSON"),
        pytest.param(b"9" * 5000 + b"\n", "it is not JSON", id="long integer"),
        pytest.param(b"[]\n", "it is not an object", id="array"),
        pytest.param(b"{}\n", "its keys", id="no keys"),
        pytest.param(answer(path="/etc"), "its keys", id="unknown key"),
        pytest.param(answer(width=0), "width is not an integer from 1", id="no width"),
        pytest.param(answer(width=True), "width", id="boolean width"),
        pytest.param(answer(width=1.0), "width", id="fractional width"),
        pytest.param(answer(height=2**31), "height", id="too high"),
        pytest.param(answer(page_count=-1), "page_count is not an integer from 0", id="negative pages"),
        pytest.param(answer(page_count="3"), "page_count", id="pages in text"),
        pytest.param(answer(duration=float("nan")), "duration is not a number from 0 to 1e+10", id="NaN duration"),
        pytest.param(answer(duration=float("inf")), "duration", id="endless"),
        pytest.param(answer(duration=-1), "duration", id="negative duration"),
        pytest.param(answer(duration=True), "duration", id="boolean duration"),
        pytest.param(answer(title=None), "title is not text of at most 255", id="no title"),
        pytest.param(answer(title="x" * 256), "title is not text of at most 255", id="long title"),
        pytest.param(answer(title="a\0b"), "title holds NUL", id="NUL in the title"),
        pytest.param(answer(title="a\ud800b"), "title holds NUL or a lone surrogate", id="lone surrogate"),
        pytest.param(answer(attributes=[]), "attributes is not an object", id="attributes in an array"),
        pytest.param(answer(attributes={"a": "x" * 1001}), "an attribute is not text", id="long text"),
        pytest.param(answer(attributes={"a": ["\0"]}), "an attribute holds NUL", id="NUL inside"),
        pytest.param(answer(attributes={"a" * 101: 1}), "the name of an attribute", id="long name"),
        pytest.param(answer(attributes={"a": {"\0": 1}}), "the name of an attribute holds", id="NUL in a name"),
        pytest.param(answer(attributes=nested(5)), "nested deeper than 4", id="deep"),
        pytest.param(answer(attributes={"a": [0] * 500}), "more than 500 keys and values", id="many"),
        pytest.param(answer(attributes={"a": 2**63}), "not within 64 bits", id="large integer"),
        pytest.param(answer(attributes={"a": 10**400}), "not within 64 bits", id="huge integer"),
        pytest.param(answer(attributes={"a": float("nan")}), "not within 64 bits", id="NaN"),
        pytest.param(answer(attributes={"a": float("inf")}), "not within 64 bits", id="infinity"),
        pytest.param(answer(attributes={str(n): "x" * 999 for n in range(40)}), "more than 32768 bytes", id="large"),
    ],
)
def test_nonsense_is_refused(given: bytes, detail: str) -> None:
    with pytest.raises(ExtractionFailed) as caught:
        parse(given)
    assert caught.value.detail.startswith("sent an invalid answer: ")
    assert detail in caught.value.detail


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        ("ValueError: no", "ValueError: no"),
        ("a\0b\nc", "a b c"),
        ("x" * 5000, "x" * 300),
        (7, "an exception without a text"),
    ],
    ids=["short", "NUL", "long", "number"],
)
def test_error_becomes_the_detail(error: Any, detail: str) -> None:
    with pytest.raises(ExtractionFailed) as caught:
        parse(json.dumps({"error": error}).encode())
    assert caught.value.detail == str(caught.value) == detail


def test_an_error_of_the_extractor_s_own_is_told_apart() -> None:
    with pytest.raises(ExtractorRaised):
        parse(b'{"error": "ValueError"}')
    with pytest.raises(ExtractionFailed) as caught:
        parse(b"garbage")
    assert not isinstance(caught.value, ExtractorRaised)


def test_layers_are_told() -> None:
    assert layers(b'{"layers": ["rlimits", "landlock-7"]}') == ("rlimits", "landlock-7")
    assert layers(b'{"layers": []}') == ()


def test_what_is_no_line_of_layers_is_something_else() -> None:
    assert layers(b'{"error": "ImportError"}') is None


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"garbage", id="not JSON"),
        pytest.param(b'{"layers": "seccomp"}', id="no list"),
        pytest.param(b'{"layers": [1]}', id="no text"),
        pytest.param(b'{"layers": ["SECCOMP\\u0000"]}', id="no name"),
        pytest.param(b'{"layers": ["%s"]}' % (b"x" * 30), id="long"),
        pytest.param(b'{"layers": [%s "x"]}' % (b'"x",' * 10), id="many"),
    ],
)
def test_layers_that_are_none_are_nonsense(line: bytes) -> None:
    with pytest.raises(ExtractionFailed, match="sent an invalid answer"):
        layers(line)
