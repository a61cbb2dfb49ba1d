"""Validate a child's answer, which may come from a process that was taken over."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from ..extractors.base import COLUMN_BOUNDS, MAX_TEXT, Bounds, Integer, Metadata, Number, Text, clean_text

MAX_DETAIL = 300
MAX_KEY = 100
MAX_VALUES = 500
"""Keys and values of all attributes together."""
MAX_DEPTH = 4
MAX_ATTRIBUTES_BYTES = 32 * 1024

_LAYER = re.compile(r"[a-z-]{1,20}\d{0,3}")
MAX_LAYERS = 10

_FIELDS = {*COLUMN_BOUNDS, "attributes"}
# PostgreSQL takes neither, in text or in JSON.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class ExtractionFailed(Exception):
    """An extraction gave no metadata. ``detail`` says why, in at most 300 characters.

    ``confinement`` lists the layers that were in force in the child when it failed.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail
        self.confinement: tuple[str, ...] = ()


class ExtractorRaised(ExtractionFailed):
    """The extractor raised an exception; the child did not have to be killed."""


def layers(line: bytes) -> tuple[str, ...] | None:
    """Return the layers that ``line`` lists, or ``None`` if it is another line. Raise ``ExtractionFailed``."""
    content = _load(line)
    if content.keys() != {"layers"}:
        return None
    told = content["layers"]
    if not isinstance(told, list) or len(told) > MAX_LAYERS or not all(map(_is_layer, told)):
        _refuse("its layers are not names of layers")
    return tuple(told)


def _is_layer(value: Any) -> bool:
    return isinstance(value, str) and _LAYER.fullmatch(value) is not None


class ExtractionInterrupted(ExtractionFailed):
    """The run was killed, ran out of time, or never started, perhaps because of the machine and not of the file.

    A second run may succeed, unlike after an exception, a bad answer or an exhausted budget.
    """


def parse(answer: bytes) -> Metadata:
    """Return the metadata in ``answer``. Raise ``ExtractorRaised`` if it reports an error.

    Raise ``ExtractionFailed`` if it is malformed or exceeds a limit.
    """
    content = _load(answer)
    if "error" in content:
        raise ExtractorRaised(clean_text(content["error"], MAX_DETAIL) or "an exception without a text")
    if content.keys() != _FIELDS:
        _refuse("its keys are not those of metadata")
    columns = {name: _bounded(name, content[name], bounds) for name, bounds in COLUMN_BOUNDS.items()}
    return Metadata(**columns, attributes=_attributes(content["attributes"]))


def _refuse(what: str) -> NoReturn:
    raise ExtractionFailed(f"sent an invalid answer: {what}")


def _load(answer: bytes) -> dict[str, Any]:
    try:
        content = json.loads(answer)
    except (ValueError, RecursionError):
        _refuse("it is not JSON")
    if not isinstance(content, dict):
        _refuse("it is not an object")
    return content


def _bounded(name: str, value: Any, bounds: Bounds) -> Any:
    match bounds:
        case Text():
            return _text(name, value, bounds.most)
        case Integer():
            return None if value is None else _integer(name, value, bounds)
    return None if value is None else _number(name, value, bounds)


def _integer(name: str, value: Any, bounds: Integer) -> int:
    # bool is an int.
    if type(value) is not int or not bounds.least <= value <= bounds.most:
        _refuse(f"{name} is not an integer from {bounds.least} to {bounds.most}")
    return value


def _number(name: str, value: Any, bounds: Number) -> float:
    if type(value) not in (int, float) or not 0 <= value <= bounds.most:
        _refuse(f"{name} is not a number from 0 to {bounds.most:g}")
    return float(value)


def _text(name: str, value: Any, limit: int) -> str:
    if not isinstance(value, str) or len(value) > limit:
        _refuse(f"{name} is not text of at most {limit} characters")
    if _UNSTORABLE.search(value):
        _refuse(f"{name} holds NUL or a lone surrogate")
    return value


def _attributes(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        _refuse("attributes is not an object")
    for count, leaf in enumerate(_walk(value, MAX_DEPTH)):
        if count >= MAX_VALUES:
            _refuse(f"attributes hold more than {MAX_VALUES} keys and values")
        _check(leaf)
    if len(json.dumps(value, ensure_ascii=False).encode()) > MAX_ATTRIBUTES_BYTES:
        _refuse(f"attributes take more than {MAX_ATTRIBUTES_BYTES} bytes")
    return value


def _walk(value: Any, depth: int) -> Iterator[Any]:
    """Yield every key and every value inside ``value``, containers before their content."""
    if not isinstance(value, dict | list):
        return
    if depth == 0:
        _refuse(f"attributes are nested deeper than {MAX_DEPTH}")
    if isinstance(value, dict):
        for key in value:
            yield _text("the name of an attribute", key, MAX_KEY)
    for inner in value.values() if isinstance(value, dict) else value:
        yield inner
        yield from _walk(inner, depth - 1)


def _check(value: Any) -> None:
    if isinstance(value, str):
        _text("an attribute", value, MAX_TEXT)
    elif isinstance(value, int | float) and not abs(value) < 2**63:
        # Nor is NaN or infinity, which Python reads in JSON.
        _refuse("a number of the attributes is not within 64 bits")
