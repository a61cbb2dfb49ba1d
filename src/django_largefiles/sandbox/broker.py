"""Reads on a child's behalf, of a file that has no descriptor to hand on: one in S3, say."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from queue import SimpleQueue
from typing import IO, Any, TypeVar

from .answer import ExtractionFailed
from .conversation import Deadline
from .spec import BLOCK_SIZE, LENGTH_BYTES, MAX_REQUEST

T = TypeVar("T")


class Broker:
    """Answers a child's requests for pieces of ``file``, up to ``budget`` bytes in all.

    The file is read in a thread of this broker's own, and in no other while it lives; its position moves. Whatever
    reading it raises is raised to the caller: it is the trouble of the file's store, and no failure of the extraction.
    ``ExtractionFailed`` is raised for a request that is none, that goes beyond the budget, or that is
    not answered within the deadline.
    """

    def __init__(self, file: IO[Any], budget: int, deadline: Deadline) -> None:
        self._file = file
        self._budget = budget
        self._left = budget
        self._deadline = deadline
        self._thread = PatientThread()
        try:
            self.size: int = self._within_deadline(lambda: file.seek(0, os.SEEK_END))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """The file itself stays open."""
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
            raise ExtractionFailed(f"asked for what is no piece of the file: {request[:50]!r}")
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


class PatientThread:
    """Does one thing after the other, for callers with less patience.

    A store that does not answer would hold its reader up for minutes. The thread waits for it alone, and ends then. It
    is none of ``concurrent.futures``, for which the interpreter would wait when it ends.
    """

    def __init__(self) -> None:
        self._acts: SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = SimpleQueue()
        threading.Thread(target=self._work, name="largefiles-broker", daemon=True).start()

    def submit(self, act: Callable[[], T]) -> Future[T]:
        done: Future[T] = Future()
        self._acts.put((act, done))
        return done

    def stop(self) -> None:
        """After what is under way."""
        self._acts.put(None)

    def _work(self) -> None:
        while (task := self._acts.get()) is not None:
            act, done = task
            try:
                done.set_result(act())
            except BaseException as error:  # noqa: BLE001 - it is raised to whoever asked
                done.set_exception(error)
