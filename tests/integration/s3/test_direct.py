"""Direct uploads to a server that looks at what is sent: by a script of the documentation, and by hand."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

pytest.importorskip("rest_framework", reason="Django REST framework is not installed")

from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import Settings

from django_largefiles.models import FileAsset
from django_largefiles.options import MIB
from django_largefiles.pipeline.processing import process
from django_largefiles.states import Reason, State
from django_largefiles.stores.s3.plan import PART
from example_project.processes import Server, manage
from tests.api.direct_client import DirectClient
from tests.conftest import EXECUTABLE, png
from tests.integration.conftest import ANYTHING, Example, io_counters
from tests.integration.test_large_files import family, linux
from tests.s3.servers import ACCESS_KEY, SECRET_KEY, S3Bucket

pytestmark = pytest.mark.integration

SCRIPT = Path(__file__).resolve().parents[3] / "docs" / "examples" / "upload_direct.py"
SIZE = 200 * MIB + 1
USER = {"LARGEFILES_USER": "demo", "LARGEFILES_PASSWORD": "demo"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "data.bin"
    with path.open("wb") as file:
        for _ in range(SIZE // MIB):
            file.write(random.randbytes(MIB))
        file.write(b"\0")
    return path


@pytest.fixture
def on_s3(example: Example, seaweedfs_bucket: S3Bucket) -> Example:
    example.env |= {
        **ANYTHING,
        "EXAMPLE_ACCESS": "login",
        "EXAMPLE_STORAGE": "s3",
        "EXAMPLE_S3_BUCKET": seaweedfs_bucket.name,
        "EXAMPLE_S3_ENDPOINT": seaweedfs_bucket.endpoint,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    manage("create_demo_user", data_dir=example.data_dir)
    return example


def start(server: Server, file: Path) -> subprocess.Popen[str]:
    command = [sys.executable, str(SCRIPT), f"{server.url}api/", str(file)]
    return subprocess.Popen(command, env={**os.environ, **USER}, stdout=subprocess.PIPE, text=True)


def parts_of(bucket: S3Bucket) -> int:
    """How many the only unfinished upload has."""
    found = bucket.client.list_multipart_uploads(Bucket=bucket.name).get("Uploads", ())
    counted = (
        bucket.client.list_parts(Bucket=bucket.name, Key=upload["Key"], UploadId=upload["UploadId"])
        for upload in found
    )
    return sum(len(listed.get("Parts", ())) for listed in counted)


@linux
def test_a_script_that_was_killed_sends_only_what_is_missing_and_the_site_sees_no_byte(
    on_s3: Example,
    seaweedfs_bucket: S3Bucket,
    file: Path,
    wait_for: Callable[..., None],
    record_property: Callable[[str, object], None],
) -> None:
    server, _ = on_s3.server(), on_s3.worker()
    read_before = io_counters(family(server.pid), "rchar")
    with start(server, file) as killed:
        wait_for(lambda: parts_of(seaweedfs_bucket) >= 5)
        killed.kill()
    there = parts_of(seaweedfs_bucket)
    assert 5 <= there < 26
    with start(server, file) as resumed:
        output, _ = resumed.communicate(timeout=120)
    said, answer = output.splitlines()
    read = io_counters(family(server.pid), "rchar") - read_before
    record_property("parts before the script was killed", there)
    record_property("read by the web server, MiB", read / MIB)
    assert resumed.returncode == 0
    # One more may have been on the wire.
    assert said in {f"sending {26 - there} of 26 parts", f"sending {25 - there} of 26 parts"}
    assert read < 20 * MIB
    site = requests.Session()
    site.auth = USER["LARGEFILES_USER"], USER["LARGEFILES_PASSWORD"]
    asset = f"{server.url}api/assets/{json.loads(answer)['id']}/"
    wait_for(lambda: site.get(asset, timeout=30).json()["state"] == State.READY)
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    assert site.get(asset, timeout=30).json()["sha256"] == sha256
    redirected = site.get(f"{asset}download/", allow_redirects=False, timeout=30)
    assert redirected.status_code == 302
    served = requests.get(redirected.headers["Location"], timeout=60)
    assert served.headers["Content-Disposition"] == 'attachment; filename="data.bin"'
    assert hashlib.sha256(served.content).hexdigest() == sha256


@pytest.fixture
def direct(client: Client, owner: User, settings: Settings, seaweedfs_bucket: S3Bucket) -> DirectClient:
    settings.STORAGES = {**settings.STORAGES, "default": seaweedfs_bucket.setting}
    client.force_login(owner)
    return DirectClient(client)


PICTURE = png(padding=PART + 1000)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("change", [-1, 1], ids=["shorter", "longer"])
def test_a_part_of_another_length_does_not_arrive(direct: DirectClient, change: int) -> None:
    upload = direct.create(PICTURE)
    direct.send(upload, PICTURE, 1)
    (last,) = direct.sign(upload, 2).json()
    wrong = requests.put(last["url"], data=(PICTURE + b"\0")[PART : len(PICTURE) + change], timeout=30)
    assert wrong.status_code == 403
    answer = direct.complete(upload)
    assert (answer.status_code, answer.json()["code"], answer.json()["value"]) == (409, "parts_missing", "2")
    direct.send(upload, PICTURE, 2)
    assert direct.complete(upload).status_code == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("content", "said", "reason"),
    [
        (EXECUTABLE, {}, Reason.TYPE_NOT_ALLOWED),
        (PICTURE, {"sha256": "0" * 64}, Reason.DIGEST_MISMATCH),
    ],
    ids=["type", "digest"],
)
def test_a_broken_promise_is_never_served(
    direct: DirectClient, seaweedfs_bucket: S3Bucket, content: bytes, said: dict[str, Any], reason: Reason
) -> None:
    answer = direct.upload(content, **said)
    download = f"/api/assets/{answer.json()['id']}/download/"
    assert direct.client.get(download).status_code == 409
    process(FileAsset.objects.get().pk)
    asset = FileAsset.objects.get()
    assert (asset.state, asset.reason) == (State.REJECTED, reason)
    assert direct.client.get(download).status_code == 409
    assert (seaweedfs_bucket.keys(), seaweedfs_bucket.unfinished()) == ([], [])


@pytest.mark.django_db(transaction=True)
def test_a_kept_promise_is(direct: DirectClient) -> None:
    answer = direct.upload(PICTURE, sha256=hashlib.sha256(PICTURE).hexdigest())
    process(FileAsset.objects.get().pk)
    redirected = direct.client.get(f"/api/assets/{answer.json()['id']}/download/")
    assert requests.get(redirected["Location"], timeout=30).content == PICTURE
