"""A client that falls silent in the middle of a body does not keep its thread."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

from ..conf import largefiles_settings


def limit_silence(meta: Mapping[str, Any]) -> None:
    """Let a read of the body fail after ``BODY_TIMEOUT`` without a byte, where the server lets us at its socket.

    gunicorn does, and sets the socket back before the next request on it. Django makes the error an
    ``UnreadablePostError``, as where the client is gone.
    """
    connection = meta.get("gunicorn.socket")
    if isinstance(connection, socket.socket):
        connection.settimeout(largefiles_settings.body_timeout.total_seconds())
