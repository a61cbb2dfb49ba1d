"""Extractors that misbehave. They run in the child, out of sight of coverage."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from django_largefiles.extractors.base import Extractor, Metadata

DESCRIPTORS = range(1, 16)


def write_to_all(content: bytes) -> None:  # pragma: no cover
    for descriptor in DESCRIPTORS:
        with suppress(OSError):
            os.write(descriptor, content)


def is_open(descriptor: int) -> bool:  # pragma: no cover
    with suppress(OSError):
        os.fstat(descriptor)
        return True
    return False


class Behaving(Extractor):
    def extract(self, file: BinaryIO, media_type: str) -> Metadata:
        return Metadata(title=file.read(10).decode(), attributes={"media_type": media_type})


class Describing(Extractor):
    def extract(self, file: BinaryIO, media_type: str) -> Metadata:  # pragma: no cover
        return Metadata(
            attributes={
                "environment": sorted(os.environ),
                "folder": str(Path.cwd()),
                "descriptors": [number for number in range(100) if is_open(number)],
                "leads_its_group": os.getpgid(0) == os.getpid(),
                "django": "django" in sys.modules,
                "named": hasattr(file, "name"),
            }
        )


class Sleeping(Extractor):
    def extract(self, file: BinaryIO, media_type: str) -> Metadata:  # pragma: no cover
        time.sleep(60)
        return Metadata()


class Spinning(Extractor):
    def extract(self, file: BinaryIO, media_type: str) -> Metadata:  # pragma: no cover
        while True:
            pass


class Killing(Extractor):
    def extract(self, file: BinaryIO, media_type: str) -> Metadata:  # pragma: no cover
        os.kill(os.getpid(), signal.SIGKILL)
        return Metadata()


class Crashing(Extractor):
    def extract(self, file: BinaryIO, media_type: str) -> Metadata:  # pragma: no cover
        ctypes.string_at(0)
        return Metadata()


class Exiting(Extractor):
    def extract(self, file: BinaryIO, media_type: str) -> Metadata:  # pragma: no cover
        os._exit(3)


class Printing(Extractor):
    def extract(self, file: BinaryIO, media_type: str) -> Metadata:  # pragma: no cover
        for _ in range(512):
            os.write(1, bytes(1024 * 1024))
            print("x" * 1024 * 1024)  # noqa: T201
        return Metadata(title="printed")


class Flooding(Extractor):
    def extract(self, file: BinaryIO, media_type: str) -> Metadata:  # pragma: no cover
        while True:
            write_to_all(b"x" * 4096)


class Garbling(Extractor):
    def extract(self, file: BinaryIO, media_type: str) -> Metadata:  # pragma: no cover
        write_to_all(b"garbage\n")
        time.sleep(60)
        return Metadata()


class Verbose(Extractor):
    def extract(self, file: BinaryIO, media_type: str) -> Metadata:  # pragma: no cover
        return Metadata(attributes={str(number): "x" * 1000 for number in range(100)})


class Allocating(Extractor):
    def extract(self, file: BinaryIO, media_type: str) -> Metadata:  # pragma: no cover
        return Metadata(page_count=len(bytearray(1024**3)))


class Recursing(Extractor):
    def extract(self, file: BinaryIO, media_type: str) -> Metadata:  # pragma: no cover
        return self.extract(file, media_type)


class Forking(Extractor):
    def extract(self, file: BinaryIO, media_type: str) -> Metadata:  # pragma: no cover
        if os.fork() == 0:
            time.sleep(60)
        return Metadata(title="forked")


class Abandoning(Extractor):
    """Leaves a grandchild behind that keeps the pipe open."""

    def extract(self, file: BinaryIO, media_type: str) -> Metadata:  # pragma: no cover
        if os.fork() == 0:
            time.sleep(60)
        os._exit(0)


class Growing(Extractor):
    """Takes memory until it gets no more, and tells how much it held at most."""

    def __init__(self) -> None:  # pragma: no cover
        self._status = Path("/proc/self/status").open()  # noqa: SIM115 - confined, it could not be opened

    def extract(self, file: BinaryIO, media_type: str) -> Metadata:  # pragma: no cover
        held = []
        with suppress(MemoryError):
            while True:
                held.append(b"x" * 1024 * 1024)
        held.clear()
        (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", self._status.read())
        return Metadata(attributes={"peak": int(peak) * 1024})


class Begging(Extractor):
    """A parser that was taken over: it writes what it likes to the channel of its answer."""

    def extract(self, file: BinaryIO, media_type: str) -> Metadata:  # pragma: no cover
        for line in file.read(1000).split(b"\n")[:-1]:
            write_to_all(line + b"\n")
        time.sleep(60)
        return Metadata()


class Boasting(Extractor):
    """Claims, once it has seen the file, to be held by what it likes."""

    def extract(self, file: BinaryIO, media_type: str) -> Metadata:  # pragma: no cover
        write_to_all(b'{"layers": ["armour"]}\n')
        time.sleep(60)
        return Metadata()


class Dozing(Extractor):
    """Falls asleep once it has read."""

    def extract(self, file: BinaryIO, media_type: str) -> Metadata:  # pragma: no cover
        file.read(1)
        time.sleep(60)
        return Metadata()


class Threaded(Extractor):
    """Whose import, as of some libraries, starts a thread."""

    def __init__(self) -> None:  # pragma: no cover
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()

    def extract(self, file: BinaryIO, media_type: str) -> Metadata:  # pragma: no cover
        return Metadata(title="threaded")


class Hoarding(Extractor):
    def extract(self, file: BinaryIO, media_type: str) -> Metadata:  # pragma: no cover
        while True:
            os.dup(0)


class Reading(Extractor):
    def extract(self, file: BinaryIO, media_type: str) -> Metadata:  # pragma: no cover
        while file.read(1024 * 1024):
            pass
        return Metadata(title="all")


class Seeking(Extractor):
    def extract(self, file: BinaryIO, media_type: str) -> Metadata:  # pragma: no cover
        os.lseek(0, 5, os.SEEK_SET)
        return Metadata()


class Mistaken(Extractor):
    def extract(self, file: BinaryIO, media_type: str) -> Any:
        return {"title": "not metadata"}


class Unsayable(Extractor):
    def extract(self, file: BinaryIO, media_type: str) -> Metadata:
        return Metadata(duration=float("nan"))


class Overstating(Extractor):
    def extract(self, file: BinaryIO, media_type: str) -> Metadata:  # pragma: no cover
        return Metadata(title="nul\0")


class NotAnExtractor:
    pass
