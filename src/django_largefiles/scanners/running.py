"""Run one scanner on one file in a thread of its own, so that no scanner can block or break anything else."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from queue import Empty, Full, Queue

from django.utils import timezone

from ..containers.reading import reopened
from ..extractors.base import clean_text
from ..states import ScanVerdict
from .base import Abandoned, Engine, Sample, Scanner, ScanResult, Unpacking

AHEAD = 4
"""The largest number of chunks that wait for a scanner."""

BEAT_SECONDS = 1.0
"""How often ``beat`` is called while a scanner is waited for."""

MAX_HANGING = 8
"""Abandoned scans by one class that may hang in this process. Beyond that, the class is not asked."""

MAX_NAME = 255
"""Characters of a name: of a scanner, a threat, an engine or a version of signatures."""

_END = b""


@dataclass(frozen=True, kw_only=True)
class ScanReport:
    """The answer of one scanner for one file. Texts have a bounded length and no control characters."""

    scanner: str
    engine: Engine
    result: ScanResult
    at: datetime
    unpacking: Unpacking | None = None
    """What the scanner is known to read of archives."""


class RunningScan:
    """A scan in progress: ``feed`` it each chunk while it ``needs_bytes``, get its ``report``, and ``abandon`` it."""

    def __init__(self, scanner: Scanner, *, size: int, descriptor: int | None) -> None:
        self._scanner = scanner
        self._size, self._taken = size, 0
        self._chunks: Queue[bytes] = Queue(AHEAD)
        self._finished, self._abandoned = threading.Event(), threading.Event()
        self._last_activity = time.monotonic()
        self._engine = Engine()
        self._result: ScanResult | None = None
        # The caller's own descriptor is closed, and its number used for another file, while a scanner may still hang.
        # Where the file cannot be opened again, the bytes are sent instead.
        self._descriptor = None if descriptor is None else reopened(descriptor)
        self._sample = Sample(
            size=size, chunks=self._take(), descriptor=self._descriptor, abandoned=self._abandoned.is_set
        )
        self._streamed = False
        self._thread = threading.Thread(target=self._run, name=f"scan by {type(scanner).__qualname__}", daemon=True)
        self._start()

    @property
    def needs_bytes(self) -> bool:
        return self._streamed and not self._finished.is_set() and not self._abandoned.is_set()

    def feed(self, chunk: bytes, beat: Callable[[], None]) -> None:
        """Pass on the chunk, however long that takes. ``beat`` is called meanwhile; its exceptions end the wait."""
        if self._chunks.empty():
            # The scanner was waiting for this chunk.
            self._last_activity = time.monotonic()
        while self.needs_bytes and not self._gave_up():
            try:
                return self._chunks.put(chunk, timeout=BEAT_SECONDS)
            except Full:
                beat()
        return None

    def report(self, beat: Callable[[], None]) -> ScanReport:
        """Return the report once there is an answer, or none is expected any more."""
        self.feed(_END, beat)
        while not self._finished.wait(BEAT_SECONDS) and not self._gave_up():
            beat()
        result = self._result or _error(f"silent for {self._scanner.patience:g} s")
        return ScanReport(
            scanner=clean_text(self._scanner.name, MAX_NAME),
            engine=_bounded_engine(self._engine),
            result=_bounded(result),
            at=timezone.now(),
            unpacking=self._scanner.unpacking,
        )

    def abandon(self) -> None:
        """Give up the scan. The thread ends as soon as the scanner notices."""
        self._abandoned.set()
        self._thread.name = _hanging_name(self._scanner)
        self._drain()
        with suppress(Full):
            # Wake a scanner that waits for bytes.
            self._chunks.put_nowait(_END)

    def _start(self) -> None:
        hanging = sum(thread.name == _hanging_name(self._scanner) for thread in threading.enumerate())
        if hanging >= MAX_HANGING:
            return self._finish(_error(f"{hanging} earlier scans hang"))
        try:
            self._streamed = self._scanner.needs_bytes(self._sample)
        except Exception as error:  # noqa: BLE001 - the scanner may be the host's
            return self._finish(_raised(error))
        return self._thread.start()

    def _run(self) -> None:
        try:
            self._engine = self._scanner.engine()
            self._last_activity = time.monotonic()
            result = self._checked(self._scanner.scan(self._sample))
        except BaseException as error:  # noqa: BLE001 - it would be lost with the thread
            result = _raised(error)
        self._finish(result)

    def _finish(self, result: ScanResult) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._result = result
        self._finished.set()
        # ``feed`` may be waiting for room.
        self._drain()

    def _take(self) -> Iterator[bytes]:
        """Yield the chunks to the scanner."""
        while chunk := self._chunks.get():
            self._last_activity = time.monotonic()
            self._taken += len(chunk)
            yield chunk
        if self._abandoned.is_set():
            raise Abandoned
        self._last_activity = time.monotonic()

    def _gave_up(self) -> bool:
        if time.monotonic() - self._last_activity > self._scanner.patience:
            self.abandon()
        return self._abandoned.is_set()

    def _drain(self) -> None:
        with suppress(Empty):
            while True:
                self._chunks.get_nowait()

    def _checked(self, result: object) -> ScanResult:
        """Return the scanner's result, or an error if it cannot be relied on."""
        if not isinstance(result, ScanResult) or not isinstance(result.verdict, ScanVerdict):
            return _error(f"answered a {type(result).__qualname__} without a verdict")
        if result.verdict is ScanVerdict.CLEAN and self._streamed and self._taken != self._size:
            return _error(f"answered clean after reading {self._taken} of {self._size} bytes")
        return result


def _hanging_name(scanner: Scanner) -> str:
    return f"abandoned scan by {type(scanner).__module__}.{type(scanner).__qualname__}"


def _error(detail: str) -> ScanResult:
    return ScanResult(verdict=ScanVerdict.ERROR, detail=detail)


def _raised(error: BaseException) -> ScanResult:
    return _error(f"{type(error).__name__}: {error}")


def _bounded(result: ScanResult) -> ScanResult:
    return replace(result, threat=clean_text(result.threat, MAX_NAME), detail=clean_text(result.detail))


def _bounded_engine(engine: object) -> Engine:
    if not isinstance(engine, Engine):
        return Engine()
    made = engine.signatures_at if isinstance(engine.signatures_at, datetime) else None
    return Engine(
        version=clean_text(engine.version, MAX_NAME),
        signatures=clean_text(engine.signatures, MAX_NAME),
        signatures_at=made,
    )
