"""Clients that send or take nothing, or next to nothing, give the threads of the server back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from hashlib import sha256
from pathlib import Path
from threading import Event, Thread

import pytest

from django_largefiles.options import KIB, MIB
from example_project.processes import Server
from tests.integration.conftest import ANYTHING, Example, client_of
from tests.integration.resumable import Connection, Upload
from tests.integration.slow import SlowDownload
from tests.integration.test_asgi import descriptors
from tests.multipart import CONTENT_TYPE, file

pytestmark = pytest.mark.integration

THREADS = 8
LARGE = 64 * MIB
LIMIT = 2.0
"""``BODY_TIMEOUT`` in ``impatient_settings``, in seconds."""

Begin = Callable[[Connection], bytes]
"""Returns a request that is not whole."""


IMPATIENT = {**ANYTHING, "DJANGO_SETTINGS_MODULE": "tests.integration.impatient_settings"}


@pytest.fixture
def server(example: Example) -> Server:
    return example.server(env=IMPATIENT)


def seconds_until_served(server: Server) -> float:
    began = time.monotonic()
    with Connection(server) as connection:
        assert connection.request("GET", "/", {}).status == 200
    return time.monotonic() - began


def json(connection: Connection) -> bytes:
    head = connection.head("POST", "/api/direct-uploads/", {"Content-Type": "application/json"}, length=1000)
    return head + b'{"name": '


def form(connection: Connection) -> bytes:
    head = connection.head("POST", "/api/assets/", {"Content-Type": CONTENT_TYPE}, length=MIB)
    return head + file(bytes(KIB))


@pytest.mark.parametrize("begin", [json, form])
def test_half_sent_bodies_are_answered_after_the_limit(
    begin: Begin, server: Server, record_property: Callable[[str, object], None]
) -> None:
    with ExitStack() as stack:
        silent = [stack.enter_context(Connection(server)) for _ in range(12)]
        for connection in silent:
            connection.send(begin(connection))
        waited = seconds_until_served(server)
        record_property("seconds that 12 of them held 8 threads", waited)
        assert waited < 2 * LIMIT + 2
        answers = [connection.answer("POST") for connection in silent]
    assert {answer.status for answer in answers} == {408}
    assert all(b"too_slow" in answer.body for answer in answers)


@pytest.fixture
def trickle() -> Iterator[Callable[[Connection], None]]:
    """Lets a byte follow five times a second."""
    stop, threads = Event(), list[Thread]()

    def send(connection: Connection) -> None:
        with suppress(OSError):
            while not stop.wait(0.2):
                connection.send(b"x")

    def begin(connection: Connection) -> None:
        threads.append(Thread(target=send, args=[connection]))
        threads[-1].start()

    yield begin
    stop.set()
    for thread in threads:
        thread.join()


def test_a_trickle_ends_as_silence_does(
    server: Server, trickle: Callable[[Connection], None], record_property: Callable[[str, object], None]
) -> None:
    with ExitStack() as stack:
        for begin in [json, form] * (THREADS // 2):
            connection = stack.enter_context(Connection(server))
            connection.send(begin(connection))
            trickle(connection)
        waited = seconds_until_served(server)
    record_property("seconds that 8 of them held 8 threads", waited)
    assert waited < 2 * LIMIT + 2


def test_what_trickled_into_an_upload_is_kept(server: Server, trickle: Callable[[Connection], None]) -> None:
    upload = Upload.create(server, MIB)
    with Connection(server) as connection:
        connection.send(upload.append_head(connection, 0, MIB) + bytes(100 * KIB))
        trickle(connection)
        answer = connection.answer()
    assert answer.status == 204
    assert answer.offset >= 100 * KIB
    assert upload.append(answer.offset, bytes(MIB - answer.offset)).offset == MIB


def test_a_client_that_keeps_the_rate_may_take_its_time(server: Server) -> None:
    upload, pieces = Upload.create(server, 96 * KIB), Event()
    with Connection(server) as connection:
        connection.send(upload.append_head(connection, 0, 96 * KIB))
        for _ in range(24):
            connection.send(bytes(4 * KIB))
            pieces.wait(0.25)
        assert connection.answer().offset == 96 * KIB


@pytest.fixture
def download(server: Server, tmp_path: Path) -> str:
    return download_of(server, tmp_path)


def download_of(server: Server, tmp_path: Path) -> str:
    """Return the path of a file that is larger than the buffers between a server and its client."""
    large = tmp_path / "data.bin"
    with large.open("wb") as content:
        content.truncate(LARGE)
    asset = client_of(server).upload(large, media_type="application/octet-stream").body
    assert asset["state"] == "ready"
    return f"/files/assets/{asset['id']}/download/"


@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=1-"}], ids=["whole", "range"])
def test_downloads_that_nobody_reads_are_cut_off(
    headers: dict[str, object], server: Server, download: str, record_property: Callable[[str, object], None]
) -> None:
    with ExitStack() as stack:
        for _ in range(THREADS):
            connection = stack.enter_context(Connection(server))
            connection.send(connection.head("GET", download, headers))
        waited = seconds_until_served(server)
    record_property("seconds that 8 of them held 8 threads", waited)
    assert waited < 2 * LIMIT + 2


def media_files(server: Server, example: Example) -> list[str]:
    """Return the stored files that the server has open."""
    return [link for link in descriptors(server) if link.startswith(str(example.media))]


@pytest.mark.parametrize("kind", ["uvicorn", "granian", "gunicorn-asgi", "hypercorn"])
def test_under_asgi_downloads_that_nobody_reads_end(
    kind: str, example: Example, tmp_path: Path, wait_for: Callable[..., None]
) -> None:
    server = example.server(kind=kind, env={**IMPATIENT, "MINIMUM_RATE": str(256 * KIB)})
    path = download_of(server, tmp_path)
    with ExitStack() as stack:
        connections = [stack.enter_context(Connection(server)) for _ in range(THREADS)]
        for connection in connections:
            connection.send(connection.head("GET", path, {}))
        wait_for(lambda: len(media_files(server, example)) == THREADS)
        wait_for(lambda: not media_files(server, example))
        assert all(0 < connection.bytes_until_closed() < LARGE for connection in connections)


def test_under_asgi_a_client_that_keeps_the_rate_may_take_its_time(example: Example, tmp_path: Path) -> None:
    server, pieces = example.server(kind="uvicorn", env=IMPATIENT), Event()
    path = download_of(server, tmp_path)
    with SlowDownload(server, path.split("/")[-3]) as download:
        for _ in range(16):
            assert download.read(64 * KIB) == 64 * KIB
            pieces.wait(0.25)
        assert download.finish() == sha256(bytes(LARGE)).hexdigest()
