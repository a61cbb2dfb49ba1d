from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpResponse

from django_largefiles.options import KIB, MIB
from django_largefiles.transport import lingering
from django_largefiles.transport.lingering import KEPT_ALIVE, LINGER_BYTES, LINGERING, linger
from django_largefiles.transport.sockets import GRANIAN
from tests.transport.conftest import Pair

# Closing an answer tells Django that the request has ended, which looks at the connections of databases.
pytestmark = pytest.mark.django_db


class Input:
    """A body of ``length`` bytes, as gunicorn reads it from its socket."""

    def __init__(self, connection: socket.socket, length: int) -> None:
        self._connection = connection
        self._left = length

    def read(self, size: int) -> bytes:
        data = self._connection.recv(min(size, self._left)) if self._left else b""
        self._left -= len(data)
        return data


def refuse(pair: Pair, length: int, *, status: int = 415, **more: Any) -> None:
    """Answer a request with a body of ``length`` bytes, of which none was read."""
    response = HttpResponse(status=status)
    meta = {"SERVER_PROTOCOL": "HTTP/1.1", "CONTENT_LENGTH": str(length), "wsgi.input": Input(pair.ours, length)}
    linger({**pair.meta, **meta, **more}, response)
    pair.ours.sendall(b"answer")
    response.close()


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lingering, "LINGER_SECONDS", 0.05)


@pytest.fixture
def crowd() -> Iterator[None]:
    """As many requests as may wait do."""
    for _ in range(LINGERING):
        assert lingering._places.acquire(blocking=False)
    yield
    for _ in range(LINGERING):
        lingering._places.release()


def is_open(pair: Pair) -> bool:
    pair.ours.sendall(b"next answer")
    return pair.theirs.recv(100).endswith(b"next answer")


def test_a_short_rest_is_dropped_and_the_connection_kept(tcp: Pair) -> None:
    tcp.theirs.sendall(bytes(1000))
    refuse(tcp, 1000)
    assert is_open(tcp)


@pytest.mark.usefixtures("hurry")
def test_of_a_long_rest_the_connection_is_closed_after_the_answer(tcp: Pair) -> None:
    tcp.theirs.settimeout(None)
    tcp.theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KEPT_ALIVE)
    tcp.theirs.setblocking(False)
    tcp.theirs.send(bytes(KEPT_ALIVE))
    tcp.theirs.setblocking(True)
    refuse(tcp, 10 * LINGER_BYTES)
    assert tcp.theirs.recv(100) == b"answer"
    assert tcp.theirs.recv(100) == b""


@pytest.mark.usefixtures("hurry")
def test_a_client_that_falls_silent_is_not_waited_for_long(tcp: Pair) -> None:
    tcp.theirs.sendall(bytes(100))
    refuse(tcp, 1000)
    assert tcp.theirs.recv(100) == b"answer"
    assert tcp.theirs.recv(100) == b""


@pytest.mark.usefixtures("crowd")
def test_in_a_crowd_nobody_is_waited_for(tcp: Pair) -> None:
    began = time.monotonic()
    refuse(tcp, 1000)
    assert time.monotonic() - began < lingering.LINGER_SECONDS
    assert tcp.theirs.recv(100) == b"answer"
    assert tcp.theirs.recv(100) == b""


@pytest.mark.usefixtures("crowd")
def test_in_a_crowd_what_has_come_is_dropped(tcp: Pair) -> None:
    tcp.theirs.sendall(bytes(1000))
    refuse(tcp, 1000)
    assert is_open(tcp)


def test_a_trickle_ends_with_the_time(tcp: Pair) -> None:
    deadline = lingering._Deadline(tcp.ours, 10.0)
    deadline.look(9.9)
    assert is_open(tcp)
    deadline.look(10.0)
    assert tcp.ours.recv(1) == b""


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"status": 204}, id="no refusal"),
        pytest.param({"CONTENT_LENGTH": ""}, id="no body"),
        pytest.param({"SERVER_PROTOCOL": "HTTP/2.0"}, id="HTTP/2"),
        pytest.param({"gunicorn.socket": None}, id="no socket"),
    ],
)
def test_nothing_is_read_of_other_requests(more: dict[str, Any], tcp: Pair) -> None:
    tcp.theirs.sendall(b"rest")
    refuse(tcp, 64 * KIB, **more)
    assert tcp.ours.recv(100) == b"rest"


class Body:
    """A body under granian, of which ``silent`` is the end of what comes."""

    def __init__(self, length: int, *, silent: bool = False) -> None:
        self.left = length
        self.gone = threading.Event()
        self._silent = silent

    def read(self, size: int) -> bytes:
        if self._silent and not self.left:
            self.gone.wait(20)
        data = bytes(min(size, self.left))
        self.left -= len(data)
        return data


def refuse_under_granian(body: Body) -> None:
    response = HttpResponse(status=415)
    meta = {"SERVER_PROTOCOL": "HTTP/1.1", "SERVER_SOFTWARE": GRANIAN, "CONTENT_LENGTH": "1", "wsgi.input": body}
    linger(meta, response)
    response.close()


def test_under_granian_the_rest_is_dropped_before_the_answer_ends() -> None:
    body = Body(3 * MIB)
    refuse_under_granian(body)
    assert body.left == 0


def test_under_granian_a_client_that_sends_on_is_held_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lingering, "DROPPED_AT_ONCE", MIB)
    monkeypatch.setattr(lingering, "LINGER_BYTES", 2 * MIB)
    monkeypatch.setattr(lingering, "DROP_PAUSE", 0)
    body = Body(3 * MIB)
    refuse_under_granian(body)
    assert body.left == MIB


@pytest.mark.usefixtures("hurry")
def test_under_granian_a_silent_client_keeps_a_thread_of_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lingering, "_readers", threading.BoundedSemaphore(1))
    silent, later = Body(1000, silent=True), Body(1000)
    refuse_under_granian(silent)
    refuse_under_granian(later)
    assert (silent.left, later.left) == (0, 1000)
    silent.gone.set()
    assert lingering._readers.acquire(timeout=20)


@pytest.mark.usefixtures("crowd")
def test_under_granian_in_a_crowd_nobody_is_waited_for() -> None:
    body = Body(1000)
    refuse_under_granian(body)
    assert body.left == 1000
