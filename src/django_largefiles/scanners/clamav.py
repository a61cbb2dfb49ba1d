"""Scan with ClamAV's daemon clamd: INSTREAM over TCP or a Unix socket, or FILDES over the latter (clamd(8)).

The protocol is implemented here, because the client libraries do not read the answer after a broken pipe, read answers
without a limit and have a single time-out for everything.
"""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.core.checks import CheckMessage, Warning as CheckWarning

from ..states import ScanVerdict
from .base import Abandoned, Engine, Sample, Scanner, ScanResult, Unpacking

MIB = 1024 * 1024

MAX_SIZE = 2_147_483_645
"""Bytes. clamd never scans more, even if configured to (``MaxFileSize`` in clamd.conf(5))."""

MAX_REPLY = 4096
"""Bytes. A reply is one line with at most one name of a signature."""

METHODS = frozenset({"stored", "deflate", "bzip2", "gzip", "xz"})
"""What clamd is tested to unpack. Members that are packed otherwise, such as by LZMA, are clean to it."""

REPLY_AFTER_CLOSE = 1.0
"""Seconds to wait for the reply after clamd has closed its end while bytes were sent."""

_ASK_EVERY = 1.0
_TOO_LONG = "INSTREAM size limit exceeded. ERROR"
_FOUND = re.compile(r"(?:stream|fd\[\d+\]): (?P<threat>.+) FOUND")
_UNSCANNED = ("Heuristics.Limits.Exceeded", "Heuristics.Encrypted")
_VERSION = re.compile(r"(?P<version>ClamAV [^/]*)(?:/(?P<signatures>[^/]*)/(?P<made>.*))?")


@dataclass(frozen=True, kw_only=True)
class Reply:
    """clamd's reply, without the NUL at its end, and what went wrong before or while it was read."""

    text: str
    trouble: str = ""


class ClamdScanner(Scanner):
    """``OPTIONS`` say where clamd is (``socket``, or ``host`` and ``port``), which limits its own configuration has,
    and how long to wait.

    :param socket: path of the Unix socket.
    :param pass_descriptor: hand clamd the open file instead of its bytes; only over the Unix socket.
    :param stream_max_length: ``StreamMaxLength`` of clamd.conf in bytes; ignored with ``pass_descriptor``.
    :param max_file_size: ``MaxFileSize`` in bytes.
    :param max_scan_size: ``MaxScanSize`` in bytes.
    :param max_files: ``MaxFiles``, of an archive.
    :param connect_timeout: seconds.
    :param send_timeout: seconds that one chunk may take.
    :param reply_timeout: seconds from the last byte to the whole reply: the time of the scan.
    """

    def __init__(
        self,
        *,
        socket: str = "/run/clamav/clamd.ctl",
        host: str = "",
        port: int = 3310,
        pass_descriptor: bool = False,
        stream_max_length: int = 25 * MIB,
        max_file_size: int = 25 * MIB,
        max_scan_size: int = 100 * MIB,
        max_files: int = 10_000,
        connect_timeout: float = 5,
        send_timeout: float = 30,
        reply_timeout: float = 600,
    ) -> None:
        if pass_descriptor and host:
            raise ValueError("pass_descriptor needs the Unix socket, not a host")
        limits = (
            (max_file_size, max_scan_size) if pass_descriptor else (stream_max_length, max_file_size, max_scan_size)
        )
        if not min(*limits, max_files, connect_timeout, send_timeout, reply_timeout) > 0:
            raise ValueError("limits and time-outs must be positive")
        self.max_size: int = min(*limits, MAX_SIZE)
        self.unpacking = Unpacking(
            methods=METHODS,
            member_size=min(max_file_size, MAX_SIZE),
            total_size=max_scan_size,
            members=max_files,
        )
        self.patience = connect_timeout + send_timeout + reply_timeout + REPLY_AFTER_CLOSE
        self._socket_path, self._host, self._port = socket, host, port
        self._pass_descriptor = pass_descriptor
        self._connect_timeout = connect_timeout
        self._send_timeout = send_timeout
        self._reply_timeout = reply_timeout

    @property
    def name(self) -> str:
        return "clamd"

    def needs_bytes(self, sample: Sample) -> bool:
        return self._descriptor_of(sample) is None

    def engine(self) -> Engine:
        """Ask by the command ``VERSION``. Raise ``OSError``."""
        with self._connect() as connection:
            connection.sendall(b"zVERSION\0")
            # The command waits behind other scans.
            reply = _read_reply(connection, self._reply_timeout)
        match = _VERSION.fullmatch(reply.text)
        if reply.trouble or match is None:
            raise ConnectionError(f"clamd answered VERSION with {reply.text[:100]!r} {reply.trouble}".rstrip())
        return Engine(
            version=match["version"], signatures=match["signatures"] or "", signatures_at=_date(match["made"] or "")
        )

    def scan(self, sample: Sample) -> ScanResult:
        if not sample.size:
            return ScanResult(verdict=ScanVerdict.UNSCANNABLE, detail="the file is empty")
        if sample.size > self.max_size:
            detail = f"{sample.size} bytes are more than the {self.max_size} that clamd is known to scan"
            return ScanResult(verdict=ScanVerdict.UNSCANNABLE, detail=detail)
        descriptor = self._descriptor_of(sample)
        with self._connect() as connection:
            if descriptor is None:
                return _judge(self._stream(connection, sample), proof="stream: OK")
            return _judge(self._pass(connection, sample, descriptor), proof=r"fd\[\d+\]: OK")

    def check(self) -> Sequence[CheckMessage]:
        if not self._host or self._host in {"localhost", "127.0.0.1", "::1"}:
            return ()
        return [
            CheckWarning(
                f"Files are sent to clamd at {self._host} unencrypted: clamd has neither encryption nor passwords.",
                hint="Use a private network or a tunnel, and then silence this warning.",
                id="django_largefiles.W003",
            )
        ]

    def _descriptor_of(self, sample: Sample) -> int | None:
        return sample.descriptor if self._pass_descriptor else None

    def _connect(self) -> socket.socket:
        if self._host:
            return socket.create_connection((self._host, self._port), self._connect_timeout)
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(self._connect_timeout)
            connection.connect(self._socket_path)
        except BaseException:
            connection.close()
            raise
        return connection

    def _stream(self, connection: socket.socket, sample: Sample) -> Reply:
        connection.settimeout(self._send_timeout)
        sent = 0
        try:
            connection.sendall(b"zINSTREAM\0")
            for chunk in sample.chunks:
                connection.sendall(len(chunk).to_bytes(4) + chunk)
                sent += len(chunk)
            if sent != sample.size:
                return Reply(text="", trouble=f"{sent} of {sample.size} bytes were read")
            connection.sendall(bytes(4))
        except OSError as error:
            # clamd has closed its end; its reply may still be read.
            reply = _read_reply(connection, REPLY_AFTER_CLOSE, sample.abandoned)
            return Reply(text=reply.text, trouble=f"after {sent} of {sample.size} bytes: {error}")
        return _read_reply(connection, self._reply_timeout, sample.abandoned)

    def _pass(self, connection: socket.socket, sample: Sample, descriptor: int) -> Reply:
        there = os.fstat(descriptor).st_size
        if there != sample.size:
            return Reply(text="", trouble=f"the open file has {there} bytes, not {sample.size}")
        connection.settimeout(self._send_timeout)
        connection.sendall(b"zFILDES\0")
        # A message must have at least one byte to carry a descriptor (unix(7)).
        socket.send_fds(connection, [b"\0"], [descriptor])
        return _read_reply(connection, self._reply_timeout, sample.abandoned)


