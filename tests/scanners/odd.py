"""Scanners that do not do as they should."""

from __future__ import annotations

import threading
from typing import Any

from django_largefiles.scanners.base import Engine, Sample, Scanner, ScanResult
from django_largefiles.states import ScanVerdict

CLEAN = ScanResult(verdict=ScanVerdict.CLEAN)


class Raising(Scanner):
    def scan(self, sample: Sample) -> ScanResult:
        raise ZeroDivisionError("out of order")


class RaisingAtOnce(Raising):
    def needs_bytes(self, sample: Sample) -> bool:
        raise ZeroDivisionError("out of order")


class WithoutEngine(Raising):
    def engine(self) -> Engine:
        raise ConnectionRefusedError("nobody listens")


class Unfinished(Scanner):
    """Without the method that makes a scanner."""


class Leaving(Scanner):
    """Ends its thread, as none should."""

    def scan(self, sample: Sample) -> ScanResult:
        raise SystemExit


class Lying(Scanner):
    """Says clean at once, or after the first chunk."""

    def __init__(self, *, looks: bool = False) -> None:
        self._looks = looks

    def scan(self, sample: Sample) -> ScanResult:
        if self._looks:
            next(iter(sample.chunks))
        return CLEAN


class Answering(Scanner):
    """Takes all, and answers whatever it was given."""

    def __init__(self, *, answer: Any, engine: Any = None) -> None:
        self._answer, self._engine = answer, engine

    def engine(self) -> Any:
        return self._engine or Engine()

    def scan(self, sample: Sample) -> Any:
        for _ in sample.chunks:
            pass
        return self._answer


class Hanging(Scanner):
    """Until it is ``released``, and whatever it is told. It takes ``chunks`` chunks before."""

    def __init__(self, *, chunks: int = 0, patience: float = 0.1) -> None:
        self.patience = patience
        self.released = threading.Event()
        self.ended = threading.Event()
        self._chunks = chunks

    def scan(self, sample: Sample) -> ScanResult:
        chunks = iter(sample.chunks)
        for _ in range(self._chunks):
            next(chunks)
        self.released.wait()
        self.ended.set()
        return CLEAN


class Apart(Scanner):
    """Reads by itself, through the descriptor."""

    def needs_bytes(self, sample: Sample) -> bool:
        return sample.descriptor is None

    def scan(self, sample: Sample) -> ScanResult:
        return CLEAN
