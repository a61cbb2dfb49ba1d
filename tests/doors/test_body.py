from __future__ import annotations

import asyncio
import socket
from datetime import timedelta
from io import BytesIO
from threading import Event as ThreadEvent
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from django.http import UnreadablePostError

from django_largefiles.doors import body as body_module
from django_largefiles.doors.body import FIRST_READ, Body, body_length, content_length, required_length, trailer
from django_largefiles.exceptions import (
    IncompleteBody,
    LengthRequired,
    MalformedBody,
    MalformedRequest,
    TooLarge,
    TooSlow,
)
from django_largefiles.transport.live_body import LiveBody
from tests.conftest import Largefiles
from tests.multipart import CountingBody

WSGI = {"wsgi.version": (1, 0), "SERVER_PROTOCOL": "HTTP/1.1"}
HTTP_2 = {**WSGI, "SERVER_PROTOCOL": "HTTP/2.0", "wsgi.input_terminated": True}
CHUNKED = {**WSGI, "HTTP_TRANSFER_ENCODING": "chunked"}


def body(content: bytes, length: int | None = None) -> Body:
    return Body(BytesIO(content), {"CONTENT_LENGTH": str(len(content) if length is None else length)})


@pytest.mark.parametrize(
    ("meta", "length"),
    [
        pytest.param({}, None, id="absent"),
        pytest.param({"CONTENT_LENGTH": ""}, None, id="empty"),
        pytest.param({"CONTENT_LENGTH": "0"}, 0, id="zero"),
        pytest.param({"CONTENT_LENGTH": "9" * 19}, int("9" * 19), id="19 digits"),
    ],
)
def test_content_length(meta: dict[str, str], length: int | None) -> None:
    assert content_length(meta) == length


@pytest.mark.parametrize("text", ["-1", "1.0", "5, 5", "one", "9" * 20, "\N{ARABIC-INDIC DIGIT ONE}"])
def test_content_length_refuses(text: str) -> None:
    with pytest.raises(MalformedRequest):
        content_length({"CONTENT_LENGTH": text})


def test_a_required_length() -> None:
    assert required_length({"CONTENT_LENGTH": "5"}) == 5
    with pytest.raises(LengthRequired):
        required_length(CHUNKED)


@pytest.mark.parametrize(
    ("meta", "length"),
    [
        pytest.param(WSGI, 0, id="no body"),
        pytest.param(CHUNKED, None, id="chunks"),
        pytest.param({**WSGI, "HTTP_TRANSFER_ENCODING": "Chunked"}, None, id="chunks in capitals"),
        pytest.param({**WSGI, "CONTENT_LENGTH": "5"}, 5, id="declared"),
        pytest.param(HTTP_2, None, id="HTTP/2"),
        pytest.param({**HTTP_2, "CONTENT_LENGTH": "5"}, 5, id="HTTP/2, declared"),
        pytest.param({}, None, id="ASGI, which does not tell the version"),
    ],
)
def test_the_length_of_a_body(meta: dict[str, str], length: int | None) -> None:
    assert body_length(meta) == length


def test_no_more_is_read_than_was_declared() -> None:
    source = body(b"12345678", 5)
    assert (source.read(3), source.read(100), source.read(100), source.received) == (b"123", b"45", b"", 5)


