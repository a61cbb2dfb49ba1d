from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Both ends of a connection: ours is the server's."""

    ours: socket.socket
    theirs: socket.socket

    @property
    def meta(self) -> dict[str, Any]:
        """That of a request which came on this connection."""
        return {"gunicorn.socket": self.ours}

    def fill(self) -> None:
        """Send until the client, which takes nothing, holds us up."""
        self.ours.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                self.ours.send(bytes(1024))
        self.ours.setblocking(True)


@pytest.fixture
def tcp() -> Iterator[Pair]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        theirs = socket.create_connection(listener.getsockname(), timeout=10)
        ours, _ = listener.accept()
    with ours, theirs:
        yield Pair(ours=ours, theirs=theirs)


@pytest.fixture
def unix() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Pair(ours=ours, theirs=theirs)
