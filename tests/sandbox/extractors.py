"""Extractors that misbehave. They run in the child, out of sight of coverage."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
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


class Behaving(Extractor):
    def extract(self, file: BinaryIO, media_type: str) -> Metadata:
        return Metadata(title=file.read(10).decode(), attributes={"media_type": media_type})


class Describing(Extractor):
    def extract(self, file: BinaryIO, media_type: str) -> Metadata:  # pragma: no cover
        return Metadata(
            attributes={
                "environment": sorted(os.environ),
                "folder": str(Path.cwd()),
                "descriptors": len(list(Path("/proc/self/fd").iterdir())) - 1,
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


class Writing(Extractor):
    def extract(self, file: BinaryIO, media_type: str) -> Metadata:  # pragma: no cover
        path = Path("/tmp") / media_type.replace("/", "-")
        with path.open("wb", buffering=0) as written:
            path.unlink()
            written.write(b"x")
        return Metadata()


class Hoarding(Extractor):
    def extract(self, file: BinaryIO, media_type: str) -> Metadata:  # pragma: no cover
        while True:
            os.dup(0)


class Reading(Extractor):
    def extract(self, file: BinaryIO, media_type: str) -> Metadata:  # pragma: no cover
        while file.read(1024 * 1024):
            pass
        return Metadata(title="all")


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
