"""The ASGI handler, driven by hand: what it receives, when, and what views see of it."""

from __future__ import annotations

import asyncio
import hashlib
import inspect
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from threading import Event as ThreadEvent, Thread, current_thread
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.core.signals import request_finished
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse, UnreadablePostError
from django.urls import path
from pytest_django.fixtures import Settings

from django_largefiles.asgi import StreamingASGIHandler
from django_largefiles.doors.claims import streams_body
from django_largefiles.transport import live_body
from django_largefiles.transport.departure import HANG_UP
from tests.conftest import Largefiles
from tests.snippets.claims import claim
from tests.snippets.running import run

PIECE = bytes(range(256)) * 256
WAITING = {"Transfer-Encoding": "chunked", "Expect": "100-continue"}
seen: list[Any] = []
threads: list[Thread] = []
kept: list[Callable[[], None]] = []


@streams_body
def digest(request: HttpRequest) -> HttpResponse:
    """Read the body in pieces of at most 100,000 bytes."""
    threads.append(current_thread())
    sha256 = hashlib.sha256()
    try:
        while piece := request.read(100_000):
            seen.append(len(piece))
            sha256.update(piece)
    except UnreadablePostError as error:
        seen.append(str(error))
        return HttpResponse(status=408)
    return HttpResponse(sha256.hexdigest())


@streams_body
def refuse(request: HttpRequest) -> HttpResponse:
    return HttpResponse("no", status=415)


@streams_body
def refuse_after_one(request: HttpRequest) -> HttpResponse:
    request.read(1000)
    return HttpResponse("no", status=415)


@streams_body
def lines(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str([request.readline(), request.readline(), request.read()]))


@streams_body
def form(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.POST["name"] + request.FILES["file"].read().decode())


@streams_body
def body(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.body)


@streams_body
async def on_the_loop(request: HttpRequest) -> HttpResponse:
    with pytest.raises(RuntimeError) as raised:
        request.read(1)
    return HttpResponse(str(raised.value))


@streams_body
async def in_a_thread(request: HttpRequest) -> HttpResponse:
    return HttpResponse(await sync_to_async(request.read)(1000))


def hangs_up(request: HttpRequest) -> StreamingHttpResponse:
    """Answer with pieces without end, and hang up while the client takes the first."""

    async def pieces() -> AsyncIterator[bytes]:
        asyncio.get_running_loop().call_soon(request.scope[HANG_UP])  # type: ignore[attr-defined]
        while True:
            yield b"piece"

    kept.append(request.scope[HANG_UP])  # type: ignore[attr-defined]
    response = StreamingHttpResponse(pieces())
    response._resource_closers.append(lambda: seen.append("closed"))  # type: ignore[attr-defined]
    return response


def unclaimed(request: HttpRequest) -> HttpResponse:
    return HttpResponse(type(request._stream).__name__)  # type: ignore[attr-defined]


urlpatterns = [
    path("digest", digest),
    path("refuse", refuse),
    path("refuse-after-one", refuse_after_one),
    path("lines", lines),
    path("form", form),
    path("body", body),
    path("on-the-loop", on_the_loop),
    path("in-a-thread", in_a_thread),
    path("hangs-up", hangs_up),
    path("unclaimed", unclaimed),
]


def change_the_urlconf(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    def middleware(request: HttpRequest) -> HttpResponse:
        request.urlconf = __name__
        return get_response(request)

    return middleware


@pytest.fixture(autouse=True)
def _urls(settings: Settings) -> None:
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
    seen.clear()
    threads.clear()
    kept.clear()


class Exchange:
    """One request and its answer, as a server sees them. ``messages`` are what it has received of the client."""

    def __init__(
        self,
        *messages: dict[str, Any],
        path: str,
        method: str = "POST",
        headers: dict[str, str] | None = None,
        http_version: str = "1.1",
    ) -> None:
        self.messages = list(messages)
        headers = {"Transfer-Encoding": "chunked"} if headers is None else headers
        self.received = 0
        self.sent: list[dict[str, Any]] = []
        self.scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": http_version,
            "server": ("testserver", 80),
            "method": method,
            "path": path,
            "query_string": b"",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }

    async def receive(self) -> dict[str, Any]:
        if self.received == len(self.messages):
            # As long as the client is there.
            await asyncio.Event().wait()
        self.received += 1
        await asyncio.sleep(0)
        return self.messages[self.received - 1]

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)

    async def run(self, application: ASGIHandler | None = None) -> None:
        await (application or StreamingASGIHandler())(self.scope, self.receive, self.send)

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode().lower(): value.decode() for name, value in self.sent[0]["headers"]}

    @property
    def content(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent[1:])


def pieces(*contents: bytes) -> list[dict[str, Any]]:
    """A whole body, in messages."""
    return [
        {"type": "http.request", "body": content, "more_body": number < len(contents)}
        for number, content in enumerate(contents, start=1)
    ]


