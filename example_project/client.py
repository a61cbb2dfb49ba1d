"""A small HTTP client that sends a file of any size from disk, and reads early answers."""

from __future__ import annotations

import hashlib
import http.client
import json
import select
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BLOCK = 1024 * 1024
SETTLED = {"ready", "rejected", "failed"}
POLL_SECONDS = 0.2


class ClientError(Exception):
    """The server gave an unexpected answer."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """``body`` is the decoded JSON of an asset or of problem details."""

    status: int
    body: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Client:
    host: str
    port: int
    timeout: float = 120

    def upload(
        self,
        file: Path,
        *,
        media_type: str,
        fields: Mapping[str, str] | None = None,
        on_sent: Callable[[int], object] | None = None,
    ) -> Answer:
        """POST ``file`` as ``multipart/form-data``. ``on_sent`` is called with the size of each block."""
        boundary = uuid.uuid4().hex
        head, tail = _form(boundary, file.name, media_type, fields or {})
        with self._connection() as connection:
            connection.putrequest("POST", "/api/assets/")
            connection.putheader("Content-Type", f"multipart/form-data; boundary={boundary}")
            connection.putheader("Content-Length", str(len(head) + file.stat().st_size + len(tail)))
            connection.putheader("Accept", "application/json")
            connection.endheaders()
            _send(connection, _body(head, file, tail, on_sent))
            return _read(connection)

    def get(self, path: str) -> Answer:
        with self._connection() as connection:
            connection.request("GET", path, headers={"Accept": "application/json"})
            return _read(connection)

    def status(self, path: str) -> int:
        """Return the status of the answer to a ``GET``, which is read to its end."""
        with self._connection() as connection:
            connection.request("GET", path)
            response = connection.getresponse()
            response.read()
            return response.status

    def delete(self, path: str) -> int:
        """Return the status of the answer."""
        with self._connection() as connection:
            connection.request("DELETE", path)
            return connection.getresponse().status

    def wait_until_settled(self, asset_id: str, *, patience: float) -> dict[str, Any]:
        """Return the asset after it became ready, rejected or failed."""
        deadline = time.monotonic() + patience
        while (status := self._expect_ok(f"/api/assets/{asset_id}/status/"))["state"] not in SETTLED:
            if time.monotonic() > deadline:
                raise ClientError(f"{asset_id} is still {status['state']} after {patience:.0f} s")
            time.sleep(POLL_SECONDS)
        return self._expect_ok(f"/api/assets/{asset_id}/")

    def download_sha256(self, asset_id: str) -> str:
        """Return the SHA-256 of the downloaded bytes."""
        with self._connection() as connection:
            connection.request("GET", f"/api/assets/{asset_id}/download/")
            response = connection.getresponse()
            if response.status != http.client.OK:
                raise ClientError(f"the download was answered {response.status}")
            digest = hashlib.sha256()
            while block := response.read(BLOCK):
                digest.update(block)
            return digest.hexdigest()

    def _expect_ok(self, path: str) -> dict[str, Any]:
        answer = self.get(path)
        if answer.status != http.client.OK:
            raise ClientError(f"GET {path} was answered {answer.status}: {answer.body}")
        return answer.body

    @contextmanager
    def _connection(self) -> Iterator[http.client.HTTPConnection]:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout, blocksize=BLOCK)
        try:
            yield connection
        finally:
            connection.close()


def _form(boundary: str, name: str, media_type: str, fields: Mapping[str, str]) -> tuple[bytes, bytes]:
    """Return the bytes before and after the content of the file (RFC 7578)."""
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'
        for field, value in fields.items()
    ]
    parts.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        f"Content-Type: {media_type}\r\n\r\n"
    )
    return "".join(parts).encode(), f"\r\n--{boundary}--\r\n".encode()


def _body(head: bytes, file: Path, tail: bytes, on_sent: Callable[[int], object] | None) -> Iterator[bytes]:
    yield head
    with file.open("rb") as source:
        while block := source.read(BLOCK):
            yield block
            if on_sent:
                on_sent(len(block))
    yield tail


def _send(connection: http.client.HTTPConnection, body: Iterator[bytes]) -> None:
    """Send until the body ends, or until a server that refuses it answers or closes the connection."""
    for block in body:
        if _has_answered(connection):
            return
        try:
            connection.send(block)
        except (BrokenPipeError, ConnectionResetError):
            return


def _has_answered(connection: http.client.HTTPConnection) -> bool:
    return bool(select.select([connection.sock], [], [], 0)[0])


def _read(connection: http.client.HTTPConnection) -> Answer:
    response = connection.getresponse()
    content = response.read()
    try:
        return Answer(status=response.status, body=json.loads(content))
    except ValueError as error:
        raise ClientError(f"{response.status} with {content[:200]!r} instead of JSON") from error
