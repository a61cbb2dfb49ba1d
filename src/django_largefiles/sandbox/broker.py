"""Read for a child from a file without a descriptor to pass on, such as one in S3."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from queue import SimpleQueue
from typing import IO, Any, TypeVar

from .answer import ExtractionFailed
from .channel import Deadline
from .spec import BLOCK_SIZE, LENGTH_BYTES, MAX_REQUEST

T = TypeVar("T")


class Broker:
    """Answers a child's requests for pieces of ``file``, up to ``budget`` bytes in all.

    The file is read in a thread of the broker, and in no other thread during its life; its position moves. Errors of
    reading are raised to the caller as they are, because they are the store's and not a failure of the extraction.
    ``ExtractionFailed`` is raised for a malformed request, one beyond the budget, and one that is not answered before
    the deadline.
    """

    def __init__(self, file: IO[Any], budget: int, deadline: Deadline) -> None:
        self._file = file
        self._budget = budget
        self._left = budget
        self._deadline = deadline
        self._thread = ReaderThread()
        try:
            self.size: int = self._within_deadline(lambda: file.seek(0, os.SEEK_END))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop the thread. The file stays open."""
        self._thread.stop()

    def answer(self, request: bytes) -> bytes:
        offset, size = self._understand(request)
        if size > self._left:
            raise ExtractionFailed(f"wanted to read more than {self._budget} bytes")
        self._left -= size
        content = self._within_deadline(lambda: self._read(offset, size))
        return len(content).to_bytes(LENGTH_BYTES, "big") + content

    def _understand(self, request: bytes) -> tuple[int, int]:
        try:
            offset, size = json.loads(request)
        except (ValueError, TypeError, RecursionError):
            offset, size = -1, -1
        if not (type(offset) is type(size) is int and self._is_piece(offset, size)):
            raise ExtractionFailed(f"asked for something that is not a piece of the file: {request[:50]!r}")
        return offset, size

    def _is_piece(self, offset: int, size: int) -> bool:
        within = 0 <= offset < offset + size <= self.size and size <= MAX_REQUEST
        return within and offset % BLOCK_SIZE == 0 and (size % BLOCK_SIZE == 0 or offset + size == self.size)

    def _read(self, offset: int, size: int) -> bytes:
        content = bytearray()
        self._file.seek(offset)
        while len(content) < size:
            piece = self._file.read(size - len(content))
            if not piece:
                break
            content += piece
        return bytes(content)

    def _within_deadline(self, act: Callable[[], T]) -> T:
        done = self._thread.submit(act)
        wait([done], self._deadline.left())
        if not done.done():
            raise self._deadline.passed()
        return done.result()


class ReaderThread:
    """Calls functions one after another, for callers that do not wait as long as they may take.

    A store that does not answer can block its reader for minutes. Only this thread waits for it, and ends afterwards.
    It is not a thread of ``concurrent.futures``, because the interpreter would wait for that at its exit.
    """

    def __init__(self) -> None:
        self._acts: SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = SimpleQueue()
        threading.Thread(target=self._work, name="largefiles-broker", daemon=True).start()

    def submit(self, act: Callable[[], T]) -> Future[T]:
        done: Future[T] = Future()
        self._acts.put((act, done))
        return done

    def stop(self) -> None:
        """End the thread after the current call."""
        self._acts.put(None)

    def _work(self) -> None:
        while (task := self._acts.get()) is not None:
            act, done = task
            try:
                done.set_result(act())
            except BaseException as error:  # noqa: BLE001 - it is raised to the caller
                done.set_exception(error)
