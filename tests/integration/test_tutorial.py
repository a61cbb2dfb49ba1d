"""The tutorial, step by step."""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from django.core.management import call_command

from tests.conftest import EXECUTABLE
from tests.integration.brokers import needs_redis, redis
from tests.integration.projects import USER, Project, logged_in
from tests.integration.test_clients import needs_curl
from tests.snippets.blocks import find
from tests.snippets.claims import claim
from tests.snippets.commands import command_lines, split

SETTINGS = find("docs/tutorial.rst", 'LOGIN_URL = "admin:login"')
CREATE_TABLES = find("docs/tutorial.rst", "$ python manage.py migrate")
FILES = {
    "views.py": claim("docs/tutorial.rst", "def asset(request, asset_id):"),
    "templates/upload.html": claim("docs/tutorial.rst", "<button>Upload</button>"),
    "templates/asset.html": claim("docs/tutorial.rst", "<h1>{{ asset.original_name }}</h1>"),
    "urls.py": claim("docs/tutorial.rst", 'path("", views.upload, name="upload"),'),
}
INGEST = claim("docs/tutorial.rst", "$ python manage.py largefiles_ingest --owner <your user name> holiday.mp4")
CELERY_FILES = {
    "celery.py": claim("docs/tutorial.rst", 'app = Celery("mysite")'),
    "__init__.py": claim("docs/tutorial.rst", "from .celery import app as celery_app"),
}
CELERY_SETTINGS = find("docs/tutorial.rst", "CELERY_TASK_IGNORE_RESULT = True")
START_WORKER = find("docs/tutorial.rst", "$ celery -A mysite worker -B --loglevel INFO")
CHECK_DOWNLOAD = claim("docs/tutorial.rst", "$ sha256sum copy.mp4 holiday.mp4")

pytestmark = pytest.mark.integration


def calls(lines: list[str]) -> list[list[str]]:
    """Return the arguments of ``manage.py`` in each line."""
    return [words[2:] for line in lines for words in split(line)]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Project:
    """The project when its first file may be uploaded."""
    project = Project(tmp_path_factory.mktemp("tutorial"))
    call_command("startproject", "mysite", str(project.folder))
    project.append("settings.py", SETTINGS.text)
    for name, block in FILES.items():
        project.write(name, block.text)
    check, migrate, create_user = calls(command_lines(CREATE_TABLES))
    project.manage(check, migrate, [*create_user, "--noinput"])
    shutil.copy(samples / "a.mp4", project.folder / "holiday.mp4")
    return project


def send(session: requests.Session, address: str, name: str, content: bytes, accept: str = "*/*") -> requests.Response:
    fields = {"csrfmiddlewaretoken": session.cookies["csrftoken"]}
    return session.post(address, fields, files={"file": (name, content)}, headers={"Accept": accept})


def test_a_file_is_uploaded_described_and_downloaded(project: Project) -> None:
    content = (project.folder / "holiday.mp4").read_bytes()
    with project.server() as address:
        session = logged_in(f"{address}/admin/login/")
        assert 'type="file"' in session.get(address).text
        page = send(session, address, "holiday.mp4", content).text
        download = re.findall(r'href="(\S+)">Download', page)[0]
        described = ("ready", "64 × 48 pixels", "video/mp4", hashlib.sha256(content).hexdigest())
        assert [shown for shown in described if shown not in page] == []
        assert session.get(f"{address}{download}").content == content
        refused = send(session, address, "photo.jpg", EXECUTABLE)
        seen = send(session, address, "photo.jpg", EXECUTABLE, accept="text/html,*/*;q=0.8")
    assert (refused.status_code, refused.json()["code"]) == (415, "type_not_allowed")
    assert (seen.status_code, seen.headers["Content-Type"]) == (415, "text/html; charset=utf-8")
    assert "This is a program, not an image. Allowed here: JPEG, PNG, " in seen.text


@needs_curl
def test_a_download_is_checked(project: Project) -> None:  # needs_curl
    ingest = [line.replace("<your user name>", USER[0]) for line in command_lines(INGEST)]
    asset_id, _ = project.manage(*calls(ingest)).split()
    content = (project.folder / "holiday.mp4").read_bytes()
    with project.server() as address:
        cookie = logged_in(f"{address}/admin/login/").cookies["sessionid"]
        head, digests, start = (
            project.shell(
                line.replace("sessionid=…", f"sessionid={cookie}").replace("http://127.0.0.1:8000", address),
                id=asset_id,
            )
            for line in command_lines(CHECK_DOWNLOAD)
        )
    sha256 = hashlib.sha256(content).hexdigest()
    assert "Repr-Digest: sha-256=" in head
    assert sha256 in head
    assert digests.split() == [sha256, "copy.mp4", sha256, "holiday.mp4"]
    assert content[:16].hex() in start.replace(" ", "")


@needs_redis
def test_a_worker_processes_what_waited_for_it(
    project: Project, tmp_path: Path, wait_for: Callable[..., None]
) -> None:  # needs_redis
    with_celery = Project(shutil.copytree(project.folder, tmp_path / "project"))
    for name, block in CELERY_FILES.items():
        with_celery.write(name, block.text)
    content = (project.folder / "holiday.mp4").read_bytes()
    start_worker, _ = (words for line in command_lines(START_WORKER) for words in split(line))
    with redis(tmp_path) as broker:
        with_celery.append("settings.py", CELERY_SETTINGS.text.replace("redis://127.0.0.1:6379/0", broker.url))
        with with_celery.server() as address:
            session = logged_in(f"{address}/admin/login/")
            answer = send(session, address, "holiday.mp4", content)
            assert "received" in answer.text
            with with_celery.started([sys.executable, "-m", *start_worker], r" (ready)\."):
                wait_for(lambda: "64 × 48 pixels" in session.get(answer.url).text)
