"""A network that cuts downloads off."""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from random import Random
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Lock, Thread
from typing import Self

from django_largefiles.options import KIB, MIB
from example_project.processes import LOOPBACK, Server

BLOCK = 64 * KIB
RESET = struct.pack("ii", 1, 0)
"""``SO_LINGER``: closing resets the connection."""


class CuttingNetwork(ThreadingTCPServer):
    """Leads to a server. Until ``cuts`` are done, new connections end after so many bytes as the ``seed`` decides.

    A connection whose client wants fewer bytes is not cut, so that with several at once more may be done.

    Every other of them is reset, and the rest are closed as if the file had ended.
    """

    daemon_threads = True

    def __init__(self, server: Server, *, cuts: int, seed: int) -> None:
        super().__init__((LOOPBACK, 0), Relay)
        self.target = (server.host, server.port)
        self.done = 0
        self._cuts = cuts
        self._random = Random(seed)
        self._lock = Lock()

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.server_address[1]}"

    def budget(self) -> int | None:
        """Return the bytes that a new connection may carry; ``None`` for all."""
        with self._lock:
            return self._random.randrange(BLOCK, 3 * MIB) if self.done < self._cuts else None

    def count_cut(self) -> bool:
        """Return whether the connection is to be reset."""
        with self._lock:
            self.done += 1
            return self.done % 2 == 0

    def __enter__(self) -> Self:
        Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.shutdown()
        self.server_close()


class Relay(BaseRequestHandler):
    """One connection. A client sends its requests in one piece each, and waits for the answer."""

    server: CuttingNetwork

    def handle(self) -> None:
        with socket.create_connection(self.server.target) as upstream:
            self._requests = Thread(target=self._pass_requests, args=[upstream], daemon=True)
            self._requests.start()
            # A browser cuts connections off itself, when it wants other bytes.
            with suppress(BrokenPipeError, ConnectionResetError):
                self._pass_answers(upstream, self.server.budget())

    def _pass_requests(self, upstream: socket.socket) -> None:
        # The connection may be cut, or the client may go.
        with suppress(OSError):
            while data := self.request.recv(BLOCK):
                upstream.sendall(data)
            upstream.shutdown(socket.SHUT_WR)

    def _pass_answers(self, upstream: socket.socket, left: int | None) -> None:
        while data := upstream.recv(BLOCK):
            if left is not None and len(data) >= left:
                self.request.sendall(data[:left])
                self._cut()
                return
            left = None if left is None else left - len(data)
            self.request.sendall(data)

    def _cut(self) -> None:
        resets = self.server.count_cut()
        self.request.shutdown(socket.SHUT_RD if resets else socket.SHUT_RDWR)
        # As long as another thread reads from the socket, the system does not close it.
        self._requests.join()
        if resets:
            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.request.close()
