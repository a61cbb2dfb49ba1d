"""The upper limit: a thread for each connection that copies bytes from a socket to a file, in Python.

``python -m benchmarks.bare FOLDER HOST PORT``. It supports the part of tus that the benchmark's client uses: ``POST``
creates a file, ``PATCH`` writes at ``Upload-Offset``, ``DELETE`` removes. No checks, no records, no digest: for
measurements only.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
from pathlib import Path
from uuid import uuid4

BUFFER_SIZE = 1024 * 1024
END = b"\r\n\r\n"
ANSWER = "HTTP/1.1 {} -\r\nContent-Length: 0\r\n{}\r\n"


class Connection:
    """Handle the requests of one connection. Body bytes that were read too early are at the start of the buffer."""

    def __init__(self, connection: socket.socket, folder: Path) -> None:
        self._socket = connection
        self._folder = folder
        self._buffer = memoryview(bytearray(BUFFER_SIZE))

    def serve(self) -> None:
        with self._socket:
            while head := self._read_head():
                request, *fields = head.split(b"\r\n")
                method, path, _ = request.decode().split(" ")
                headers = dict(field.lower().split(b": ", 1) for field in fields)
                self._socket.sendall(self._answer(method, path, headers).encode())

    def _read_head(self) -> bytes:
        """Return the head of the next request, empty at the end of the connection. The body stays in the socket."""
        count = self._socket.recv_into(self._buffer, 16 * 1024, socket.MSG_PEEK)
        while count and END not in bytes(self._buffer[:count]):
            count = self._socket.recv_into(self._buffer, 16 * 1024, socket.MSG_PEEK)
        end = bytes(self._buffer[:count]).find(END)
        return self._socket.recv(end + len(END)).removesuffix(END) if count else b""

    def _answer(self, method: str, path: str, headers: dict[bytes, bytes]) -> str:
        file = self._folder / path.rpartition("/")[2]
        if method == "POST":
            name = uuid4().hex
            (self._folder / name).touch()
            return ANSWER.format(201, f"Location: /files/{name}\r\n")
        if method == "PATCH":
            reached = self._write(file, int(headers[b"upload-offset"]), int(headers[b"content-length"]))
            return ANSWER.format(204, f"Upload-Offset: {reached}\r\n")
        if method == "DELETE":
            file.unlink()
        return ANSWER.format(204, "")

    def _write(self, file: Path, offset: int, length: int) -> int:
        descriptor, end = os.open(file, os.O_WRONLY), offset + length
        try:
            os.lseek(descriptor, offset, os.SEEK_SET)
            while offset < end:
                count = self._socket.recv_into(self._buffer, min(BUFFER_SIZE, end - offset))
                if not count:
                    raise ConnectionError(f"{end - offset} bytes did not come")
                offset += os.write(descriptor, self._buffer[:count])
        finally:
            os.close(descriptor)
        return offset


def main(folder: str, host: str, port: str) -> None:
    with socket.create_server((host, int(port)), backlog=64) as listener:
        while True:
            accepted, _ = listener.accept()
            threading.Thread(target=Connection(accepted, Path(folder)).serve, daemon=True).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
