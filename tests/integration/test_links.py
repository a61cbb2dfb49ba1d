"""Signed links over real servers, followed by curl, which has neither a session nor a cookie."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from example_project.processes import Server, manage
from tests.integration.conftest import ANYTHING, Example

needs_curl = pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")

pytestmark = [pytest.mark.integration, needs_curl]

ENV = {**ANYTHING, "EXAMPLE_ACCESS": "login", "DJANGO_SETTINGS_MODULE": "tests.integration.immediate_settings"}

INGEST = """
import json
from django_largefiles.models import FileAsset
asset = FileAsset.objects.ingest({path!r})
print(json.dumps([asset.url, asset.signed_url()]))
"""
BLOCK = """
import json
from django_largefiles import lifecycle
from django_largefiles.models import FileAsset
print(json.dumps([lifecycle.block(asset.pk) for asset in FileAsset.objects.all()]))
"""


def run(example: Example, code: str) -> Any:
    """What the code prints, in the example's shell."""
    env = {**example.env, **ENV}
    return json.loads(manage("shell", "-v", "0", "-c", code, data_dir=example.data_dir, env=env))


def at(server: Server, path: str) -> str:
    return server.url.rstrip("/") + path


def curl(server: Server, path: str, *options: str) -> tuple[int, str, bytes]:
    """The status, headers and content of an answer."""
    command = ["curl", "--silent", "--include", *options, at(server, path)]
    head, _, content = subprocess.run(command, capture_output=True, check=True).stdout.partition(b"\r\n\r\n")
    return int(head.split()[1]), head.decode().lower(), content


@pytest.mark.parametrize("kind", ["gunicorn", "uvicorn"])
def test_curl_follows_a_link_until_the_takedown(kind: str, example: Example, picture: Path, tmp_path: Path) -> None:
    server = example.server(kind=kind, env=ENV)
    plain, link = run(example, INGEST.format(path=str(picture)))
    content = picture.read_bytes()

    status, head, whole = curl(server, link)
    assert (status, whole) == (200, content)
    assert "set-cookie" not in head
    assert "cross-origin-resource-policy: cross-origin" in head
    status, head, _ = curl(server, link, "--head")
    assert (status, f"content-length: {len(content)}" in head) == (200, True)
    assert curl(server, link, "--range", "10-19")[::2] == (206, content[10:20])

    partial = tmp_path / "partial.png"
    partial.write_bytes(content[:3000])
    subprocess.run(["curl", "--silent", "--continue-at", "-", "--output", partial, at(server, link)], check=True)
    assert partial.read_bytes() == content

    assert curl(server, plain)[0] == 404
    assert curl(server, link.replace("/links/", "/links/A"))[0] == 403
    assert run(example, BLOCK) == [True]
    status, _, problem = curl(server, link)
    assert (status, json.loads(problem)["code"]) == (410, "link_revoked")
