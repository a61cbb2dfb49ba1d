"""The parent's end of the pipes to a child. It never waits beyond the deadline and never holds more than one line."""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from typing import IO

from .answer import ExtractionFailed, ExtractionInterrupted

MAX_LINE_BYTES = 64 * 1024


class Deadline:
    """The moment at which a run has used up its time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        return max(0.0, self._end - time.monotonic())

    def passed(self) -> ExtractionInterrupted:
        return ExtractionInterrupted(f"took longer than {self._seconds:g} s")


class Channel:
    """Lines from one child and bytes to it. Raises ``ExtractionFailed`` for a line too long or a passed deadline."""

    def __init__(self, process: subprocess.Popen[bytes], deadline: Deadline) -> None:
        self._process = process
        self._deadline = deadline
        self._received = b""

    def line(self) -> bytes:
        """Return the next line, without its end, or ``b""`` if there are no more."""
        assert self._process.stdout is not None
        while b"\n" not in self._received:
            if len(self._received) > MAX_LINE_BYTES:
                raise ExtractionFailed(f"answered more than {MAX_LINE_BYTES} bytes")
            self._wait(self._process.stdout, selectors.EVENT_READ)
            piece = os.read(self._process.stdout.fileno(), MAX_LINE_BYTES + 1 - len(self._received))
            if not piece:
                return b""
            self._received += piece
        line, _, self._received = self._received.partition(b"\n")
        return line

    def send(self, content: bytes) -> None:
        """Send bytes to the child. If it has ended, they are dropped, and the next ``line`` is empty."""
        assert self._process.stdin is not None
        descriptor = self._process.stdin.fileno()
        os.set_blocking(descriptor, False)
        rest = memoryview(content)
        while rest:
            self._wait(self._process.stdin, selectors.EVENT_WRITE)
            try:
                rest = rest[os.write(descriptor, rest) :]
            except BrokenPipeError:
                return

    def _wait(self, pipe: IO[bytes], event: int) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, event)
            if not selector.select(self._deadline.left()):
                raise self._deadline.passed()
