"""An extractor that attempts what confinement should prevent, to find out what it prevents on this machine."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from ..extractors.base import Extractor, Metadata


class AttemptingExtractor(Extractor):
    """Reports in the attribute ``possible`` which attempts succeeded."""

    def extract(self, file: BinaryIO, media_type: str) -> Metadata:
        return Metadata(attributes={"possible": [act for act, attempt in ATTEMPTS.items() if _succeeds(attempt)]})


def _succeeds(attempt: Callable[[], None]) -> bool:
    with suppress(OSError):
        attempt()
        return True
    return False


def _read_a_file() -> None:
    with Path("/etc/passwd").open("rb"):
        pass


def _start_a_process() -> None:
    child = os.fork()
    if not child:  # pragma: no cover
        os._exit(0)
    os.waitpid(child, 0)


def _open_a_socket() -> None:
    socket.socket().close()


ATTEMPTS = {
    "read the worker's files": _read_a_file,
    "start processes": _start_a_process,
    "open connections": _open_a_socket,
}
