from __future__ import annotations

import os
import socket
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from django_largefiles.scanners.base import Abandoned, Engine, Sample, ScanResult
from django_largefiles.scanners.clamav import MAX_REPLY, MAX_SIZE, ClamdScanner
from django_largefiles.scanners.selftest import archive_of_size, eicar, nested
from django_largefiles.states import ScanVerdict
from tests.scanners.clamd import MIB, Clamd, needs_clamd, running

CLEAN, INFECTED, UNSCANNABLE, ERROR = (
    ScanVerdict.CLEAN,
    ScanVerdict.INFECTED,
    ScanVerdict.UNSCANNABLE,
    ScanVerdict.ERROR,
)

VERSION = b"zVERSION\0"
INSTREAM = b"zINSTREAM\0"
FILDES = b"zFILDES\0"
OK = b"stream: OK\0"

Behaviour = Callable[[socket.socket], object]


def sample(content: bytes = b"content", **other: Any) -> Sample:
    pieces = [content[start : start + MIB] for start in range(0, len(content), MIB)]
    return Sample(**{"size": len(content), "chunks": pieces, **other})


@contextmanager
def listening(listener: socket.socket, behave: Behaviour) -> Iterator[None]:
    """``behave`` is called with each connection, which is closed after it."""

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                behave(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield
    listener.shutdown(socket.SHUT_RDWR)
    thread.join()


@contextmanager
def serving(behave: Behaviour, *, patience: float = 10) -> Iterator[ClamdScanner]:
    """A scanner whose clamd is ``behave``."""
    with socket.create_server(("127.0.0.1", 0)) as listener, listening(listener, behave):
        yield ClamdScanner(
            host="127.0.0.1", port=listener.getsockname()[1], send_timeout=patience, reply_timeout=patience
        )


@contextmanager
def serving_descriptors(behave: Behaviour) -> Iterator[ClamdScanner]:
    """The same, on this machine."""
    # Paths of sockets must be short: pytest's folders are not.
    with tempfile.TemporaryDirectory(prefix="clamd-") as folder, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{folder}/clamd.sock")
        listener.listen()
        with listening(listener, behave):
            yield ClamdScanner(socket=f"{folder}/clamd.sock", pass_descriptor=True, reply_timeout=10)


def read_stream(connection: socket.socket) -> bytes:
    """All that INSTREAM sends, without the lengths."""
    with connection.makefile("rb") as file:
        assert file.read(len(INSTREAM)) == INSTREAM
        content = b""
        while length := int.from_bytes(file.read(4)):
            content += file.read(length)
        return content


def reset_when_closed(connection: socket.socket) -> None:
    """As the connection of a process that is killed with bytes unread."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def answering(reply: bytes) -> Behaviour:
    def answer(connection: socket.socket) -> None:
        read_stream(connection)
        connection.sendall(reply)

    return answer


def verdict_of(behave: Behaviour, file: Sample | None = None) -> ScanResult:
    with serving(behave) as scanner:
        return scanner.scan(file or sample())


def test_every_byte_is_sent_in_its_order() -> None:
    came = []

    def answer(connection: socket.socket) -> None:
        came.append(read_stream(connection))
        connection.sendall(OK)

    content = bytes(range(256)) * 10_000
    assert verdict_of(answer, sample(content)).verdict == CLEAN
    assert came == [content]


@pytest.mark.parametrize(
    ("reply", "verdict", "threat"),
    [
        pytest.param(OK, CLEAN, "", id="clean"),
        pytest.param(b"stream: Win.Test.EICAR_HDB-1 FOUND\0", INFECTED, "Win.Test.EICAR_HDB-1", id="infected"),
        pytest.param(b"stream: OK FOUND\0", INFECTED, "OK", id="a threat called OK"),
        pytest.param(b"stream: a b: c FOUND\0", INFECTED, "a b: c", id="a threat of several words"),
        pytest.param(
            b"stream: Heuristics.Limits.Exceeded.MaxScanTime FOUND\0",
            UNSCANNABLE,
            "Heuristics.Limits.Exceeded.MaxScanTime",
            id="limits exceeded",
        ),
        pytest.param(
            b"stream: Heuristics.Encrypted.Zip FOUND\0", UNSCANNABLE, "Heuristics.Encrypted.Zip", id="encrypted"
        ),
        pytest.param(b"INSTREAM size limit exceeded. ERROR\0", UNSCANNABLE, "", id="longer than clamd takes"),
        pytest.param(b"stream: Can't allocate memory ERROR\0", ERROR, "", id="error"),
        pytest.param(b"UNKNOWN COMMAND\0", ERROR, "", id="unknown command"),
        pytest.param(b"", ERROR, "", id="empty"),
        pytest.param(b"\0", ERROR, "", id="only the end"),
        pytest.param(b"stream: OK", ERROR, "", id="without its end"),
        pytest.param(b"stream: OK\n", ERROR, "", id="another end"),
        pytest.param(b"stream: OK\0stream: OK\0", ERROR, "", id="twice"),
        pytest.param(b"fd[9]: OK\0", ERROR, "", id="of another command"),
        pytest.param(b" stream: OK\0", ERROR, "", id="something before"),
        pytest.param(b"stream: OK \0", ERROR, "", id="something behind"),
        pytest.param(b"stream: ok\0", ERROR, "", id="in another case"),
        pytest.param(b"1: stream: OK\0", ERROR, "", id="of a session"),
        pytest.param(b"\xff\xfe\0", ERROR, "", id="no text"),
    ],
)
def test_clean_is_exactly_one_reply(reply: bytes, verdict: ScanVerdict, threat: str) -> None:
    result = verdict_of(answering(reply))
    assert (result.verdict, result.threat) == (verdict, threat)
    assert bool(result.detail) == (verdict in {UNSCANNABLE, ERROR})


def test_a_flood_is_cut_off() -> None:
    sent = 0

    def flood(connection: socket.socket) -> None:
        nonlocal sent
        read_stream(connection)
        with suppress(OSError):
            while True:
                sent += connection.send(b"stream: OK " * 10_000)

    result = verdict_of(flood)
    assert (result.verdict, "no end" in result.detail) == (ERROR, True)
    assert len(result.detail) < 2 * MAX_REPLY
    # What the sockets' buffers take.
    assert sent < 100 * MIB


def test_a_reply_that_drips_is_not_waited_for() -> None:
    left = threading.Event()

    def drip(connection: socket.socket) -> None:
        read_stream(connection)
        with suppress(OSError):
            while not left.wait(0.05):
                connection.sendall(b".")

    with serving(drip, patience=0.5) as scanner:
        result = scanner.scan(sample())
        left.set()
    assert (result.verdict, "no answer within 0.5 s" in result.detail) == (ERROR, True)


def test_silence_is_an_error() -> None:
    left = threading.Event()
    with serving(lambda connection: left.wait(), patience=0.5) as scanner:
        result = scanner.scan(sample())
        left.set()
    assert (result.verdict, "no answer within 0.5 s" in result.detail) == (ERROR, True)


def test_a_clamd_that_does_not_read_is_an_error() -> None:
    left = threading.Event()
    with serving(lambda connection: left.wait(), patience=0.5) as scanner:
        # More than sockets buffer.
        result = scanner.scan(sample(bytes(24 * MIB)))
        left.set()
    assert (result.verdict, "timed out" in result.detail) == (ERROR, True)


def test_what_it_says_before_it_closes_is_heard() -> None:
    def refuse(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"INSTREAM size limit exceeded. ERROR\0")
        # As clamd does: the rest is not read.
        connection.shutdown(socket.SHUT_WR)

    assert verdict_of(refuse, sample(bytes(24 * MIB))).verdict == UNSCANNABLE


def test_ok_before_the_last_byte_is_not_clean() -> None:
    def hurry(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(OK)

    result = verdict_of(hurry, sample(bytes(24 * MIB)))
    assert (result.verdict, "of 25165824 bytes" in result.detail) == (ERROR, True)


@pytest.mark.parametrize("read", [1, 1000, 12 * MIB], ids=["at the first byte", "at the beginning", "in the middle"])
def test_a_connection_that_breaks_is_an_error(read: int) -> None:
    def die(connection: socket.socket) -> None:
        left = read
        while left > 0:
            left -= len(connection.recv(min(left, MIB)))
        reset_when_closed(connection)

    assert verdict_of(die, sample(bytes(24 * MIB))).verdict == ERROR


def test_a_reset_instead_of_a_reply_is_an_error() -> None:
    def die(connection: socket.socket) -> None:
        read_stream(connection)
        reset_when_closed(connection)

    result = verdict_of(die)
    assert (result.verdict, "reset" in result.detail) == (ERROR, True)


def test_a_closed_write_side_is_an_error() -> None:
    def half_close(connection: socket.socket) -> None:
        connection.shutdown(socket.SHUT_WR)
        read_stream(connection)

    result = verdict_of(half_close)
    assert (result.verdict, "closed" in result.detail) == (ERROR, True)


@pytest.mark.parametrize("size", [6, 8], ids=["more came", "less came"])
def test_bytes_that_do_not_add_up_are_an_error(size: int) -> None:
    result = verdict_of(answering(OK), sample(b"content", size=size))
    assert (result.verdict, result.detail) == (ERROR, f"7 of {size} bytes were read; clamd said ''")


@pytest.mark.parametrize(
    ("size", "limits"),
    [
        pytest.param(0, {}, id="empty"),
        pytest.param(11, {"stream_max_length": 10}, id="StreamMaxLength"),
        pytest.param(11, {"max_file_size": 10}, id="MaxFileSize"),
        pytest.param(11, {"max_scan_size": 10}, id="MaxScanSize"),
        pytest.param(
            MAX_SIZE + 1,
            dict.fromkeys(("stream_max_length", "max_file_size", "max_scan_size"), 2**40),
            id="what clamd can",
        ),
        pytest.param(25 * MIB + 1, {}, id="the default"),
    ],
)
def test_what_cannot_be_scanned_is_not_sent(size: int, limits: dict[str, int], tmp_path: Path) -> None:
    scanner = ClamdScanner(socket=str(tmp_path / "nobody"), **limits)
    result = scanner.scan(Sample(size=size, chunks=()))
    assert (result.verdict, bool(result.detail)) == (UNSCANNABLE, True)


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        pytest.param(b"fd[9]: OK\0", CLEAN, id="clean"),
        pytest.param(b"fd[12]: Eicar FOUND\0", INFECTED, id="infected"),
        pytest.param(b"stream: OK\0", ERROR, id="of another command"),
        pytest.param(b"fd[]: OK\0", ERROR, id="without a number"),
        pytest.param(b"fd[9]: OK", ERROR, id="without its end"),
        pytest.param(b"fd[9]: OK \0", ERROR, id="something behind"),
        pytest.param(b"No file descriptor received. ERROR\0", ERROR, id="error"),
        pytest.param(b"", ERROR, id="empty"),
    ],
)
def test_a_descriptor_is_passed(reply: bytes, verdict: ScanVerdict, tmp_path: Path) -> None:
    came: list[bytes] = []

    def answer(connection: socket.socket) -> None:
        assert connection.recv(len(FILDES)) == FILDES
        message, descriptors, _, _ = socket.recv_fds(connection, 10, 10)
        assert message == b"\0"
        (descriptor,) = descriptors
        came.append(os.pread(descriptor, 100, 0))
        os.close(descriptor)
        connection.sendall(reply)

    (tmp_path / "file").write_bytes(b"content")
    with serving_descriptors(answer) as scanner, (tmp_path / "file").open("rb") as file:
        given = sample(chunks=(), descriptor=file.fileno())
        assert not scanner.needs_bytes(given)
        assert scanner.scan(given).verdict == verdict
    assert came == [b"content"]


def test_a_descriptor_of_another_size_is_not_passed(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"another")
    with serving_descriptors(lambda connection: None) as scanner, (tmp_path / "file").open("rb") as file:
        result = scanner.scan(sample(size=8, chunks=(), descriptor=file.fileno()))
    assert (result.verdict, "7 bytes, not 8" in result.detail) == (ERROR, True)


def test_without_a_descriptor_the_bytes_are_sent() -> None:
    with serving_descriptors(answering(OK)) as scanner:
        assert scanner.needs_bytes(sample())
        assert scanner.scan(sample()).verdict == CLEAN


def test_unless_it_is_to_pass_descriptors_it_needs_bytes() -> None:
    assert ClamdScanner().needs_bytes(sample(descriptor=0))


def test_it_is_called_clamd() -> None:
    assert ClamdScanner().name == "clamd"


def test_descriptors_are_not_limited_as_streams_are() -> None:
    assert ClamdScanner(pass_descriptor=True, stream_max_length=10).max_size == 25 * MIB


@pytest.mark.parametrize(
    "options",
    [
        {"host": "localhost", "pass_descriptor": True},
        {"max_file_size": 0},
        {"stream_max_length": -1},
        {"reply_timeout": 0},
    ],
    ids=["a descriptor over TCP", "no size", "a negative size", "no time"],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must|needs"):
        ClamdScanner(**options)


@pytest.mark.parametrize("options", [{}, {"host": "127.0.0.1"}], ids=["Unix socket", "TCP"])
def test_where_nobody_listens_it_raises(options: dict[str, Any], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    scanner = ClamdScanner(socket=str(tmp_path / "nobody"), port=port, **options)
    with pytest.raises(OSError, match=r"refused|No such file"):
        scanner.scan(sample())
    with pytest.raises(OSError, match=r"refused|No such file"):
        scanner.engine()


def test_an_abandoned_scan_lets_go() -> None:
    abandoned, left = threading.Event(), threading.Event()

    def keep_waiting(connection: socket.socket) -> None:
        read_stream(connection)
        abandoned.set()
        left.wait()

    with serving(keep_waiting) as scanner:
        with pytest.raises(Abandoned):
            scanner.scan(sample(abandoned=abandoned.is_set))
        left.set()


@pytest.mark.parametrize(
    ("reply", "engine"),
    [
        pytest.param(
            b"ClamAV 1.4.3/27815/Mon Nov 23 09:48:02 2026\0",
            Engine(
                version="ClamAV 1.4.3", signatures="27815", signatures_at=datetime(2026, 11, 23, 9, 48, 2, tzinfo=UTC)
            ),
            id="with signatures",
        ),
        pytest.param(
            b"ClamAV 1.4.3/27815/yesterday\0", Engine(version="ClamAV 1.4.3", signatures="27815"), id="without a date"
        ),
        pytest.param(b"ClamAV 1.4.3\0", Engine(version="ClamAV 1.4.3"), id="without signatures of its own"),
    ],
)
def test_the_engine_tells_its_version(reply: bytes, engine: Engine) -> None:
    def answer(connection: socket.socket) -> None:
        assert connection.recv(1000) == VERSION
        connection.sendall(reply)

    with serving(answer) as scanner:
        assert scanner.engine() == engine


@pytest.mark.parametrize("reply", [b"", b"PONG\0", b"ClamAV 1.4.3", b"x" * 2 * MAX_REPLY])
def test_a_version_that_is_none_is_an_error(reply: bytes) -> None:
    def answer(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(reply)

    with serving(answer) as scanner, pytest.raises(ConnectionError, match="answered VERSION with"):
        scanner.engine()


@pytest.mark.parametrize(
    ("options", "told"),
    [({}, 0), ({"host": "localhost"}, 0), ({"host": "scanner.example.com"}, 1)],
    ids=["Unix socket", "this machine", "another"],
)
def test_the_network_is_warned_of(options: dict[str, Any], told: int) -> None:
    assert len(ClamdScanner(**options).check()) == told


TRANSPORTS = pytest.mark.parametrize("transport", ["unix", "tcp", "descriptor"])


def scan(clamd: Clamd, transport: str, content: bytes, tmp_path: Path, **options: Any) -> ScanResult:  # needs_clamd
    if transport == "tcp":
        return clamd.scanner(host="127.0.0.1", port=clamd.port, **options).scan(sample(content))
    if transport == "unix":
        return clamd.scanner(**options).scan(sample(content))
    (tmp_path / "file").write_bytes(content)
    with (tmp_path / "file").open("rb") as file:
        given = sample(content, chunks=(), descriptor=file.fileno())
        return clamd.scanner(pass_descriptor=True, **options).scan(given)


def archive(size: int) -> bytes:  # needs_clamd
    file = BytesIO()
    archive_of_size(size, file)
    return file.getvalue()


LARGER = {"stream_max_length": 2**40, "max_file_size": 2**40, "max_scan_size": 2**40}
"""Limits that clamd does not have: ours are wrong then, and must not make anything clean."""


@needs_clamd
class TestRealClamd:  # needs_clamd
    @TRANSPORTS
    def test_clean(self, clamd: Clamd, transport: str, tmp_path: Path) -> None:
        assert scan(clamd, transport, b"harmless", tmp_path) == ScanResult(verdict=CLEAN)

    @TRANSPORTS
    def test_infected(self, clamd: Clamd, transport: str, tmp_path: Path) -> None:
        result = scan(clamd, transport, eicar(), tmp_path)
        assert (result.verdict, result.threat) == (INFECTED, "Eicar-Test-Signature.UNOFFICIAL")

    @TRANSPORTS
    def test_infected_at_the_limit(self, clamd: Clamd, transport: str, tmp_path: Path) -> None:
        assert scan(clamd, transport, archive(3 * MIB), tmp_path).verdict == INFECTED

    @TRANSPORTS
    def test_above_the_limit(self, clamd: Clamd, transport: str, tmp_path: Path) -> None:
        assert scan(clamd, transport, archive(3 * MIB + 1), tmp_path).verdict == UNSCANNABLE

    @TRANSPORTS
    def test_above_a_limit_of_files_that_we_were_not_told(self, clamd: Clamd, transport: str, tmp_path: Path) -> None:
        result = scan(clamd, transport, archive(3 * MIB + 1), tmp_path, **LARGER)
        assert (result.verdict, result.threat) == (UNSCANNABLE, "Heuristics.Limits.Exceeded.MaxFileSize")

    @pytest.mark.parametrize("transport", ["unix", "tcp"])
    def test_above_a_limit_of_streams_that_we_were_not_told(
        self, clamd: Clamd, transport: str, tmp_path: Path
    ) -> None:
        result = scan(clamd, transport, bytes(24 * MIB), tmp_path, **LARGER)
        assert (result.verdict, "StreamMaxLength" in result.detail) == (UNSCANNABLE, True)

    @TRANSPORTS
    def test_nested_too_deep(self, clamd: Clamd, transport: str, tmp_path: Path) -> None:
        assert scan(clamd, transport, nested(eicar()), tmp_path).verdict == UNSCANNABLE

    @pytest.mark.parametrize(
        ("alert", "verdict"), [("yes", UNSCANNABLE), ("no", CLEAN)], ids=["with AlertExceedsMax", "without"]
    )
    def test_above_the_limit_of_what_is_scanned(self, alert: str, verdict: ScanVerdict, tmp_path: Path) -> None:
        # Without it clamd says OK: that we know its limit is all that keeps the file from being called clean.
        with running(MaxScanSize=2 * MIB, AlertExceedsMax=alert) as clamd:
            content = archive(2 * MIB + 1)
            assert scan(clamd, "unix", content, tmp_path).verdict == verdict
            assert scan(clamd, "unix", content, tmp_path, max_scan_size=2 * MIB).verdict == UNSCANNABLE

    def test_the_version_is_told(self, clamd: Clamd) -> None:
        assert clamd.scanner().engine().version.startswith("ClamAV ")

    def test_a_file_without_a_descriptor_is_streamed(self, clamd: Clamd) -> None:
        scanner = clamd.scanner(pass_descriptor=True)
        assert scanner.needs_bytes(sample())
        assert scanner.scan(sample(eicar())).verdict == INFECTED

    def test_deaf(self, clamd: Clamd) -> None:
        with clamd.stopped():
            assert clamd.scanner(reply_timeout=0.5).scan(sample()).verdict == ERROR

    def test_deaf_in_the_middle(self, clamd: Clamd) -> None:
        def chunks() -> Iterator[bytes]:
            yield bytes(MIB)
            with clamd.stopped():
                yield bytes(MIB)
                yield bytes(MIB)

        result = clamd.scanner(send_timeout=0.5, reply_timeout=0.5).scan(Sample(size=3 * MIB, chunks=chunks()))
        assert result.verdict == ERROR

    def test_killed_in_the_middle(self) -> None:
        with running() as clamd:

            def chunks() -> Iterator[bytes]:
                yield bytes(MIB)
                clamd.kill()
                yield bytes(MIB)

            result = clamd.scanner().scan(Sample(size=2 * MIB, chunks=chunks()))
        assert (result.verdict, "of 2097152 bytes" in result.detail) == (ERROR, True)

    def test_killed_before_it_answers(self) -> None:
        with running() as clamd:

            def chunks() -> Iterator[bytes]:
                yield bytes(MIB)
                with clamd.stopped():
                    clamd.kill()

            assert clamd.scanner().scan(Sample(size=MIB, chunks=chunks())).verdict == ERROR
