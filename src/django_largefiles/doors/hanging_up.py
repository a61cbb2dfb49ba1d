"""Ending the connection of a request from another thread, where the server gives access to it."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from functools import cache, partial

from django.http import HttpRequest

from ..transport.live_body import LiveBody
from ..transport.sockets import GRANIAN, shut, socket_of

logger = logging.getLogger(__name__)


def hang_up_of(request: HttpRequest) -> Callable[[], None] | None:
    """Return how to end the connection of a request that reads its body; ``None`` if the server has no way.

    Under Django's own ASGI handler there is no need: a view is called when the body has arrived.
    """
    body = getattr(request, "_stream", None)
    if isinstance(body, LiveBody):
        return partial(body.abort, "the upload was continued by another request")
    connection = socket_of(request.META)
    if connection:
        # The thread that reads finds the end of its input, and closes the socket itself.
        return partial(shut, connection, socket.SHUT_RDWR)
    if request.META.get("SERVER_SOFTWARE") == GRANIAN:
        _warn_once()
    return None


@cache
def _warn_once() -> None:
    logger.warning(
        "granian's WSGI interface cannot end a request whose upload was taken over: it keeps its thread until the"
        " client sends on or closes the connection. Use granian's ASGI interface, or gunicorn."
    )
