"""A real clamd of one's own: its configuration, its sockets and its signatures in a folder that goes with it."""

from __future__ import annotations

import hashlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from django_largefiles.scanners.clamav import ClamdScanner
from django_largefiles.scanners.selftest import eicar

CLAMD = shutil.which("clamd", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")

needs_clamd = pytest.mark.skipif(CLAMD is None, reason="clamd is not installed")

MIB = 1024 * 1024

LIMITS = {
    "StreamMaxLength": 4 * MIB,
    "MaxFileSize": 3 * MIB,
    "MaxScanSize": 8 * MIB,
    "MaxScanTime": 0,
    "AlertExceedsMax": "yes",
}
"""Of clamd.conf(5)."""

STARTS_WITHIN = 30.0
"""Seconds."""


class Clamd:  # needs_clamd
    def __init__(self, folder: Path, port: int) -> None:
        self.socket = str(folder / "clamd.sock")
        self.port = port
        self._configuration = folder / "clamd.conf"
        self.start_again()

    def scanner(self, **options: Any) -> ClamdScanner:
        """Which knows the limits."""
        limits = {"stream_max_length": 4 * MIB, "max_file_size": 3 * MIB, "max_scan_size": 8 * MIB}
        return ClamdScanner(**{"socket": self.socket, **limits, **options})

    def start_again(self) -> None:
        assert CLAMD
        self._process = subprocess.Popen(
            [CLAMD, "--foreground", "--config-file", str(self._configuration)], stdout=subprocess.DEVNULL
        )

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Alive, and deaf."""
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + STARTS_WITHIN
        while True:
            try:
                self.scanner().engine()
            except OSError:
                assert self._process.poll() is None, "clamd did not start"
                assert time.monotonic() < deadline, "clamd does not answer"
                time.sleep(0.05)
            else:
                return


@contextmanager
def running(**limits: Any) -> Iterator[Clamd]:  # needs_clamd
    # Paths of sockets must be short: pytest's folders are not.
    with tempfile.TemporaryDirectory(prefix="clamd-") as name:
        folder, port = Path(name), _free_port()
        _write_signatures(folder / "signatures")
        (folder / "clamd.conf").write_text(_configuration(folder, port, {**LIMITS, **limits}))
        clamd = Clamd(folder, port)
        try:
            clamd.wait_until_it_answers()
            yield clamd
        finally:
            clamd.kill()


def _write_signatures(folder: Path) -> None:  # needs_clamd
    """The test string as the whole of a file only, as the official signatures know it."""
    folder.mkdir()
    digest = hashlib.md5(eicar(), usedforsecurity=False).hexdigest()
    (folder / "test.hdb").write_text(f"{digest}:{len(eicar())}:Eicar-Test-Signature\n")


def _configuration(folder: Path, port: int, limits: dict[str, Any]) -> str:  # needs_clamd
    lines = {
        "DatabaseDirectory": folder / "signatures",
        "TemporaryDirectory": folder,
        "LocalSocket": folder / "clamd.sock",
        "TCPSocket": port,
        "TCPAddr": "127.0.0.1",
        **limits,
    }
    return "".join(f"{key} {value}\n" for key, value in lines.items())


def _free_port() -> int:  # needs_clamd
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
