"""Uploads by tus and the IETF draft, byte for byte: a client that may stop anywhere in a request."""

from __future__ import annotations

import base64
import http.client
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from example_project.processes import Server

COLLECTION = "/files/uploads/"


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def offset(self) -> int:
        return int(self.headers["Upload-Offset"])


class Connection:
    """One that is kept alive. Whatever takes longer than ``patience`` seconds raises ``TimeoutError``."""

    def __init__(self, server: Server, *, patience: float = 30) -> None:
        self._host = f"{server.host}:{server.port}"
        self._socket = socket.create_connection((server.host, server.port), timeout=patience)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def head(self, method: str, path: str, headers: Mapping[str, object], *, length: int = 0) -> bytes:
        """All of a request but its body, of ``length`` bytes. A header of ``None`` is left out."""
        fields = {"Host": self._host, "Content-Length": length, **headers}
        said = [f"{name}: {value}" for name, value in fields.items() if value is not None]
        lines = [f"{method} {path} HTTP/1.1", *said]
        return "\r\n".join([*lines, "", ""]).encode()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def answer(self, method: str = "PATCH", *, patience: float | None = None) -> Answer:
        self._socket.settimeout(patience or self._socket.gettimeout())
        response = http.client.HTTPResponse(self._socket, method=method)
        response.begin()
        return Answer(status=response.status, headers=response.headers, body=response.read())

    def is_ended(self, *, patience: float) -> bool:
        """Whether the server hangs up without an answer. With bytes that it has not read, that is a reset."""
        data = b""
        self._socket.settimeout(patience)
        with suppress(ConnectionResetError):
            data = self._socket.recv(1)
        return not data

    def bytes_until_closed(self) -> int:
        """Return how many bytes come until the server closes the connection or resets it."""
        received, room = 0, bytearray(1024 * 1024)
        with suppress(ConnectionResetError):
            while count := self._socket.recv_into(room):
                received += count
        return received

    def request(self, method: str, path: str, headers: Mapping[str, object], body: bytes = b"") -> Answer:
        self.send(self.head(method, path, headers, length=len(body)) + body)
        return self.answer(method)


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """What the two protocols say differently. ``last`` is whether the file ends with the body."""

    name: str
    headers: Mapping[str, str]
    creation: Mapping[str, str]
    part: Mapping[str, str]
    last_part: Mapping[str, str]
    is_complete: Callable[[Answer, int], bool]

    def append(self, offset: int, *, last: bool) -> dict[str, object]:
        return {**self.headers, **(self.last_part if last else self.part), "Upload-Offset": offset}


TUS = Dialect(
    name="tus",
    headers={"Tus-Resumable": "1.0.0"},
    creation={"Upload-Metadata": f"filename {base64.b64encode(b'data.bin').decode()}"},
    part={"Content-Type": "application/offset+octet-stream"},
    last_part={"Content-Type": "application/offset+octet-stream"},
    is_complete=lambda answer, length: answer.offset == length,
)
DRAFT = Dialect(
    name="draft",
    headers={},
    creation={"Content-Disposition": 'attachment; filename="data.bin"', "Upload-Complete": "?0"},
    part={"Content-Type": "application/partial-upload", "Upload-Complete": "?0"},
    last_part={"Content-Type": "application/partial-upload", "Upload-Complete": "?1"},
    is_complete=lambda answer, length: answer.headers["Upload-Complete"] == "?1",
)


@dataclass(frozen=True, kw_only=True)
class Upload:
    """One of ``length`` bytes, ``None`` where that is told later, at ``path`` of the server."""

    server: Server
    path: str
    length: int | None
    dialect: Dialect = TUS

    @classmethod
    def create(cls, server: Server, length: int | None, dialect: Dialect = TUS) -> Self:
        size = {"Upload-Defer-Length": 1} if length is None else {"Upload-Length": length}
        headers = {**dialect.headers, **dialect.creation, **size}
        with Connection(server) as connection:
            answer = connection.request("POST", COLLECTION, headers)
        assert answer.status == 201, answer
        path = urlsplit(answer.headers["Location"]).path
        return cls(server=server, path=path, length=length, dialect=dialect)

    @property
    def asset_id(self) -> str:
        return self.path.strip("/").rpartition("/")[2]

    def ask(self, *, patience: float = 30) -> Answer:
        """``HEAD``, over a new connection."""
        with Connection(self.server, patience=patience) as connection:
            answer = connection.request("HEAD", self.path, self.dialect.headers)
        assert answer.status in {200, 204}, answer
        return answer

    def append(self, offset: int, body: bytes, *, patience: float = 30) -> Answer:
        """``PATCH``, over a new connection."""
        with Connection(self.server, patience=patience) as connection:
            return self.append_over(connection, offset, body)

    def append_over(self, connection: Connection, offset: int, body: bytes) -> Answer:
        connection.send(self.append_head(connection, offset, len(body)) + body)
        return connection.answer()

    def append_head(self, connection: Connection, offset: int, length: int) -> bytes:
        headers = self.dialect.append(offset, last=offset + length == self.length)
        return connection.head("PATCH", self.path, headers, length=length)