class InTurn(Exchange):
    """Its client sends a piece only when the view has read the one before it."""

    async def receive(self) -> dict[str, Any]:
        while len(seen) < self.received:
            await asyncio.sleep(0.001)
        return await super().receive()


def exchange(*messages: dict[str, Any], path: str, **options: Any) -> Exchange:
    async def run() -> Exchange:
        exchange = Exchange(*messages, path=path, **options)
        await asyncio.wait_for(exchange.run(), timeout=20)
        return exchange

    return asyncio.run(run())


@pytest.mark.parametrize(
    "contents",
    [
        [b""],
        [b"a"],
        [PIECE],
        [PIECE] * 40,
        [b"", PIECE, b"", b"tail", b""],
        [b"x" * n for n in (1, 99_999, 1, 300_000)],
    ],
    ids=["empty", "a byte", "one message", "many", "empty messages", "odd sizes"],
)
def test_a_claimed_body_reaches_the_view_as_it_was_sent(contents: list[bytes]) -> None:
    answer = exchange(*pieces(*contents), path="/digest")
    assert answer.content.decode() == hashlib.sha256(b"".join(contents)).hexdigest()
    assert sum(seen) == sum(map(len, contents))
    assert max(seen, default=0) <= 100_000


def test_the_view_reads_while_the_body_arrives() -> None:
    async def run() -> None:
        await asyncio.wait_for(InTurn(*pieces(bytes(100_000), b"second"), path="/digest").run(), timeout=20)

    asyncio.run(run())
    assert seen == [100_000, 6]


def test_nothing_is_received_from_a_client_that_waits_to_be_told_to_send() -> None:
    answer = exchange(*pieces(PIECE, PIECE), path="/refuse", headers=WAITING)
    assert (answer.status, answer.content, answer.received) == (415, b"no", 0)


@pytest.mark.parametrize("path", ["/refuse", "/refuse-after-one"])
def test_after_an_early_answer_the_rest_is_dropped_before_its_end(path: str) -> None:
    answer = exchange(*pieces(*[PIECE] * 20), path=path)
    assert (answer.status, answer.headers["content-length"]) == (415, "2")
    start, content, end = answer.sent
    assert (start["type"], content["body"], content["more_body"]) == ("http.response.start", b"no", True)
    assert end == {"type": "http.response.body"}
    assert answer.received == 20


def test_no_more_is_dropped_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_body, "LINGER_BYTES", 3 * len(PIECE))
    assert exchange(*pieces(*[PIECE] * 20), path="/refuse").received == 3


def test_a_client_that_stops_is_waited_for_in_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_body, "LINGER_SECONDS", 0.01)
    answer = exchange({"type": "http.request", "body": PIECE, "more_body": True}, path="/refuse")
    assert (answer.content, answer.received) == (b"no", 1)


def test_a_client_that_goes_after_the_answer_ends_the_wait() -> None:
    messages = [{"type": "http.request", "body": PIECE, "more_body": True}, {"type": "http.disconnect"}]
    assert exchange(*messages, path="/refuse").received == 2


def test_at_most_as_much_is_held_as_the_view_asked_for() -> None:
    answer = exchange(*pieces(*[PIECE] * 100), path="/refuse-after-one", http_version="2")
    assert (answer.status, answer.received) == (415, 1)


@pytest.mark.parametrize("http_version", ["1.1", "2"])
def test_an_early_answer_closes_the_connection_of_http_1(http_version: str) -> None:
    answer = exchange(*pieces(PIECE, PIECE), path="/refuse", http_version=http_version)
    assert ("connection" in answer.headers) == (http_version == "1.1")


def test_a_body_that_was_read_leaves_the_connection_open() -> None:
    assert "connection" not in exchange(*pieces(PIECE), path="/digest").headers


def test_a_disconnect_ends_the_body_with_an_error_and_the_view_goes_on() -> None:
    finished = ThreadEvent()

    def finish(**_: Any) -> None:
        finished.set()

    request_finished.connect(finish)
    try:
        messages = [{"type": "http.request", "body": PIECE, "more_body": True}, {"type": "http.disconnect"}]
        answer = exchange(*messages, path="/digest")
    finally:
        request_finished.disconnect(finish)
    assert (sum(seen[:-1]), seen[-1]) == (len(PIECE), "the client disconnected")
    assert answer.status == 408
    assert finished.is_set()


def test_a_silent_client_ends_the_body_with_an_error(largefiles: Largefiles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_body, "LINGER_SECONDS", 0.01)
    largefiles.set(BODY_TIMEOUT=timedelta(seconds=0.05))
    answer = exchange({"type": "http.request", "body": b"only this", "more_body": True}, path="/digest")
    assert seen == [9, "the body comes too slowly"]
    assert answer.status == 408


