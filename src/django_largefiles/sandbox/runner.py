"""Run one extractor over one file, in a confined child process.

This uses ``subprocess``, because Celery's prefork workers are daemonic and may not use ``multiprocessing``.
"""

from __future__ import annotations

import fcntl
import functools
import io
import json
import os
import signal
import site
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ..containers.reading import reopened
from ..extractors.base import Metadata
from ..options import ExtractionLimits
from .answer import ExtractionFailed, ExtractionInterrupted, layers, parse
from .broker import Broker
from .channel import Channel, Deadline
from .spec import Spec

__all__ = ["Extraction", "ExtractionFailed", "ExtractionInterrupted", "run"]

_PASSED_ON = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_SYSTEM_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache")

# An isolated interpreter has only its own path.
_START = """
import json, sys
sys.path[:] = json.loads(sys.argv[2])
from django_largefiles.sandbox import child
child.run()
"""


@dataclass(frozen=True, kw_only=True)
class Extraction:
    metadata: Metadata
    confinement: tuple[str, ...]
    """The layers of ``sandbox.confinement`` in force in the child, in the order in which they were applied."""


def run(extractor: str, file: IO[Any], media_type: str, limits: ExtractionLimits) -> Extraction:
    """Return what the extractor at the dotted path ``extractor`` reads from ``file``, which is open in binary mode.

    The child gets the media type, the limits and the bytes, but no path, no environment and no settings. It inherits
    a descriptor of an operating system's file that is opened for it alone, where the system allows that (Linux). From
    any other seekable file, this process reads the pieces that the child asks for. The child is killed with its
    process group and reaped before this function ends, and killed by the kernel if this process dies.

    Raise ``ExtractionFailed`` if there is no valid answer within the limits, or if it reports an error;
    ``ExtractionInterrupted``, a subclass, if a second run may succeed. Errors of reading ``file``, such as a
    ``StoreError``, are raised as they are.
    """
    deadline = Deadline(limits.wall_seconds)
    descriptor = _descriptor(file)
    if descriptor is not None:
        try:
            return _run(_spec(extractor, media_type, limits), descriptor, None, deadline)
        finally:
            os.close(descriptor)
    with closing(Broker(file, limits.read_bytes, deadline)) as broker:
        return _run(_spec(extractor, media_type, limits, broker.size), subprocess.PIPE, broker, deadline)


def _descriptor(file: IO[Any]) -> int | None:
    """Return a new descriptor of a plain file that is open for reading only, else ``None``."""
    raw = file.raw if isinstance(file, io.BufferedReader) else file
    if type(raw) is io.FileIO and fcntl.fcntl(raw, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
        # The child could move the position of this process's descriptor.
        return reopened(raw.fileno())
    return None


def _spec(extractor: str, media_type: str, limits: ExtractionLimits, size: int | None = None) -> Spec:
    return Spec(
        extractor=extractor,
        media_type=media_type,
        parent=os.getpid(),
        readable=_readable(),
        cpu_seconds=limits.cpu_seconds,
        memory_bytes=limits.memory_bytes,
        read_bytes=limits.read_bytes,
        size=size,
    )


@functools.cache
def _readable() -> list[str]:
    """Return the folders from which libraries may be loaded late: those of the interpreter and of the system.

    This is not all of ``sys.path``: a project's folder often holds its settings, its database and its users' files.
    """
    interpreter = (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), f"{sys.base_prefix}/lib")
    libraries = (*site.getsitepackages(), *filter(_holds_installed_libraries, _path()))
    folders = dict.fromkeys((*interpreter, *libraries, *_SYSTEM_LIBRARIES))
    return [folder for folder in folders if Path(folder).exists()]


def _holds_installed_libraries(folder: str) -> bool:
    """Return whether packages were installed into this folder, which need not be called ``site-packages``."""
    return any(Path(folder).glob("*.dist-info"))


def _run(spec: Spec, stdin: int, broker: Broker | None, deadline: Deadline) -> Extraction:
    held: list[str] = []
    try:
        with _child(spec, stdin) as process:
            answer = _answer(Channel(process, deadline), broker, held)
        if not answer:
            raise _how_it_ended(process.returncode, spec.cpu_seconds)
        return Extraction(metadata=parse(answer), confinement=tuple(held))
    except ExtractionFailed as failure:
        failure.confinement = tuple(held)
        raise


def _answer(child: Channel, broker: Broker | None, held: list[str]) -> bytes:
    """Return the child's last line. Add the layers of confinement, which are in the first line, to ``held``."""
    line = child.line()
    told = layers(line) if line else None
    if told is None:
        # The child ended before it was confined, and before it read the file.
        return line
    held += told
    line = child.line()
    while broker and line.startswith(b"["):
        child.send(broker.answer(line))
        line = child.line()
    return line


@contextmanager
def _child(spec: Spec, stdin: int) -> Iterator[subprocess.Popen[bytes]]:
    process = _start(spec, stdin)
    try:
        yield process
    finally:
        # This comes before wait(): until the leader is reaped, the number of the group cannot be reused.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in filter(None, (process.stdin, process.stdout)):
            pipe.close()


def _start(spec: Spec, stdin: int) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and program
            [sys.executable, "-I", "-c", _START, spec.dumps(), json.dumps(_path())],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            close_fds=True,
            cwd="/",
            env=_environment(),
            start_new_session=True,
        )
    except OSError as error:
        raise ExtractionInterrupted(f"could not start a child process: {error}") from error


def _path() -> list[str]:
    """Return this process's path without relative entries: the child must not import from its working directory."""
    return [str(entry) for entry in sys.path if Path(entry).is_absolute()]


def _environment() -> dict[str, str]:
    # Numerical libraries start threads when they are imported, which would escape confinement.
    return {"OMP_NUM_THREADS": "1"} | {name: os.environ[name] for name in _PASSED_ON if name in os.environ}


def _how_it_ended(status: int, cpu_seconds: int) -> ExtractionFailed:
    if status == -signal.SIGXCPU:
        return ExtractionFailed(f"used more than {cpu_seconds} s of processor time")
    if status < 0:
        return ExtractionInterrupted(f"killed by signal {-status}")
    return ExtractionFailed(f"ended with status {status} and without an answer")
