"""What a large upload costs: memory, writes, reads, and what a refusal costs."""

from __future__ import annotations

import http.client
import json
import select
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from django_largefiles.options import GIB, KIB, MIB
from example_project import samples
from example_project.memory import MemoryWatch
from example_project.processes import Server
from tests.conftest import EXECUTABLE
from tests.integration.conftest import Example, client_of, io_counters
from tests.multipart import CONTENT_TYPE, END, file

pytestmark = pytest.mark.integration

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is not there: Linux only")


def family(pid: int) -> list[int]:
    return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]


@linux
@pytest.mark.timeout(170)
@pytest.mark.parametrize("kind", ["gunicorn", "uvicorn"])
def test_two_gibibytes_cost_no_memory_are_written_once_and_not_read_again(
    kind: str, example: Example, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    server, worker = example.server(kind=kind), example.worker()
    client = client_of(server)
    warm = client.upload(samples.photograph(tmp_path).path, media_type="image/jpeg")
    client.wait_until_settled(warm.body["id"], patience=60)
    film = samples.film(tmp_path)

    written_before, read_before = io_counters(family(server.pid), "wchar"), io_counters(family(worker.pid), "rchar")
    with MemoryWatch(server.pid) as web, MemoryWatch(worker.pid) as work:
        answer = client.upload(film.path, media_type="video/mp4")
        assert answer.status == 201
        asset = client.wait_until_settled(answer.body["id"], patience=60)
    written = io_counters(family(server.pid), "wchar") - written_before
    # Of a child that has ended the kernel counts the reads with its parent's.
    read = io_counters(family(worker.pid), "rchar") - read_before

    assert (asset["state"], asset["size"], asset["sha256"]) == ("ready", film.size, film.sha256())
    assert (asset["width"], asset["height"]) == (640, 360)
    assert film.size == 2 * GIB
    record_property("rise of the web server, MiB", web.rise / MIB)
    record_property("rise of the worker, MiB", work.rise / MIB)
    record_property("written / size", written / film.size)
    record_property("read by the worker, MiB", read / MIB)
    assert web.rise < 32 * MIB
    assert work.rise < 32 * MIB
    assert written <= 1.05 * film.size
    assert read < 64 * MIB


class SlowSender:
    """Sends a form a little at a time and listens in between: the server has read no more than was sent."""

    def __init__(self, server: Server, *, declared: int) -> None:
        self.sent = 0
        self._socket = socket.create_connection((server.host, server.port), timeout=30)
        self._socket.sendall(
            f"POST /api/assets/ HTTP/1.1\r\nHost: {server.host}\r\nContent-Type: {CONTENT_TYPE}\r\n"
            f"Content-Length: {declared}\r\n\r\n".encode()
        )

    def send(self, body: Iterator[bytes], *, patience: float) -> None:
        """Up to the answer; ``patience`` seconds are left for it after each piece."""
        for piece in body:
            self._socket.sendall(piece)
            self.sent += len(piece)
            if select.select([self._socket], [], [], patience)[0]:
                return

    def answer(self) -> tuple[int, dict[str, Any]]:
        response = http.client.HTTPResponse(self._socket)
        response.begin()
        return response.status, json.loads(response.read())

    def close(self) -> None:
        self._socket.close()


def pieces(head: bytes, size: int, *, piece: int = 16 * KIB) -> Iterator[bytes]:
    yield head
    for _ in range(size // piece):
        yield bytes(piece)


@pytest.mark.parametrize("kind", ["gunicorn", "uvicorn", "granian"])
def test_an_executable_named_png_is_refused_after_less_than_512_kib(kind: str, example: Example) -> None:
    server = example.server(kind=kind)
    sender = SlowSender(server, declared=GIB)
    sender.send(pieces(file(EXECUTABLE)[:-2], GIB), patience=0.2)
    status, problem = sender.answer()
    sender.close()
    assert (status, problem["code"]) == (415, "type_not_allowed")
    assert sender.sent < 512 * KIB
    assert (example.stored(), example.column("id")) == ([], [])


@pytest.mark.parametrize("kind", ["gunicorn", "granian-wsgi", "uvicorn", "granian"])
def test_a_client_that_sends_at_full_speed_still_hears_why(kind: str, example: Example, tmp_path: Path) -> None:
    server = example.server(kind=kind)
    fraud = tmp_path / "photo.png"
    fraud.write_bytes(EXECUTABLE)
    with fraud.open("r+b") as content:
        content.truncate(GIB)
    for _ in range(5):
        answer = client_of(server).upload(fraud, media_type="image/png")
        assert (answer.status, answer.body["code"]) == (415, "type_not_allowed")
    assert (example.stored(), example.column("id")) == ([], [])


def test_too_large_is_refused_from_the_headers_alone(example: Example) -> None:
    server = example.server(env={"EXAMPLE_MAX_UPLOAD_SIZE": str(MIB)})
    sender = SlowSender(server, declared=GIB)
    status, problem = sender.answer()
    sender.close()
    assert (status, problem["code"], problem["limit"]) == (413, "too_large", MIB)
    assert sender.sent == 0
    assert (example.stored(), example.column("id")) == ([], [])


def test_a_length_that_lies_is_refused_at_the_limit(example: Example, tmp_path: Path) -> None:
    server = example.server(env={"EXAMPLE_MAX_UPLOAD_SIZE": str(MIB), "EXAMPLE_ALLOWED_MIME_TYPES": "*/*"})
    liar = tmp_path / "data.bin"
    liar.write_bytes(bytes(MIB + 1))
    answer = client_of(server).upload(liar, media_type="application/octet-stream")
    assert (answer.status, answer.body["code"]) == (413, "too_large")
    assert (example.stored(), example.column("id")) == ([], [])


def test_a_client_that_goes_away_leaves_nothing(example: Example, wait_for: Any) -> None:
    server = example.server(env={"EXAMPLE_ALLOWED_MIME_TYPES": "*/*"})
    sender = SlowSender(server, declared=GIB)
    sender.send(pieces(file(b"", filename="data.bin")[:-2], 4 * MIB), patience=0)
    wait_for(example.stored)
    sender.close()
    wait_for(lambda: not example.stored() and not example.column("id"))


@linux
@pytest.mark.parametrize("kind", ["gunicorn", "uvicorn"])
def test_a_download_costs_no_memory(kind: str, example: Example, tmp_path: Path) -> None:
    anything = {"EXAMPLE_ALLOWED_MIME_TYPES": "*/*"}
    server = example.server(kind=kind, env=anything)
    example.worker(env=anything)
    large = tmp_path / "data.bin"
    with large.open("wb") as content:
        content.truncate(256 * MIB)
    client = client_of(server)
    asset = client.upload(large, media_type="application/octet-stream").body
    assert client.wait_until_settled(asset["id"], patience=60)["state"] == "ready"
    client.download_sha256(asset["id"])
    with MemoryWatch(server.pid) as web:
        assert client.download_sha256(asset["id"]) == asset["sha256"]
    assert web.rise < 32 * MIB


def test_a_body_that_ends_without_its_closing_boundary_leaves_nothing(example: Example) -> None:
    server = example.server(env={"EXAMPLE_ALLOWED_MIME_TYPES": "*/*"})
    body = file(bytes(MIB), filename="data.bin")[: -len(END)]
    sender = SlowSender(server, declared=len(body))
    sender.send(iter([body]), patience=30)
    status, problem = sender.answer()
    sender.close()
    assert (status, problem["code"]) == (400, "incomplete_body")
    assert (example.stored(), example.column("id")) == ([], [])