def _read_reply(connection: socket.socket, seconds: float, abandoned: Callable[[], bool] = lambda: False) -> Reply:
    """Read up to the NUL. Raise ``Abandoned``; other problems are reported in the reply."""
    deadline, reply = time.monotonic() + seconds, b""
    while not reply.endswith(b"\0"):
        left = deadline - time.monotonic()
        if left <= 0:
            return _incomplete(reply, f"no answer within {seconds:g} s")
        if abandoned():
            raise Abandoned
        connection.settimeout(min(left, _ASK_EVERY))
        try:
            piece = connection.recv(MAX_REPLY)
        except TimeoutError:
            continue
        except OSError as error:
            return _incomplete(reply, str(error))
        reply += piece
        if not piece or len(reply) > MAX_REPLY:
            return _incomplete(reply, "the connection was closed" if not piece else "the answer has no end")
    return Reply(text=reply[:-1].decode("utf-8", "replace"))


def _incomplete(reply: bytes, trouble: str) -> Reply:
    return Reply(text=reply[:MAX_REPLY].decode("utf-8", "replace"), trouble=trouble)


def _judge(reply: Reply, *, proof: str) -> ScanResult:
    """Return clean only if the reply matches ``proof``, a regular expression, and nothing went wrong before."""
    if match := _FOUND.fullmatch(reply.text):
        return _found(match["threat"])
    if reply.text == _TOO_LONG:
        return ScanResult(
            verdict=ScanVerdict.UNSCANNABLE, detail="clamd's StreamMaxLength is less than stream_max_length here"
        )
    if not reply.trouble and re.fullmatch(proof, reply.text):
        return ScanResult(verdict=ScanVerdict.CLEAN)
    detail = "; ".join(filter(None, (reply.trouble, f"clamd said {reply.text[:500]!r}")))
    return ScanResult(verdict=ScanVerdict.ERROR, detail=detail)


def _found(threat: str) -> ScanResult:
    if threat.startswith(_UNSCANNED):
        return ScanResult(verdict=ScanVerdict.UNSCANNABLE, threat=threat, detail="clamd did not scan all of it")
    return ScanResult(verdict=ScanVerdict.INFECTED, threat=threat)


def _date(text: str) -> datetime | None:
    """Parse ``Mon Nov 23 09:48:02 2026``, which is clamd's local time: exact enough for an age in days."""
    try:
        return datetime.strptime(text, "%a %b %d %H:%M:%S %Y").replace(tzinfo=UTC)
    except ValueError:
        return None
