"""The socket of a request, where the server hands it over."""

from __future__ import annotations

import socket
import struct
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

GRANIAN = "Granian"
"""``SERVER_SOFTWARE`` of granian's WSGI interface, which hands over no socket; ASGI has no such variable."""

_RESET_WHEN_CLOSED = struct.pack("ii", 1, 0)
"""``struct linger``."""


def socket_of(meta: Mapping[str, Any]) -> socket.socket | None:
    """Return the socket that a request came on; ``None`` under all servers but gunicorn."""
    connection = meta.get("gunicorn.socket")
    return connection if isinstance(connection, socket.socket) else None


def shut(connection: socket.socket, how: int) -> None:
    """Shut a connection down, also one that another thread reads from or writes to, and wake that thread.

    ``how`` is ``socket.SHUT_RD``, ``SHUT_WR`` or ``SHUT_RDWR``.
    """
    with suppress(OSError):
        # ``SSLSocket.shutdown`` would also make the other thread go on without TLS.
        socket.socket.shutdown(connection, how)


def cut(connection: socket.socket) -> None:
    """End a connection without sending what its client did not take, which the kernel would keep for minutes."""
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_WHEN_CLOSED)
    shut(connection, socket.SHUT_RDWR)
