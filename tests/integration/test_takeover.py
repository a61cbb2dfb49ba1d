"""A connection that hangs, or that nobody waits for any more, does not keep its upload from the client's next one."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from hashlib import sha256

import pytest

from django_largefiles.options import GIB, KIB, MIB
from example_project.processes import Server
from tests.integration.conftest import ANYTHING, Example
from tests.integration.resumable import DRAFT, TUS, Answer, Connection, Dialect, Upload

pytestmark = pytest.mark.integration

PATIENCE = 3.0
"""Seconds: more than that no client waits for any answer in here."""

OLD, NEW = b"old " * (MIB // 4), b"new " * (MIB // 4)
dialects = pytest.mark.parametrize("dialect", [TUS, DRAFT], ids=["tus", "draft"])


def take_over(upload: Upload, body: bytes) -> tuple[int, Answer]:
    """Where the new connection begins, and what it is answered."""
    offset = upload.ask(patience=PATIENCE).offset
    return offset, upload.append(offset, body, patience=PATIENCE)


def stored_sha256(example: Example) -> str:
    [name] = example.stored()
    return sha256((example.media / name).read_bytes()).hexdigest()


def fenced_off(connection: Connection, body: bytes) -> bool:
    """Whether what comes late is refused. Of a body that it does not read on, a server may reset the connection."""
    try:
        connection.send(body)
        return connection.answer().status == 423
    except (BrokenPipeError, ConnectionResetError):  # pragma: no cover
        return True


def told(connection: Connection, body: bytes) -> bool:
    return connection.answer().status == 423


def ended(connection: Connection, body: bytes) -> bool:
    return connection.is_ended(patience=PATIENCE)


@dialects
@pytest.mark.parametrize(
    ("kind", "is_over"),
    [
        pytest.param("gunicorn", ended, id="gunicorn ends it"),
        pytest.param("granian-wsgi", fenced_off, id="granian's WSGI fences it off"),
        pytest.param("uvicorn", told, id="uvicorn answers"),
        pytest.param("granian", told, id="granian answers"),
    ],
)
def test_a_silent_connection_is_taken_over(
    kind: str,
    is_over: Callable[[Connection, bytes], bool],
    dialect: Dialect,
    example: Example,
    wait_for: Callable[..., None],
    record_property: Callable[[str, object], None],
) -> None:
    server = example.server(kind=kind, env=ANYTHING)
    upload = Upload.create(server, 4 * MIB, dialect)
    upload.append(0, OLD)
    with Connection(server) as silent:
        silent.send(upload.append_head(silent, MIB, 3 * MIB) + OLD + OLD[MIB // 2 :])
        wait_for(lambda: example.incoming() > MIB)
        started = time.monotonic()
        offset, answer = take_over(upload, NEW)
        record_property("seconds to take over", time.monotonic() - started)
        assert (offset, answer.status, answer.offset) == (MIB, 204, 2 * MIB)

        assert is_over(silent, OLD + OLD[MIB // 2 :])
    assert upload.append(2 * MIB, NEW + NEW).status in {201, 204}
    assert stored_sha256(example) == sha256(OLD + 3 * NEW).hexdigest()


def pump(connection: Connection) -> None:
    """Send at full speed, until the server hangs up."""
    with suppress(OSError):
        while True:
            connection.send(OLD[: 64 * KIB])


@pytest.mark.parametrize("kind", ["gunicorn", "granian-wsgi", "uvicorn", "granian"])
def test_a_client_that_keeps_sending_is_taken_over_and_hung_up_on(
    kind: str, example: Example, wait_for: Callable[..., None], record_property: Callable[[str, object], None]
) -> None:
    server = example.server(kind=kind, env=ANYTHING)
    upload = Upload.create(server, None)
    upload.append(0, OLD)
    with Connection(server) as busy, ThreadPoolExecutor() as pool:
        busy.send(upload.append_head(busy, MIB, GIB))
        pumping = pool.submit(pump, busy)
        wait_for(lambda: example.incoming() > 2 * MIB)
        started = time.monotonic()
        offset, answer = take_over(upload, NEW)
        record_property("seconds to take over", time.monotonic() - started)
        # What came while the heart beat counts too.
        assert (offset >= MIB, answer.status, answer.offset) == (True, 204, offset + MIB)
        pumping.result(timeout=60)
    assert finish(server, upload, offset + MIB) == 204
    assert stored_sha256(example) == sha256((OLD * (offset // MIB + 1))[:offset] + NEW).hexdigest()


def finish(server: Server, upload: Upload, size: int) -> int:
    headers = {**TUS.append(size, last=True), "Upload-Length": size}
    with Connection(server) as connection:
        return connection.request("PATCH", upload.path, headers).status


ONE_PROCESS = pytest.param("gunicorn", [], id="gunicorn")
TWO_PROCESSES = pytest.param("gunicorn", ["--workers", "2"], id="gunicorn with two processes")


def half_open(server: Server, upload: Upload) -> Connection:
    """A ``PATCH`` of which 4 KiB are sent, and no more."""
    connection = Connection(server)
    connection.send(upload.append_head(connection, 0, 8 * MIB) + bytes(4 * KIB))
    return connection


def seconds_of(call: Callable[[], object]) -> float:
    started = time.monotonic()
    call()
    return time.monotonic() - started


@pytest.mark.parametrize(
    ("kind", "options"),
    [ONE_PROCESS, TWO_PROCESSES, pytest.param("uvicorn", [], id="uvicorn"), pytest.param("granian", [], id="granian")],
)
def test_a_hundred_takeovers_in_a_row_keep_no_one_waiting(
    kind: str, options: list[str], example: Example, record_property: Callable[[str, object], None]
) -> None:
    server = example.server(kind=kind, options=options, env=ANYTHING)
    # The first request of a process loads the project.
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(home_page, [server] * 16))
    upload = Upload.create(server, 8 * MIB)
    usual = [seconds_of(lambda: home_page(server)) for _ in range(100)]
    waits = list[float]()
    with ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(half_open(server, upload))
            waits += [seconds_of(upload.ask), seconds_of(lambda: home_page(server))]
        assert upload.append(0, bytes(8 * MIB)).status == 204
    record_property("longest wait in seconds", max(waits))
    assert max(waits) < 1 + max(usual)


def home_page(server: Server) -> None:
    with Connection(server) as connection:
        assert connection.request("GET", "/", {}).status == 200


@pytest.mark.parametrize(("kind", "options"), [ONE_PROCESS, TWO_PROCESSES])
def test_the_connection_that_was_taken_over_is_ended_by_any_process(
    kind: str, options: list[str], example: Example, wait_for: Callable[..., None]
) -> None:
    server = example.server(kind=kind, options=options, env=ANYTHING)
    upload = Upload.create(server, 8 * MIB)

    def holding() -> Connection:
        before = example.leases()
        connection = stack.enter_context(half_open(server, upload))
        wait_for(lambda: example.leases() != before)
        return connection

    with ExitStack() as stack:
        holder = holding()
        for _ in range(10):
            later = holding()
            assert holder.is_ended(patience=PATIENCE)
            holder = later
