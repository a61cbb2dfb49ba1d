"""The example project with its files in S3."""

from __future__ import annotations

import http.client
import random
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from hashlib import sha256

import pytest

from django_largefiles.options import MIB
from example_project.memory import MemoryWatch
from example_project.processes import Server
from tests.integration.conftest import ANYTHING, Example, client_of
from tests.integration.resumable import Connection, Upload
from tests.s3.servers import ACCESS_KEY, SECRET_KEY, S3Bucket

pytestmark = pytest.mark.integration

MOST_MEMORY = 96 * MIB
BLOCK = random.Random(4).randbytes(MIB)


@pytest.fixture
def env(seaweedfs_bucket: S3Bucket) -> Mapping[str, str]:
    return {
        **ANYTHING,
        "EXAMPLE_STORAGE": "s3",
        "EXAMPLE_DELIVERY": "stream",
        "EXAMPLE_S3_ENDPOINT": seaweedfs_bucket.endpoint,
        "EXAMPLE_S3_BUCKET": seaweedfs_bucket.name,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": "us-east-1",
    }


def content(start: int, end: int) -> bytes:
    """Of whole MiB; no two of them are alike."""
    return b"".join(number.to_bytes(8, "big") + BLOCK[8:] for number in range(start, end))


def test_an_upload_goes_on_on_another_machine_after_a_kill(
    example: Example, env: Mapping[str, str], seaweedfs_bucket: S3Bucket, wait_for: Callable[..., None]
) -> None:
    first, second = example.server(env=env), example.server(env=env)
    upload = Upload.create(first, 40 * MIB)
    assert upload.append(0, content(0, 9)).offset == 9 * MIB
    with Connection(first) as connection:
        connection.send(upload.append_head(connection, 9 * MIB, 31 * MIB) + content(9, 30))
        wait_for(seaweedfs_bucket.unfinished)
        first.kill()
    elsewhere = replace(upload, server=second)
    reached = elsewhere.ask().offset
    assert reached >= 9 * MIB
    assert elsewhere.append(reached, content(9, 40)[reached - 9 * MIB :]).status == 204
    example.worker(env=env)
    asset = client_of(second).wait_until_settled(upload.asset_id, patience=60)
    assert (asset["state"], asset["sha256"]) == ("ready", sha256(content(0, 40)).hexdigest())
    [name] = example.column("file")
    assert seaweedfs_bucket.content(name) == content(0, 40)
    assert (seaweedfs_bucket.keys(), seaweedfs_bucket.unfinished()) == ([name], [])


def download(server: Server, asset_id: str, headers: Mapping[str, str]) -> tuple[int, int, str]:
    """Status, length and digest of what is answered."""
    with closing(http.client.HTTPConnection(server.host, server.port, timeout=60)) as connection:
        connection.request("GET", f"/files/assets/{asset_id}/download/", headers=dict(headers))
        answer, digest, length = connection.getresponse(), sha256(), 0
        while piece := answer.read(MIB):
            digest.update(piece)
            length += len(piece)
        return answer.status, length, digest.hexdigest()


def test_a_large_file_costs_no_memory_in_and_out(
    example: Example, env: Mapping[str, str], record_property: Callable[[str, object], None]
) -> None:
    size, whole = 256, sha256()
    server, worker = example.server(env=env), example.worker(env=env)
    asgi = example.server(kind="uvicorn", env=env)
    upload = Upload.create(server, size * MIB)
    with MemoryWatch(server.pid) as web, MemoryWatch(worker.pid) as work, MemoryWatch(asgi.pid) as second:
        with Connection(server, patience=60) as connection:
            connection.send(upload.append_head(connection, 0, size * MIB))
            for number in range(size):
                piece = content(number, number + 1)
                whole.update(piece)
                connection.send(piece)
            assert connection.answer().status == 204
        asset = client_of(server).wait_until_settled(upload.asset_id, patience=60)
        assert (asset["state"], asset["sha256"]) == ("ready", whole.hexdigest())
        for each in (server, asgi):
            assert download(each, upload.asset_id, {}) == (200, size * MIB, whole.hexdigest())
            part = sha256(content(100, 150)[7:]).hexdigest()
            wanted = {"Range": f"bytes={100 * MIB + 7}-{150 * MIB - 1}"}
            assert download(each, upload.asset_id, wanted) == (206, 50 * MIB - 7, part)
    for name, watch in (("gunicorn", web), ("worker", work), ("uvicorn", second)):
        record_property(f"rise of {name}, MiB", watch.rise / MIB)
    assert max(web.rise, work.rise, second.rise) < MOST_MEMORY
    assert not any(example.media.rglob("*"))
