"""Commands and scripts of the documentation that need a server."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from django.core.management import call_command

pytest.importorskip("rest_framework", reason="Django REST framework is not installed")

from tests.integration.projects import USER, Project, logged_in
from tests.integration.test_clients import CLIENTS, needs_curl, needs_node
from tests.s3.servers import S3Bucket
from tests.snippets.blocks import Block
from tests.snippets.claims import claim
from tests.snippets.commands import command_lines

TUS = claim("docs/resumable.rst", "-H 'Content-Type: application/offset+octet-stream' --data-binary @holiday.mp4")
DRAFT = claim("docs/resumable.rst", "-H 'Content-Type: application/partial-upload' --data-binary @holiday.mp4")
BROWSER = claim("docs/resumable.rst", 'import * as tus from "tus-js-client";')
API = claim(
    "docs/rest-api.rst", "$ curl -u ada -F profile=videos -F file=@holiday.mp4 https://example.org/api/assets/"
)
API_LIST = claim(
    "docs/rest-api.rst",
    "$ curl -u ada 'https://example.org/api/assets/?state=ready&type=video/*&created_after=2026-05-04T12:00:00Z'",
)
DIRECT = claim("docs/direct.rst", "$ curl -T holiday.mp4 '<url>'")

URLS = """
from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("files/", include("django_largefiles.urls")),
    path("api/", include("django_largefiles.api.urls")),
]
"""
SETTINGS = """
INSTALLED_APPS += ["django_largefiles", "rest_framework"]
LARGEFILES = {{"PROFILES": {{"videos": {{}}}}, "STORAGE": "files"}}
STORAGES = {{"files": {storage!r}, "staticfiles": {{"BACKEND": "django.core.files.storage.InMemoryStorage"}}}}
"""
LOCAL = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": "files"}}

pytestmark = pytest.mark.integration


@dataclass(frozen=True, kw_only=True)
class Site:
    project: Project
    address: str

    def run(self, command_line: str, **placeholders: str) -> str:
        """Run a command of the documentation on this site, as its user."""
        here = command_line.replace("https://example.org", self.address).replace("-u ada", "-u <user>")
        return self.project.shell(here, **placeholders)

    def download(self, asset_id: str) -> bytes:
        return requests.get(f"{self.address}/api/assets/{asset_id}/download/", auth=USER).content


def made(folder: Path, samples: Path, storage: object) -> Project:
    """A project in ``folder`` with the API, the resumable protocols, the profile that pages name, and a film."""
    project = Project(folder)
    call_command("startproject", "mysite", str(folder))
    project.append("settings.py", SETTINGS.format(storage=storage))
    project.write("urls.py", URLS)
    shutil.copy(samples / "a.mp4", folder / "holiday.mp4")
    project.manage(["migrate", "-v0"], ["createsuperuser", "--noinput"])
    return project


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Iterator[Site]:
    project = made(tmp_path_factory.mktemp("project"), samples, LOCAL)
    with project.server() as address:
        yield Site(project=project, address=address)


@pytest.fixture
def film(samples: Path) -> bytes:
    return (samples / "a.mp4").read_bytes()


@needs_curl
def test_a_file_is_sent_to_the_api(site: Site, film: bytes) -> None:  # needs_curl
    (upload,) = command_lines(API)
    asset = json.loads(site.run(upload))
    assert (asset["profile"], asset["state"]) == ("videos", "ready")
    assert site.download(asset["id"]) == film
    (listing,) = command_lines(API_LIST)
    assert asset["id"] in [listed["id"] for listed in json.loads(site.run(listing))["results"]]


@needs_curl
@pytest.mark.parametrize("block", [TUS, DRAFT], ids=["tus", "draft"])
def test_a_file_is_sent_resumably(site: Site, film: bytes, block: Block) -> None:  # needs_curl
    create, append = command_lines(block)
    location = re.findall(r"(?im)^Location: (\S+)", site.run(create))[0]
    assert re.match(r"HTTP/1.1 20[14] ", site.run(append, Location=location))
    assert site.download(location.rstrip("/").rpartition("/")[2]) == film


PAGE = """
import {{ readFileSync }} from "node:fs";
const file = Object.assign(readFileSync("holiday.mp4"), {{ name: "holiday.mp4", type: "video/mp4" }});
const csrfToken = "{csrftoken}";
const show = console.log;
"""


@needs_node
def test_a_page_sends_a_file_resumably(site: Site, film: bytes, tmp_path: Path) -> None:  # needs_node
    cookies = logged_in(f"{site.address}/admin/login/").cookies.get_dict()
    # What a browser does by itself.
    sent = "; ".join(f"{name}={value}" for name, value in cookies.items())
    script = BROWSER.text.replace('"/files', f'"{site.address}/files')
    script = script.replace('"X-CSRFToken":', f'Cookie: "{sent}", "X-CSRFToken":')
    (tmp_path / "page.mjs").write_text(PAGE.format(**cookies) + script)
    (tmp_path / "holiday.mp4").write_bytes(film)
    (tmp_path / "node_modules").symlink_to(CLIENTS / "node_modules")
    done = subprocess.run(["node", "page.mjs"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert site.download(done.stdout.strip().rstrip("/").rpartition("/")[2]) == film


@needs_curl
def test_a_file_is_sent_to_the_bucket(
    seaweedfs_bucket: S3Bucket, samples: Path, film: bytes, tmp_path: Path
) -> None:  # needs_curl
    storage = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": seaweedfs_bucket.options}
    project = made(tmp_path, samples, storage)
    create, sign, send, complete = command_lines(DIRECT)
    with project.server() as address:
        site = Site(project=project, address=address)
        upload = json.loads(site.run(create.replace("5429", str(len(film)))))
        (part,) = json.loads(site.run(sign, id=upload["id"]))
        site.run(send, url=part["url"])
        asset = json.loads(site.run(complete, id=upload["id"]))
        assert (asset["id"], asset["size"]) == (upload["id"], len(film))
        assert site.download(asset["id"]) == film
