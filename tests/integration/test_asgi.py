"""ASGI servers over real sockets: clients that disconnect in the middle of a body, and what is left of them."""

from __future__ import annotations

import os
import socket
import struct
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from random import Random

import psutil
import pytest

from django_largefiles.options import KIB, MIB
from example_project.processes import Server
from tests.integration.conftest import ANYTHING, Example
from tests.integration.resumable import Connection, Upload

pytestmark = pytest.mark.integration

DISCONNECTS = int(os.environ.get("LARGEFILES_DISCONNECTS", "60"))
AT_ONCE = 8
RESET = struct.pack("ii", 1, 0)
CONTENT = bytes(2 * KIB) + Random(1).randbytes(2 * MIB)
"""The beginning looks like no type that ``.bin`` could not be."""


def interrupted_upload(server: Server, random: Random) -> int:
    """Upload with two disconnects in the middle of bodies, and return the last answer."""
    length = random.randrange(1, len(CONTENT))
    content = CONTENT[:length]
    upload = Upload.create(server, length)
    furthest = 0
    for _ in range(2):
        offset = upload.ask().offset
        assert offset <= furthest, f"{offset} bytes count, of which {furthest} were sent"
        sent = random.randrange(length - offset)
        disconnect(server, upload, offset, content[offset : offset + sent], random)
        furthest = max(furthest, offset + sent)
    return finish(upload, content)


def finish(upload: Upload, content: bytes) -> int:
    """Send the rest. Bytes of an earlier request may come to count until another has taken it over."""
    status = 0
    while status in {0, 409, 423}:
        offset = upload.ask().offset
        status = upload.append(offset, content[offset:]).status
    return status


def disconnect(server: Server, upload: Upload, offset: int, body: bytes, random: Random) -> None:
    connection = Connection(server)
    assert upload.length is not None
    connection.send(upload.append_head(connection, offset, upload.length - offset) + body)
    if random.random() < 0.5:
        connection._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    connection.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is not there: Linux only")
@pytest.mark.parametrize("kind", ["uvicorn", "granian", "gunicorn-asgi"])
def test_disconnects_leave_no_thread_descriptor_or_wrong_offset(
    kind: str, example: Example, wait_for: Callable[..., None], record_property: Callable[[str, object], None]
) -> None:
    server = example.server(kind=kind, env=ANYTHING)
    seed = Random().randrange(2**32)
    record_property("seed", seed)
    # Some threads and descriptors are kept by pools, and are there after the first requests.
    assert interrupted(server, range(AT_ONCE)) == {204}
    wait_for(lambda: not requests_of(server))
    threads, descriptors = resources(server)
    assert interrupted(server, range(seed, seed + DISCONNECTS // 2)) == {204}
    wait_for(lambda: not requests_of(server))
    wait_for(lambda: resources(server)[0] <= threads + 2 and resources(server)[1] <= descriptors + 2)
    assert example.incoming() == 0
    assert set(example.column("state")) == {"received"}
    assert {sha256_of(example, name) for name in example.column("file")} == set(example.column("sha256"))


def interrupted(server: Server, seeds: range) -> set[int]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return set(pool.map(lambda seed: interrupted_upload(server, Random(seed)), seeds))


def sha256_of(example: Example, name: str) -> str:
    return sha256((example.media / name).read_bytes()).hexdigest()


def processes(server: Server) -> list[psutil.Process]:
    own = psutil.Process(server.pid)
    return [own, *own.children(recursive=True)]


def resources(server: Server) -> tuple[int, int]:
    """Return the numbers of threads and of descriptors, without those of SQLite, which keeps and reuses its own."""
    threads = sum(process.num_threads() for process in processes(server))
    return threads, sum("sqlite3" not in path for path in descriptors(server))


def descriptors(server: Server) -> list[str]:
    """Return what the descriptors of the server stand for."""
    return [target(link) for process in processes(server) for link in Path(f"/proc/{process.pid}/fd").iterdir()]


def target(link: Path) -> str:
    try:
        return str(link.readlink())
    except FileNotFoundError:  # pragma: no cover - it was closed meanwhile
        return "sqlite3"


def requests_of(server: Server) -> int:
    """Return the number of connections that the server has."""
    return sum(
        connection.status == psutil.CONN_ESTABLISHED
        for process in processes(server)
        for connection in process.net_connections("tcp")
    )
