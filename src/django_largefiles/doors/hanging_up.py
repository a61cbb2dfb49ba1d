"""Ending the connection of a request from another thread, where the server gives access to it."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

logger = logging.getLogger(__name__)

GRANIAN = "Granian"
"""``SERVER_SOFTWARE`` of granian's WSGI interface; ASGI has no such variable."""


def hang_up_of(meta: Mapping[str, Any]) -> Callable[[], None] | None:
    """Return how to end the connection of a request that reads its body; ``None`` if the server has no way.

    Under ASGI there is no need: a view is called when the body has arrived.
    """
    connection = meta.get("gunicorn.socket")
    if isinstance(connection, socket.socket):
        return partial(_shut_down, connection)
    if meta.get("SERVER_SOFTWARE") == GRANIAN:
        _warn_once()
    return None


def _shut_down(connection: socket.socket) -> None:
    """Let the thread that reads from the socket find its end; it closes the socket itself."""
    try:
        # Not the method of a TLS socket, which would make the other thread go on without encryption.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
    except OSError:
        # The client was faster.
        logger.debug("The connection was closed already.")


@cache
def _warn_once() -> None:
    logger.warning(
        "granian's WSGI interface cannot end a request whose upload was taken over: it keeps its thread until the"
        " client sends on or closes the connection. Use granian's ASGI interface, or gunicorn."
    )
