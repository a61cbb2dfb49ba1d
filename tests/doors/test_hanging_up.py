from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
from django.http import HttpRequest

from django_largefiles.doors import hanging_up
from django_largefiles.doors.hanging_up import hang_up_of
from django_largefiles.transport.live_body import LiveBody


def request(meta: dict[str, Any]) -> HttpRequest:
    made = HttpRequest()
    made.META = meta
    return made


def test_gunicorn_s_connection_ends_on_both_sides() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        hang_up = hang_up_of(request({"gunicorn.socket": ours}))
        assert hang_up
        hang_up()
        assert (ours.recv(1), theirs.recv(1)) == (b"", b"")


def test_a_connection_that_was_closed_already_is_no_error() -> None:
    ours, theirs = socket.socketpair()
    hang_up = hang_up_of(request({"gunicorn.socket": ours}))
    ours.close()
    theirs.close()
    assert hang_up
    hang_up()


def test_other_servers_give_no_access() -> None:
    assert hang_up_of(request({"SERVER_SOFTWARE": "WSGIServer/0.2"})) is None


def test_the_limit_of_granian_s_wsgi_interface_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    hanging_up._warn_once.cache_clear()
    assert [hang_up_of(request({"SERVER_SOFTWARE": "Granian"})) for _ in range(2)] == [None, None]
    assert caplog.text.count("cannot end a request") == 1


def test_a_body_that_is_still_arriving_under_asgi_ends() -> None:
    async def run() -> str:
        streamed = request({})
        streamed._stream = LiveBody(NotImplemented, {"http_version": "1.1", "headers": []})  # type: ignore[attr-defined]
        hang_up = hang_up_of(streamed)
        assert hang_up
        hang_up()
        with pytest.raises(OSError, match="continued by another request") as raised:
            await asyncio.to_thread(streamed._stream.read, 1)  # type: ignore[attr-defined]
        return str(raised.value)

    assert asyncio.run(run())