def test_the_first_read_is_short(largefiles: Largefiles) -> None:
    largefiles.set(CHUNK_SIZE=FIRST_READ * 2)
    content = bytes(FIRST_READ * 4)
    assert [len(chunk) // FIRST_READ for chunk in body(content).chunks()] == [1, 2, 1]


def test_a_body_that_ends_early_is_incomplete() -> None:
    source = body(b"12", 5)
    assert source.read(5) == b"12"
    with pytest.raises(IncompleteBody) as caught:
        source.read(5)
    assert (caught.value.limit, caught.value.value) == (5, 2)


def test_a_body_that_cannot_be_read_is_incomplete() -> None:
    class Broken(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise UnreadablePostError("reset by peer")

    with pytest.raises(IncompleteBody, match="reset by peer"):
        Body(Broken(), {"CONTENT_LENGTH": "5"}).read(5)


def test_chunks_are_read_from_a_server_that_knows_their_end() -> None:
    meta = {**CHUNKED, "wsgi.input": BytesIO(b"12345"), "wsgi.input_terminated": True}
    assert b"".join(Body(BytesIO(), meta).chunks()) == b"12345"


@pytest.mark.parametrize(
    ("content", "length"), [pytest.param(b"12345", None, id="some"), pytest.param(b"", 0, id="none")]
)
def test_a_body_that_no_header_announces_is_found_by_its_first_byte(content: bytes, length: int | None) -> None:
    source = Body(BytesIO(), {**HTTP_2, "wsgi.input": BytesIO(content)})
    source.look_ahead()
    source.look_ahead()
    assert source.length == length
    assert b"".join(source.chunks()) == content


@pytest.mark.parametrize("meta", [CHUNKED, {**WSGI, "CONTENT_LENGTH": "5"}], ids=["chunks", "declared"])
def test_nothing_is_read_ahead_of_a_body_that_is_announced(meta: dict[str, Any]) -> None:
    stream = CountingBody(b"12345")
    Body(stream, meta).look_ahead()
    assert stream.consumed == 0


def test_what_came_before_a_fault_is_read_first() -> None:
    class Faulty(BytesIO):
        """As gunicorn: an error in the middle of a read, and the bytes before it to those who ask again."""

        faults: ClassVar[list[Exception]] = [ValueError("no size"), LookupError("no more")]

        def read(self, size: int | None = -1, /) -> bytes:
            if self.faults and (self.tell() or len(self.faults) > 1):
                raise self.faults.pop(0)
            return super().read(size)

    source = Body(BytesIO(), {**CHUNKED, "wsgi.input": Faulty(b"12345"), "wsgi.input_terminated": True})
    assert source.read(100) == b"12345"
    for _ in range(2):
        with pytest.raises(MalformedBody, match="no size"):
            source.read(100)


def test_other_chunks_are_read_from_the_request() -> None:
    assert b"".join(Body(BytesIO(b"12345"), CHUNKED).chunks()) == b"12345"


@pytest.mark.parametrize(
    ("meta", "releases"),
    [
        pytest.param({"CONTENT_LENGTH": "8"}, 0, id="one chunk"),
        pytest.param({"CONTENT_LENGTH": "9"}, 2, id="more than one chunk"),
        # The third read finds the end.
        pytest.param(CHUNKED, 3, id="unknown length"),
    ],
)
def test_connections_are_released_before_each_read(
    meta: dict[str, str], releases: int, largefiles: Largefiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    largefiles.set(CHUNK_SIZE=8)
    log = list[str]()

    class Logged(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            log.append("read")
            return super().read(size)

    monkeypatch.setattr(body_module, "release_connections", lambda: log.append("release"))
    assert b"".join(Body(Logged(b"123456789"[: int(meta.get("CONTENT_LENGTH", 9))]), meta).chunks())
    assert log.count("release") == releases
    assert log[:2] == (["release", "read"] if releases else ["read"])


@pytest.mark.parametrize("content", [b"", b"12345"])
def test_a_small_body_is_read_as_a_whole(content: bytes) -> None:
    assert body(content).whole(at_most=5) == content


def test_a_small_body_has_a_limit() -> None:
    source = CountingBody(b"123456")
    with pytest.raises(TooLarge) as caught:
        Body(source, {"CONTENT_LENGTH": "1000"}).whole(at_most=5)
    assert (caught.value.limit, source.consumed) == (5, 6)


@pytest.mark.parametrize(("name", "value"), [("Upload-Checksum", "x"), ("Other", None)])
def test_trailers_are_found_with_gunicorn(name: str, value: str | None) -> None:
    request = SimpleNamespace(trailers=[("UPLOAD-CHECKSUM", "x")])
    meta: dict[str, Any] = {"wsgi.input": SimpleNamespace(reader=SimpleNamespace(req=request))}
    assert trailer(meta, name) == value


def test_other_servers_have_no_trailers() -> None:
    assert trailer({}, "Upload-Checksum") is None


class Input:
    """The body on a socket, as a server and Django give it: what came before an error is kept for the next read."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._kept = b""

    def read(self, size: int = -1, /) -> bytes:
        try:
            while len(self._kept) < size and (piece := self._connection.recv(size)):
                self._kept += piece
        except OSError as error:
            raise UnreadablePostError(*error.args) from error
        kept, self._kept = self._kept, b""
        return kept


def test_what_came_before_a_client_fell_silent_is_read(largefiles: Largefiles) -> None:
    largefiles.set(BODY_TIMEOUT=timedelta(milliseconds=50))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        source = Body(Input(ours), {"gunicorn.socket": ours, "CONTENT_LENGTH": "100"})
        theirs.sendall(b"some")
        assert source.read(100) == b"some"
        with pytest.raises(TooSlow) as caught:
            source.read(100)
    assert (caught.value.status, caught.value.value) == (408, 4)


def test_what_came_in_chunks_before_a_client_fell_silent_is_read(largefiles: Largefiles) -> None:
    class Chunks(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if not super().read(size):
                raise TimeoutError("timed out")
            return b"some"

    ours, theirs = socket.socketpair()
    with ours, theirs:
        meta = {"gunicorn.socket": ours, "wsgi.input": Chunks(b"some"), "wsgi.input_terminated": True}
        source = Body(BytesIO(), {**CHUNKED, **meta})
        assert source.read(100) == b"some"
        with pytest.raises(TooSlow):
            source.read(100)


@pytest.mark.parametrize("is_late", [False, True], ids=["at once", "late"])
def test_under_asgi_a_short_body_keeps_a_connection_only_if_it_is_there(
    is_late: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body_module, "PATIENCE_SECONDS", 0.001 if is_late else 30)
    released = ThreadEvent()
    monkeypatch.setattr(body_module, "release_connections", released.set)

    async def receive() -> dict[str, Any]:
        if is_late:
            await asyncio.to_thread(released.wait, 20)
        return {"type": "http.request", "body": b"0123456789"}

    async def run() -> bytes:
        live = LiveBody(receive, {"http_version": "1.1", "headers": []})
        pumping = asyncio.create_task(live.pump())
        request = SimpleNamespace(read=live.read, _stream=live)
        content = await asyncio.to_thread(Body(request, {"CONTENT_LENGTH": "10"}).read, 10)
        await pumping
        return content

    assert asyncio.run(run()) == b"0123456789"
    assert released.is_set() == is_late


def test_under_asgi_a_read_takes_what_has_arrived_already() -> None:
    received = iter([b"0123456789"] * 4)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": next(received), "more_body": True}

    async def run() -> list[bytes]:
        live = LiveBody(receive, {"http_version": "1.1", "headers": []})
        pumping = asyncio.create_task(live.pump())
        body = Body(SimpleNamespace(read=live.read, _stream=live), {"CONTENT_LENGTH": "38"})

        def read() -> list[bytes]:
            first = body.read(10, at_most=20)
            assert live.comes_within(30, 28)
            return [first, body.read(10, at_most=20), body.read(8, at_most=20)]

        content = await asyncio.to_thread(read)
        pumping.cancel()
        return content

    assert asyncio.run(run()) == [b"0123456789", b"01234567890123456789", b"01234567"]
