"""Runs one extractor over one file, in a child process of its own that has nothing to lose.

``subprocess``, not ``multiprocessing``: Celery's prefork workers are daemonic and may not have children of the latter.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from ..extractors.base import Metadata
from ..options import ExtractionLimits
from . import child
from .answer import ExtractionFailed, ExtractionInterrupted, parse

__all__ = ["MAX_ANSWER_BYTES", "ExtractionFailed", "ExtractionInterrupted", "run"]

MAX_ANSWER_BYTES = 64 * 1024

_PASSED_ON = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


def run(extractor: str, file: IO[Any], media_type: str, limits: ExtractionLimits) -> Metadata:
    """What the extractor at the dotted path ``extractor`` reads out of ``file``, which has a descriptor.

    The child gets the descriptor, the media type and the limits: no path, no environment, no settings. It is killed
    with its process group and reaped before this returns or raises, and by the kernel if this process dies. The
    position of ``file`` is neither used nor moved.

    Raises ``ExtractionFailed`` if there is no answer within the limits, or one that reports an error or is nonsense;
    ``ExtractionInterrupted``, which is one of these, where a second run may fare better.
    """
    with _child(_spec(extractor, media_type, limits), file) as process:
        answer = _read_answer(process, limits.wall_seconds)
    if not answer.endswith(b"\n"):
        raise _how_it_ended(process.returncode, limits)
    return parse(answer)


def _spec(extractor: str, media_type: str, limits: ExtractionLimits) -> child.Spec:
    return child.Spec(
        extractor=extractor,
        media_type=media_type,
        parent=os.getpid(),
        # Of the parent's working directory the child, which runs in the root, must not import.
        path=[str(entry) for entry in sys.path if Path(entry).is_absolute()],
        cpu_seconds=limits.cpu_seconds,
        memory_bytes=limits.memory_bytes,
        read_bytes=limits.read_bytes,
    )


@contextmanager
def _child(spec: child.Spec, file: IO[Any]) -> Iterator[subprocess.Popen[bytes]]:
    process = _start(spec, file)
    try:
        yield process
    finally:
        # Before wait(): as long as the leader is not reaped its number, and so the group's, cannot be another's.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def _start(spec: child.Spec, file: IO[Any]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and file
            [sys.executable, "-I", child.__file__, spec.dumps()],
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            close_fds=True,
            cwd="/",
            env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
            start_new_session=True,
        )
    except OSError as error:
        raise ExtractionInterrupted(f"could not start a child process: {error}") from error


def _read_answer(process: subprocess.Popen[bytes], wall_seconds: float) -> bytes:
    """All that the child says up to the end of a line or its own; without the line's end it said too little."""
    assert process.stdout is not None
    deadline = time.monotonic() + wall_seconds
    answer = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while not answer.endswith(b"\n"):
            if not selector.select(max(0, deadline - time.monotonic())):
                raise ExtractionInterrupted(f"took longer than {wall_seconds:g} s")
            piece = process.stdout.read(MAX_ANSWER_BYTES)
            if not piece:
                break
            answer += piece
            if len(answer) > MAX_ANSWER_BYTES:
                raise ExtractionFailed(f"answered more than {MAX_ANSWER_BYTES} bytes")
    return answer


def _how_it_ended(status: int, limits: ExtractionLimits) -> ExtractionFailed:
    if status == -signal.SIGXCPU:
        return ExtractionFailed(f"used more than {limits.cpu_seconds} s of processor time")
    if status < 0:
        return ExtractionInterrupted(f"killed by signal {-status}")
    return ExtractionFailed(f"ended with status {status} and without an answer")
