"""Clients that send and read little by little: each occupies a thread of the server for as long as it likes."""

from __future__ import annotations

import http.client
import socket
from hashlib import sha256
from typing import Self

from django_largefiles.options import KIB
from example_project.processes import Server
from tests.integration.resumable import Answer, Connection, Upload

RECEIVE_BUFFER = 32 * KIB


class SlowUpload:
    """One ``PATCH`` with ``length`` bytes, which is open from the start."""

    def __init__(self, server: Server, length: int, *, patience: float = 60) -> None:
        self._upload = Upload.create(server, length)
        self._connection = Connection(server, patience=patience)
        self._connection.send(self._upload.append_head(self._connection, 0, length))
        self._left = length

    def send(self, size: int) -> None:
        """Send up to ``size`` bytes more."""
        size = min(size, self._left)
        self._connection.send(bytes(size))
        self._left -= size

    def finish(self) -> Answer:
        self.send(self._left)
        return self._connection.answer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._connection.close()


class SlowDownload:
    """One ``GET`` of an asset, whose answer has begun. Little of it fits the buffers of the connection."""

    def __init__(self, server: Server, asset_id: str, *, patience: float = 60) -> None:
        self._socket = socket.create_connection((server.host, server.port), timeout=patience)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        host = f"{server.host}:{server.port}"
        self._socket.sendall(f"GET /files/assets/{asset_id}/download/ HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        self._response = http.client.HTTPResponse(self._socket)
        self._response.begin()
        self.status = self._response.status
        self._digest = sha256()

    def read(self, size: int) -> int:
        """Return how many bytes were read, fewer than ``size`` at the end only."""
        data = self._response.read(size)
        self._digest.update(data)
        return len(data)

    def finish(self) -> str:
        """Return the SHA-256 of all the bytes."""
        while self.read(64 * KIB):
            pass
        return self._digest.hexdigest()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._response.close()
        self._socket.close()
