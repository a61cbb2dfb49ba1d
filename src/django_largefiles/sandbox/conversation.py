"""The parent's end of the pipes to a child: never waits beyond the deadline, never holds more than one line."""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from typing import IO

from .answer import ExtractionFailed, ExtractionInterrupted

MAX_LINE_BYTES = 64 * 1024


class Deadline:
    """The moment at which a run has used up its wall clock."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        return max(0.0, self._end - time.monotonic())

    def passed(self) -> ExtractionInterrupted:
        return ExtractionInterrupted(f"took longer than {self._seconds:g} s")


class Conversation:
    """With one child. Raises ``ExtractionFailed`` where it says too much, or the deadline passes."""

    def __init__(self, process: subprocess.Popen[bytes], deadline: Deadline) -> None:
        self._process = process
        self._deadline = deadline
        self._heard = b""

    def line(self) -> bytes:
        """The next line, without its end; ``b""`` once there is none."""
        assert self._process.stdout is not None
        while b"\n" not in self._heard:
            if len(self._heard) > MAX_LINE_BYTES:
                raise ExtractionFailed(f"answered more than {MAX_LINE_BYTES} bytes")
            self._wait(self._process.stdout, selectors.EVENT_READ)
            piece = os.read(self._process.stdout.fileno(), MAX_LINE_BYTES + 1 - len(self._heard))
            if not piece:
                return b""
            self._heard += piece
        line, _, self._heard = self._heard.partition(b"\n")
        return line

    def send(self, content: bytes) -> None:
        """Give the child bytes. One that is gone gets none: its next line, which there is not, tells."""
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
