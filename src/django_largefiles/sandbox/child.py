"""The confined child: it reads one file with one extractor, answers two lines of JSON, and ends.

The first line lists the layers of confinement in force. It is sent before any byte of the file is read, so that a file
that takes over this process cannot change it.
"""

from __future__ import annotations

import importlib
import io
import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, BinaryIO, cast

from ..extractors.base import Extractor, Metadata
from .blocks import Brokered, BudgetedFile, Descriptor, Source
from .confinement import confine, die_with
from .spec import Spec

MAX_ERROR = 300


def main(argument: str, stdin: int = 0, stdout: int = 1) -> None:
    spec = Spec.loads(argument)
    channel = _take_away(stdout)
    held = die_with(spec.parent)
    try:
        extractor = _load(spec.extractor)
        _send(channel, _encode({"layers": held + confine(spec)}))
        answer = _encode(_content(extractor.extract(_file(spec, stdin, channel), spec.media_type)))
    except BaseException as error:  # noqa: BLE001 - hostile files raise anything, extractors may even exit
        answer = _failure(error)
    _send(channel, answer)


def run() -> None:  # pragma: no cover
    """The whole life of the process."""
    main(sys.argv[1])
    # Skip the destructors, threads and exit handlers that the parser may have left behind.
    os._exit(0)


def _take_away(stdout: int) -> int:
    """Return a private duplicate of ``stdout``, and point that to nowhere: prints cannot corrupt the answer."""
    channel = os.dup(stdout)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stdout)
    os.close(nowhere)
    return channel


def _load(path: str) -> Extractor:
    module, _, name = path.rpartition(".")
    found = getattr(importlib.import_module(module), name)
    if not (isinstance(found, type) and issubclass(found, Extractor)):
        raise TypeError(f"{path} is not an Extractor")
    return found()


def _file(spec: Spec, stdin: int, channel: int) -> BinaryIO:
    source: Source = Descriptor(stdin) if spec.size is None else Brokered(spec.size, channel, stdin)
    return cast("BinaryIO", io.BufferedReader(BudgetedFile(source, spec.read_bytes)))


def _content(metadata: Metadata) -> dict[str, Any]:
    if not isinstance(metadata, Metadata):
        raise TypeError(f"answered {type(metadata).__name__}, not Metadata")
    return {name: getattr(metadata, name) for name in Metadata.__dataclass_fields__}


def _failure(error: BaseException) -> bytes:
    descriptions: tuple[Callable[[], str], ...] = (
        lambda: f"{type(error).__name__}: {error}".removesuffix(": ")[:MAX_ERROR],
        lambda: type(error).__name__,
    )
    for describe in descriptions:
        with suppress(BaseException):
            return _encode({"error": describe()})
    return b'{"error": "an exception without a text"}\n'


def _encode(content: dict[str, Any]) -> bytes:
    """One line of ASCII."""
    return json.dumps(content, allow_nan=False).encode() + b"\n"


def _send(channel: int, answer: bytes) -> None:
    while answer:
        answer = answer[os.write(channel, answer) :]
