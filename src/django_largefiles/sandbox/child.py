"""The confined child: one file, one extractor, one JSON object, and then it ends.

Run by its path with ``python -I``, so until ``sys.path`` is the parent's only the standard library can be imported.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import io
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn, cast

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    from django_largefiles.extractors.base import Extractor, Metadata

BLOCK_SIZE = 64 * 1024
CACHED_BLOCKS = 128
MAX_OPEN_FILES = 16
MAX_ERROR = 300

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, kw_only=True)
class Spec:
    """What the parent wants, as it travels on the command line."""

    extractor: str
    media_type: str
    parent: int
    path: list[str]
    cpu_seconds: int
    memory_bytes: int
    read_bytes: int

    def dumps(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def loads(cls, text: str) -> Spec:
        return cls(**json.loads(text))


class ReadBudgetExceeded(Exception):
    """More was asked for than a run may read. No OSError: parsers take those for the end of the file."""


class BudgetedFile(io.RawIOBase):
    """A descriptor, read in aligned blocks of which the last few are kept, up to ``budget`` bytes in all.

    Parsers make millions of tiny reads and seek back and forth, also backwards; without the blocks that would use up
    the budget many times over. ``pread`` leaves the position alone, which is shared with the parent.
    """

    def __init__(self, descriptor: int, budget: int) -> None:
        self._descriptor = descriptor
        self._size = os.fstat(descriptor).st_size
        self._budget = budget
        self._left = budget
        self._position = 0
        self._block = functools.lru_cache(maxsize=CACHED_BLOCKS)(self._read_block)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError(f"negative seek position {start + offset}")
        self._position = start + offset
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        target = memoryview(buffer).cast("B")
        index, start = divmod(self._position, BLOCK_SIZE)
        piece = self._block(index)[start : start + len(target)]
        target[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def readall(self) -> bytes:
        # Refused before it fills the memory.
        if self._size - self._position > self._budget:
            self._refuse()
        return super().readall()

    def _read_block(self, index: int) -> bytes:
        size = max(0, min(BLOCK_SIZE, self._size - index * BLOCK_SIZE))
        if size > self._left:
            self._refuse()
        self._left -= size
        return os.pread(self._descriptor, size, index * BLOCK_SIZE)

    def _refuse(self) -> NoReturn:
        self._left = 0
        raise ReadBudgetExceeded(f"wanted to read more than {self._budget} bytes")


def main(arguments: list[str], file: int = 0, stdout: int = 1) -> None:
    spec = Spec.loads(arguments[0])
    channel = _take_away(stdout)
    _die_with(spec.parent)
    _send(channel, _answer(spec, file))


def _take_away(stdout: int) -> int:
    """A private duplicate of ``stdout``, which from now on leads nowhere: whatever prints cannot garble the answer."""
    channel = os.dup(stdout)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stdout)
    os.close(nowhere)
    return channel


def _die_with(parent: int) -> None:
    """Have the kernel end this process with the parent's, where it can (Linux)."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        # It died before it could be asked for.
        raise SystemExit(1)


def _answer(spec: Spec, file: int) -> bytes:
    try:
        return _encode(_content(_extract(spec, file)))
    except BaseException as error:  # noqa: BLE001 - hostile files raise anything, extractors may even exit
        return _failure(error)


def _extract(spec: Spec, file: int) -> Metadata:
    sys.path[:] = spec.path
    extractor = _load(spec.extractor)
    confine(spec)
    stream = io.BufferedReader(BudgetedFile(file, spec.read_bytes))
    return extractor.extract(cast("BinaryIO", stream), spec.media_type)


def _load(path: str) -> Extractor:
    from django_largefiles.extractors.base import Extractor

    module, _, name = path.rpartition(".")
    found = getattr(importlib.import_module(module), name)
    if not (isinstance(found, type) and issubclass(found, Extractor)):
        raise TypeError(f"{path} is not an Extractor")
    return found()


def confine(spec: Spec) -> None:
    """Give up all that reading one file does not take. The parser is imported by now, and nothing of the file read."""
    _limit(resource.RLIMIT_AS, spec.memory_bytes)
    # The kernel sends SIGXCPU at the soft limit, which says why; a second later SIGKILL.
    _limit(resource.RLIMIT_CPU, spec.cpu_seconds, spec.cpu_seconds + 1)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, MAX_OPEN_FILES)


def _limit(kind: int, soft: int, hard: int | None = None) -> None:
    """Lower one limit, never above the one there is. A platform that does not know it goes without (macOS: AS)."""
    with suppress(OSError, ValueError):
        ceiling = resource.getrlimit(kind)[1]
        if ceiling == resource.RLIM_INFINITY:
            ceiling = sys.maxsize
        resource.setrlimit(kind, (min(soft, ceiling), min(hard or soft, ceiling)))


def _content(metadata: Metadata) -> dict[str, Any]:
    from django_largefiles.extractors.base import Metadata

    if not isinstance(metadata, Metadata):
        raise TypeError(f"answered {type(metadata).__name__}, not Metadata")
    return {name: getattr(metadata, name) for name in Metadata.__dataclass_fields__}


def _failure(error: BaseException) -> bytes:
    words: tuple[Callable[[], str], ...] = (
        lambda: f"{type(error).__name__}: {error}".removesuffix(": ")[:MAX_ERROR],
        lambda: type(error).__name__,
    )
    for describe in words:
        with suppress(BaseException):
            return _encode({"error": describe()})
    return b'{"error": "an error without words"}\n'


def _encode(content: dict[str, Any]) -> bytes:
    """One line of ASCII."""
    return json.dumps(content, allow_nan=False).encode() + b"\n"


def _send(channel: int, answer: bytes) -> None:
    while answer:
        answer = answer[os.write(channel, answer) :]


if __name__ == "__main__":  # pragma: no cover
    main(sys.argv[1:])
    # Without the destructors, threads and exit handlers of whatever the parser left behind.
    os._exit(0)