def test_a_request_that_is_cancelled_leaves_no_thread_that_waits() -> None:
    async def run() -> None:
        exchange = Exchange({"type": "http.request", "body": bytes(100_000), "more_body": True}, path="/digest")
        task = asyncio.create_task(exchange.run())
        while seen != [100_000]:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    threads[0].join(timeout=20)
    assert not threads[0].is_alive()
    # Django 6.1 cancels the task that receives first.
    assert seen[0] == 100_000
    assert seen[1] in {"the request is over", "the request was cancelled"}


def test_lines_are_read() -> None:
    answer = exchange(*pieces(b"first\nsec", b"ond\nthe ", b"rest"), path="/lines")
    assert answer.content == str([b"first\n", b"second\n", b"the rest"]).encode()


def test_a_form_is_parsed() -> None:
    content = (
        b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\nAda\r\n'
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nLovelace\r\n--b--\r\n'
    )
    headers = {"Content-Type": "multipart/form-data; boundary=b", "Content-Length": str(len(content))}
    answer = exchange(*pieces(content[:100], content[100:]), path="/form", headers=headers)
    assert answer.content == b"AdaLovelace"


def test_a_whole_body_is_read() -> None:
    assert exchange(*pieces(PIECE, b"tail"), path="/body").content == PIECE + b"tail"


def test_an_asynchronous_view_reads_in_a_thread() -> None:
    assert exchange(*pieces(b"content"), path="/in-a-thread").content == b"content"


def test_reading_on_the_loop_fails_with_what_to_do() -> None:
    assert b"sync_to_async" in exchange(*pieces(b"content"), path="/on-the-loop").content


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [("/unclaimed", "POST", 200), ("/digest", "GET", 200), ("/nowhere", "POST", 404)],
    ids=["unclaimed", "a method without a body", "unknown path"],
)
def test_everything_else_is_django_s(path: str, method: str, status: int) -> None:
    answer = exchange(*pieces(b""), path=path, method=method)
    assert answer.status == status
    if path == "/unclaimed":
        assert answer.content == b"SpooledTemporaryFile"


@pytest.mark.parametrize(
    ("headers", "http_version", "received"),
    [
        ({"Content-Length": "0"}, "1.1", 1),
        ({}, "1.1", 1),
        ({}, "2", 0),
        ({"Content-Length": "1", "Expect": "100-continue"}, "1.1", 0),
    ],
    ids=["length 0", "no length", "no length in HTTP/2", "a length"],
)
def test_a_request_without_a_body_is_not_claimed(headers: dict[str, str], http_version: str, received: int) -> None:
    answer = exchange(*pieces(b""), path="/refuse", headers=headers, http_version=http_version)
    assert (answer.status, answer.received) == (415, received)
    assert ("connection" in answer.headers) == ("Expect" in headers)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_that_is_hung_up_on_ends_as_if_the_client_had_gone(method: str) -> None:
    async def run() -> Exchange:
        exchange = Exchange(*pieces(b""), path="/hangs-up", method=method)
        send, sent = exchange.send, asyncio.Event()

        async def hold(message: dict[str, Any]) -> None:
            await send(message)
            if message["type"] == "http.response.body":
                await sent.wait()

        exchange.send = hold  # type: ignore[method-assign]
        await asyncio.wait_for(exchange.run(), timeout=20)
        return exchange

    answer = asyncio.run(run())
    assert answer.content == b"piece"
    assert seen == ["closed"]
    kept[0]()  # too late


def test_where_a_middleware_changes_the_urlconf_bodies_are_spooled(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.MIDDLEWARE = [f"{__name__}.change_the_urlconf"]

    async def run() -> list[int]:
        application = StreamingASGIHandler()
        received = []
        for _ in range(3):
            exchange = Exchange(*pieces(b"a", b"b"), path="/refuse", headers=WAITING)
            await exchange.run(application)
            received.append(exchange.received)
        return received

    assert asyncio.run(run()) == [0, 2, 2]
    assert [record.getMessage() for record in caplog.records if record.name == "django_largefiles.asgi"] == [
        "A middleware sets request.urlconf: request bodies are no longer streamed to views."
    ]


def test_a_request_that_django_cannot_make_is_refused_as_django_does() -> None:
    async def run() -> Exchange:
        exchange = Exchange(*pieces(b""), path="/digest")
        exchange.scope["query_string"] = b"\xff"
        await exchange.run()
        return exchange

    assert asyncio.run(run()).status == 400


SNIPPET = claim("docs/deployment.rst", "import os")


def test_the_application_of_the_documentation_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "tests.settings")
    assert isinstance(run(SNIPPET)["application"], StreamingASGIHandler)


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("handle", ["self", "scope", "receive", "send"]),
        ("read_body", ["self", "receive"]),
        ("listen_for_disconnect", ["self", "receive"]),
        ("create_request", ["self", "scope", "body_file"]),
        ("run_get_response", ["self", "request"]),
    ],
)
def test_the_methods_of_django_that_we_override_are_what_they_were(method: str, parameters: list[str]) -> None:
    assert list(inspect.signature(getattr(ASGIHandler, method)).parameters) == parameters
