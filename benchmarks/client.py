"""Post one file with ``sendfile``, and notice an answer that arrives before the whole body was sent."""

from __future__ import annotations

import http.client
import json
import os
import select
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BLOCK = 1024 * 1024
BOUNDARY = "largefiles-audit-boundary"
TOKEN = "a" * 32
"""Used as CSRF cookie and as CSRF header, which must match."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """``seconds`` from the first byte sent to the last byte of the answer; ``sent`` is the number of body bytes."""

    status: int
    body: dict[str, Any]
    seconds: float
    sent: int


def post(port: int, path: str, file: Path, *, name: str, timeout: float = 600) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        return _post(connection, path, file, name)
    finally:
        connection.close()


def _post(connection: http.client.HTTPConnection, path: str, file: Path, name: str) -> Answer:
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: image/png\r\n\r\n"
    ).encode()
    tail = f"\r\n--{BOUNDARY}--\r\n".encode()
    connection.connect()
    began = time.perf_counter()
    connection.putrequest("POST", path)
    connection.putheader("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
    connection.putheader("Content-Length", str(len(head) + file.stat().st_size + len(tail)))
    connection.putheader("Cookie", f"csrftoken={TOKEN}")
    connection.putheader("X-CSRFToken", TOKEN)
    connection.endheaders(head)
    sent = _send_file(connection, file)
    if sent == file.stat().st_size:
        connection.send(tail)
    response = connection.getresponse()
    content = response.read()
    seconds = time.perf_counter() - began
    return Answer(status=response.status, body=_decoded(content), seconds=seconds, sent=sent)


def _decoded(content: bytes) -> dict[str, Any]:
    try:
        body: dict[str, Any] = json.loads(content)
    except ValueError:
        return {"detail": content[:200].decode(errors="replace")}
    return body


def _send_file(connection: http.client.HTTPConnection, file: Path) -> int:
    """Send until the file ends, the server answers, or it closes the connection. Return the number of bytes."""
    socket, sent = connection.sock, 0
    with file.open("rb") as source:
        while True:
            answered, _, _ = select.select([socket], [socket], [])
            if answered:
                return sent
            try:
                count = os.sendfile(socket.fileno(), source.fileno(), sent, BLOCK)
            except BlockingIOError:
                continue
            except (BrokenPipeError, ConnectionResetError):
                return sent
            if not count:
                return sent
            sent += count
