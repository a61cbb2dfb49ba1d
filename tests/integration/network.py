"""A network that loses a connection once."""

from __future__ import annotations

import socket
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Event, Thread
from typing import Self

from django_largefiles.options import KIB
from example_project.processes import LOOPBACK, Server

BLOCK = 64 * KIB


class Network(ThreadingTCPServer):
    """Leads to a server. The connection on which ``lose_after`` bytes are exceeded, counted over all, is lost.

    The client is told of the loss when the server knows of it: what a client does next then never depends on luck.
    """

    daemon_threads = True

    def __init__(self, server: Server, *, lose_after: int) -> None:
        super().__init__((LOOPBACK, 0), Relay)
        self.target = (server.host, server.port)
        self.carried = 0
        self.lost = Event()
        self._lose_after = lose_after

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.server_address[1]}/"

    def carry(self, data: bytes) -> bool:
        """Whether the connection that the client's ``data`` came on is lost by now."""
        self.carried += len(data)
        if self.lost.is_set() or self.carried < self._lose_after:
            return False
        self.lost.set()
        return True

    def __enter__(self) -> Self:
        Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.shutdown()
        self.server_close()


class Relay(BaseRequestHandler):
    """One connection, in both directions."""

    server: Network

    def handle(self) -> None:
        self._lost = False
        with socket.create_connection(self.server.target) as upstream:
            answering = Thread(target=self._answer, args=[upstream])
            answering.start()
            while not self._lost and (data := self.request.recv(BLOCK)):
                upstream.sendall(data)
                self._lost = self.server.carry(data)
            upstream.shutdown(socket.SHUT_WR)
            answering.join()

    def _answer(self, upstream: socket.socket) -> None:
        while data := upstream.recv(BLOCK):
            if not self._lost:
                self.request.sendall(data)
