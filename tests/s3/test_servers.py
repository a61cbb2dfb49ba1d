from __future__ import annotations

import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from tests.s3 import servers


class Filer(BaseHTTPRequestHandler):
    """That of another SeaweedFS makes a folder where it is asked for a bucket."""

    def do_PUT(self) -> None:
        self.send_response(201)
        self.end_headers()
        self.wfile.write(b'{"name":"ready"}')

    def log_message(self, *arguments: object) -> None:
        pass


def test_another_server_on_the_port_is_not_taken_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "READY_SECONDS", 0.5)
    with (
        HTTPServer(("127.0.0.1", 0), Filer) as other,
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process,
    ):
        Thread(target=other.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        assert not servers._stores(f"http://127.0.0.1:{other.server_port}", process)
        process.kill()
        other.shutdown()
