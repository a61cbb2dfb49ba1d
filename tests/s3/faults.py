"""A proxy in front of an S3 server that lets requests go wrong."""

from __future__ import annotations

import http.client
import socket
import struct
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

ERROR = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    "<Error><Code>{code}</Code><Message>Made up.</Message><RequestId>1</RequestId></Error>"
)
BODY_IN_200 = {"CompleteMultipartUpload", "UploadPartCopy"}
"""Those that may say 200 before they know."""

_OPERATIONS = {
    ("POST", "uploads"): "CreateMultipartUpload",
    ("POST", "uploadId"): "CompleteMultipartUpload",
    ("PUT", "partNumber"): "UploadPart",
    ("GET", "uploadId"): "ListParts",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
    ("GET", "uploads"): "ListMultipartUploads",
    ("GET", "list-type"): "ListObjectsV2",
}
_OF_OBJECTS = {"PUT": "PutObject", "GET": "GetObject", "HEAD": "HeadObject", "DELETE": "DeleteObject"}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request: the ``number`` counts from 1."""

    number: int
    operation: str


Fault = str
"""``"500"``, ``"503"``, ``"403"``, ``"reset"``, ``"hang"``, ``"lost"`` (done, and then a reset), ``"200"``."""

Choice = Callable[[Asked], Fault | None]


class Proxy:
    """Counts requests; ``choose`` says which of them go wrong, and how."""

    def __init__(self, endpoint: str) -> None:
        address = urlsplit(endpoint)
        assert address.hostname and address.port
        self.target = (address.hostname, address.port)
        self.choose: Choice = lambda asked: None
        self.asked: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.closing = Event()
        self._lock = Lock()

    def fault(self, operation: str) -> Fault | None:
        with self._lock:
            self.asked[operation] += 1
            chosen = self.choose(Asked(number=self.asked.total(), operation=operation))
            if chosen == "200" and operation not in BODY_IN_200:
                chosen = "500"
            if chosen:
                self.faults[f"{operation} {chosen}"] += 1
            return chosen

    @contextmanager
    def running(self) -> Iterator[str]:
        """Gives the address."""
        server = _Server(("127.0.0.1", 0), lambda *arguments: _Handler(self, *arguments))
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            self.closing.set()
            server.shutdown()
            server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gave up is none."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, proxy: Proxy, *arguments: Any) -> None:
        self._proxy = proxy
        super().__init__(*arguments)

    def log_message(self, *arguments: object) -> None:
        """Nothing."""

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self._proxy.fault(_operation(self.command, self.path, self.headers))
        match fault:
            case None:
                self._answer(*self._forward(body))
            case "hang":
                self._proxy.closing.wait()
            case "reset":
                self._reset()
            case "lost":
                self._forward(body)
                self._reset()
            case "200":
                self._answer(200, {}, ERROR.format(code="InternalError").encode())
            case _:
                code = {"503": "SlowDown", "403": "AccessDenied"}.get(fault, "InternalError")
                self._answer(int(fault), {}, ERROR.format(code=code).encode())

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _handle  # noqa: N815 - the base class calls them so

    def _forward(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(*self._proxy.target, timeout=60)
        try:
            # The signature covers the name of the host as the client knows it.
            headers = {name: value for name, value in self.headers.items() if name.lower() != "expect"}
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in {"connection", "transfer-encoding", "content-length"}:
                self.send_header(name, value)
        told = headers.get("Content-Length") if self.command == "HEAD" else None
        self.send_header("Content-Length", told or str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True


def _operation(method: str, path: str, headers: Any) -> str:
    query = parse_qs(urlsplit(path).query, keep_blank_values=True)
    for (verb, parameter), operation in _OPERATIONS.items():
        if verb == method and parameter in query:
            return f"{operation}Copy" if headers.get("x-amz-copy-source") else operation
    return _OF_OBJECTS.get(method, method)
