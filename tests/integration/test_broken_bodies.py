"""Bodies in chunks that do not come to their end, over real servers."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from django_largefiles.options import KIB, MIB
from tests.integration.conftest import ANYTHING, Example
from tests.integration.resumable import TUS, Connection, Upload
from tests.integration.test_clients import needs_curl

pytestmark = pytest.mark.integration

CONTENT = bytes(range(256)) * (4 * KIB)


def chunk(content: bytes, *, size: int | None = None) -> bytes:
    """One of ``content``, which announces ``size`` bytes."""
    return f"{len(content) if size is None else size:x}\r\n".encode() + content


def head(connection: Connection, upload: Upload) -> bytes:
    """That of a PATCH in chunks."""
    headers = {"Content-Length": None, "Transfer-Encoding": "chunked"}
    return connection.head("PATCH", upload.path, {**TUS.append(0, last=True), **headers})


@pytest.mark.parametrize("kind", ["gunicorn", "granian-wsgi"])
@pytest.mark.parametrize("sent", [700 * KIB, MIB], ids=["inside a chunk", "at its end"])
def test_all_that_came_in_chunks_is_kept(
    sent: int, kind: str, example: Example, wait_for: Callable[..., None]
) -> None:
    upload = Upload.create(example.server(kind=kind, env=ANYTHING), 4 * MIB)
    with Connection(upload.server) as connection:
        connection.send(head(connection, upload) + chunk(CONTENT) + b"\r\n" + chunk(CONTENT[:sent], size=MIB))
    wait_for(lambda: upload.ask().offset == MIB + sent, patience=10)


def test_a_malformed_chunk_is_refused(example: Example) -> None:
    upload = Upload.create(example.server(env=ANYTHING), 4 * MIB)
    with Connection(upload.server) as connection:
        connection.send(head(connection, upload) + chunk(CONTENT) + b"\r\nno size\r\n")
        answer = connection.answer()
    assert (answer.status, upload.ask().offset) == (400, MIB)


@needs_curl
def test_over_http_2_a_body_without_a_length_is_read(example: Example) -> None:
    upload = Upload.create(example.server(kind="granian", env=ANYTHING), MIB)
    url = f"{upload.server.url}{upload.path.lstrip('/')}"
    headers = {**TUS.append(0, last=True), "Content-Length": ""}
    said = [part for name, value in headers.items() for part in ("--header", f"{name}: {value}".rstrip())]
    command = ["curl", "--silent", "--fail", "--http2-prior-knowledge", "--request", "PATCH", "--upload-file", "-"]
    subprocess.run([*command, *said, url], input=CONTENT, timeout=30, check=True)
    assert upload.ask().offset == MIB
