"""Data and configurations that the documentation shows."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from django_largefiles.sandbox.confinement import LAYERS
from django_largefiles.states import State
from django_largefiles.stores import store_for
from django_largefiles.stores.s3.inspection import Inspection
from example_project.processes import ALLOCATOR
from tests.conftest import EXECUTABLE, IMMEDIATE, Largefiles
from tests.s3.servers import S3Bucket
from tests.snippets.blocks import ROOT, Block, find
from tests.snippets.claims import claim
from tests.snippets.commands import check
from tests.snippets.project import run_settings

README_STATES = claim("README.md", "receiving ──complete──▶ received ──claim──▶ processing ──verified──────▶ ready")
STATES_IN_CODE = claim("docs/internals.rst", "ready ──block──▶ rejected")
CONFINEMENT = claim(
    "docs/confinement.rst",
    "dies-with-parent rlimits no-capabilities no-new-privs not-dumpable landlock-7 seccomp",
)
ALLOCATION = claim("docs/deployment.rst", "MALLOC_TRIM_THRESHOLD_=67108864")
NGINX = claim("docs/deployment.rst", "proxy_pass http://127.0.0.1:8000;")
CRON = claim("docs/deployment.rst", "* * * * *  cd /srv/mysite && venv/bin/python manage.py largefiles_sweep")
CLAMD = claim("docs/scanning.rst", "StreamMaxLength 2000M")
CLAMD_SETTINGS = find("docs/scanning.rst", '"BACKEND": "django_largefiles.scanners.clamav.ClamdScanner",')
CORS = claim("docs/direct.rst", '"CORSRules": [')
PERMISSIONS = claim("docs/s3.rst", '"Version": "2012-10-17",')
LIFECYCLE = claim("docs/s3.rst", '"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}},')
ASSET = claim("docs/rest-api.rst", '"id": "feabff1d-71d6-449d-adb5-722fd0c395e5",')
PROBLEM = claim("docs/rest-api.rst", '"code": "type_not_allowed",')
FORM = claim("docs/rest-api.rst", "const form = new FormData();")

MIB = 1024**2

needs_nginx = pytest.mark.skipif(not shutil.which("nginx"), reason="nginx is not installed")
needs_node = pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")


@pytest.mark.parametrize("block", [README_STATES, STATES_IN_CODE], ids=str)
def test_states_are_those_of_the_code(block: Block) -> None:
    assert set(State.values) <= set(re.findall(r"\w+", block.text))


def test_states_are_those_of_the_picture() -> None:
    assert set(State.values) <= set(re.findall(r">(\w+)</text>", (ROOT / "docs" / "images" / "life.svg").read_text()))


def test_layers_are_in_the_order_in_which_they_are_applied() -> None:
    assert tuple(re.sub(r"-\d+\b", "", CONFINEMENT.text).split()) == LAYERS


def test_allocator_variables_are_those_of_the_example() -> None:
    assert dict(line.split("=") for line in ALLOCATION.lines) == ALLOCATOR


def test_cron_runs_a_command_that_exists() -> None:
    minute, hour, day, month, weekday, command = CRON.text.split(maxsplit=5)
    assert {minute, hour, day, month, weekday} == {"*"}
    check(command)


def test_clamd_and_its_scanner_have_the_same_limits(tmp_path: Path) -> None:
    options = run_settings(CLAMD_SETTINGS.text, tmp_path)["LARGEFILES"]["SCANNERS"][0]["OPTIONS"]
    limits = {name: int(value) * MIB for name, value in re.findall(r"^(\w+) (\d+)M$", CLAMD.text, re.MULTILINE)}
    assert limits == {
        "StreamMaxLength": options["stream_max_length"],
        "MaxFileSize": options["max_file_size"],
        "MaxScanSize": options["max_scan_size"],
    }


@needs_nginx
def test_nginx_accepts_its_configuration(tmp_path: Path) -> None:  # needs_nginx
    configuration = tmp_path / "nginx.conf"
    log = f"error_log {tmp_path}/error.log; pid {tmp_path}/nginx.pid;"
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = " ".join(f"{kind}_temp_path {tmp_path}/{kind};" for kind in kinds)
    server = f"server {{ listen 127.0.0.1:8080; {NGINX.text} }}"
    configuration.write_text(f"{log} events {{}} http {{ access_log off; {paths} {server} }}")
    command = ["nginx", "-t", "-p", str(tmp_path), "-c", str(configuration)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.django_db
def test_rules_of_a_bucket_satisfy_the_checks(bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    # moto answers all requests, signed or not.
    monkeypatch.setattr(Inspection, "is_open_to_all", lambda self: False)
    client, name = bucket.client, bucket.name
    client.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration=json.loads(LIFECYCLE.text))
    client.put_bucket_cors(Bucket=name, CORSConfiguration=json.loads(CORS.text))
    assert list(store_for(bucket.storage()).probe(["https://example.org"])) == []


@pytest.mark.s3
def test_permissions_are_a_valid_policy() -> None:
    policies = pytest.importorskip("moto.iam.policy_validation")
    policies.IAMPolicyDocumentValidator(PERMISSIONS.text).validate()


@pytest.fixture
def client(client: Client, owner: User, largefiles: Largefiles) -> Client:
    pytest.importorskip("rest_framework", reason="Django REST framework is not installed")
    scanners = [{"BACKEND": "django_largefiles.testing.scanners.FakeScanner"}]
    types = ["image/jpeg", "image/png", "application/pdf"]
    largefiles.set(DISPATCHER=IMMEDIATE, SCANNERS=scanners, ALLOWED_MIME_TYPES=types)
    client.force_login(owner)
    return client


def shape(value: Any) -> Any:
    """Return ``value`` with types in the place of what differs between files."""
    if isinstance(value, dict):
        return {key: shape(member) for key, member in value.items()}
    return type(value)


def post(client: Client, content: bytes) -> Any:
    file = SimpleUploadedFile("photo.jpg", content, "image/jpeg")
    return client.post("/api/assets/", {"file": file}).json()


@pytest.mark.django_db(transaction=True)
def test_an_asset_is_described_as_shown(client: Client) -> None:
    picture = BytesIO()
    Image.new("RGB", (640, 480)).save(picture, "JPEG")
    created = post(client, picture.getvalue())
    answer, shown = client.get(f"/api/assets/{created['id']}/").json(), json.loads(ASSET.text)
    assert shape(answer) == shape(shown)
    of_this_file = {"id", "received", "size", "sha256", "created_at", "updated_at", "processed_at"}
    assert {key: answer[key] for key in shown if key not in of_this_file} == {
        key: value for key, value in shown.items() if key not in of_this_file
    }


@pytest.mark.django_db(transaction=True)
def test_a_refusal_is_answered_as_shown(client: Client) -> None:
    library = EXECUTABLE.replace(b"\x02\x00\x3e", b"\x03\x00\x3e")
    assert post(client, library) == json.loads(PROBLEM.text)


PAGE = """
const token = "token", input = {files: [new File(["content"], "photo.jpg")]};
globalThis.fetch = async (url, {method, headers, body}) =>
  console.log(JSON.stringify([method, url, headers, [...body.keys()]]));
"""


@needs_node
def test_a_page_sends_the_profile_before_the_file(tmp_path: Path) -> None:  # needs_node
    script = tmp_path / "form.mjs"
    # ``File`` became global in node 20.
    script.write_text(f'import {{ File }} from "node:buffer";{PAGE}{FORM.text}')
    done = subprocess.run(["node", str(script)], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == ["POST", "/api/assets/", {"X-CSRFToken": "token"}, ["profile", "file"]]
