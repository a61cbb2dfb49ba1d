"""Django's ASGI handler, but with bodies that reach some views while they arrive.

Django writes the whole body of a request to a temporary file before a middleware or view is called. For requests
whose view has claimed their body (``doors/claims.py``), this handler hands over a stream that is still arriving.
Everything else is left to Django's handler, of which this module copies nothing.
"""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from typing import Any, TypeAlias

import django
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import Resolver404, resolve

from .doors.claims import is_claimed
from .options import KIB
from .transport.departure import HANG_UP
from .transport.live_body import LiveBody, Message, Receive

logger = logging.getLogger(__name__)

Send: TypeAlias = Callable[[Message], Awaitable[None]]


def get_asgi_application() -> ASGIHandler:
    """Return the ASGI application of a project, in place of ``django.core.asgi.get_asgi_application``."""
    django.setup(set_prefix=False)
    return StreamingASGIHandler()


class StreamingASGIHandler(ASGIHandler):
    """Streams the bodies that views have claimed, and leaves all other requests to Django's handler."""

    # Django's 64 KiB hold back downloads: each message costs a turn of the loop.
    chunk_size = 512 * KIB

    _urlconf_is_fixed = True

    async def handle(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        client = _Client(receive)
        scope = {**scope, HANG_UP: client.hang_up}
        if not self._is_claimed(scope):
            await super().handle(scope, client, send)
            return
        client.body = body = LiveBody(receive, scope)
        try:
            await super().handle(scope, client, partial(_send, body, send))
        finally:
            # A thread that waits for bytes would outlive the request.
            body.close()

    async def read_body(self, receive: Receive) -> Any:
        """Return the body of a claimed request at once, before its first byte."""
        # Subclasses, and Django's own tests, may ask for a body that ``handle`` knows nothing of.
        body = receive.body if isinstance(receive, _Client) else None
        return body or await super().read_body(receive)

    async def listen_for_disconnect(self, receive: Receive) -> None:
        assert isinstance(receive, _Client)
        with receive.listened_to():
            if receive.body:
                await receive.body.pump()
            await super().listen_for_disconnect(receive)

    async def run_get_response(self, request: HttpRequest) -> HttpResponseBase:
        response = await super().run_get_response(request)
        if self._urlconf_is_fixed and getattr(request, "urlconf", None) is not None:
            self._urlconf_is_fixed = False
            logger.warning("A middleware sets request.urlconf: request bodies are no longer streamed to views.")
        body = getattr(request, "_stream", None)
        if isinstance(body, LiveBody) and body.is_left_over:
            # Without this, some servers and clients send the rest all the same.
            response.headers["Connection"] = "close"
            if isinstance(response, HttpResponse) and response.status_code >= HTTPStatus.BAD_REQUEST:
                # The client sees by it that the answer is whole, while the rest of the body is dropped.
                response.headers["Content-Length"] = str(len(response.content))
        return response

    def _is_claimed(self, scope: dict[str, Any]) -> bool:
        """Tell from the path which view will answer, as far as no middleware changes that."""
        if not (self._urlconf_is_fixed and _has_body(scope)):
            return False
        request, _ = self.create_request(scope, io.BytesIO())
        try:
            return request is not None and is_claimed(resolve(request.path_info).func)
        except Resolver404:
            return False


async def _send(body: LiveBody, send: Send, message: Message) -> None:
    """Send a message of the answer. Before the last of an early one, drop what the client still sends.

    At the end of the answer a server closes the connection, and a client that sends on would see a reset instead.
    """
    if body.is_left_over and message["type"] == "http.response.body" and not message.get("more_body", False):
        await send({**message, "more_body": True})
        await body.drop_rest()
        message = {"type": "http.response.body"}
    await send(message)


def _has_body(scope: Message) -> bool:
    if scope["method"] in {"GET", "HEAD", "OPTIONS"}:
        return False
    headers = dict(scope["headers"])
    if b"content-length" in headers:
        return bool(headers[b"content-length"] != b"0")
    # Only HTTP/1 announces every body by a header (RFC 9112 section 6.3).
    return b"transfer-encoding" in headers or not scope["http_version"].startswith("1")


class _Client:
    """A request's ``receive``, by which the overridden methods find what this handler knows of the request."""

    def __init__(self, receive: Receive) -> None:
        self.body: LiveBody | None = None
        self._receive = receive
        self._listening: asyncio.Task[Any] | None = None
        self._is_cut_off = False

    async def __call__(self) -> Message:
        return await self._receive()

    def hang_up(self) -> None:
        """End the request as if the client had gone. The server closes the connection, as the answer is not whole."""
        self._is_cut_off = True
        if self._listening:
            self._listening.cancel()

    @contextmanager
    def listened_to(self) -> Iterator[None]:
        """In this block, wait for the end of the client. Raise ``RequestAborted`` after ``hang_up``."""
        self._listening = asyncio.current_task()
        try:
            yield
        except asyncio.CancelledError:
            if self._is_cut_off:
                raise RequestAborted from None
            raise
        finally:
            self._listening = None
