"""The quick start of ``README.md``, as a user follows it: a new project, the lines of the README and its commands."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from django.core.management import call_command

from tests.integration.projects import Project
from tests.integration.test_clients import needs_curl
from tests.snippets.blocks import find
from tests.snippets.claims import claim
from tests.snippets.commands import command_lines, split

SETTINGS = find("README.md", 'INSTALLED_APPS += ["django_largefiles"]')
URLS = claim("README.md", 'path("files/", include("django_largefiles.urls")),')
COMMANDS = claim("README.md", "$ python manage.py largefiles_ingest --owner <user> holiday.mp4")
API_SETTINGS = find("README.md", 'INSTALLED_APPS += ["rest_framework"]')
API_URLS = find("README.md", 'urlpatterns += [path("api/", include("django_largefiles.api.urls"))]')
API_COMMANDS = claim("README.md", "$ curl -u <user> -F file=@holiday.mp4 http://127.0.0.1:8000/api/assets/")

OF_THE_MACHINE = {"W010", "W012"}
"""Checks that name what this machine lacks: layers of confinement, and the extra ``video``."""

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Project:
    """A new project with the settings and URLs of the quick start."""
    project = Project(tmp_path_factory.mktemp("project"))
    call_command("startproject", "mysite", str(project.folder))
    project.append("settings.py", SETTINGS.text)
    project.write("urls.py", URLS.text)
    shutil.copy(samples / "a.mp4", project.folder / "holiday.mp4")
    return project


@pytest.fixture(scope="module")
def printed(project: Project) -> str:
    """What the commands of the quick start print, and ``check`` before them."""
    calls = [words[2:] for line in command_lines(COMMANDS) for words in split(line)]
    migrate, create_user, ingest, serve = calls
    assert serve == ["runserver"]
    return project.manage(["check"], migrate, [*create_user, "--noinput"], ingest)


def test_checks_are_silent_and_the_first_file_is_ready(project: Project, printed: str) -> None:
    assert set(re.findall(r"django_largefiles\.(\w+)\)", printed)) <= OF_THE_MACHINE
    with closing(sqlite3.connect(project.folder / "db.sqlite3")) as database:
        rows = list(database.execute("SELECT state, storage, width FROM django_largefiles_fileasset"))
    assert rows == [("ready", "largefiles", 64)]


@needs_curl
@pytest.mark.usefixtures("printed")
def test_a_file_goes_up_and_down_through_the_rest_api(project: Project, tmp_path: Path) -> None:  # needs_curl
    with_api = Project(shutil.copytree(project.folder, tmp_path / "project"))
    with_api.append("settings.py", API_SETTINGS.text)
    with_api.append("urls.py", API_URLS.text)
    upload, download = command_lines(API_COMMANDS)
    with with_api.server() as address:
        asset = json.loads(with_api.shell(upload.replace("http://127.0.0.1:8000", address)))
        with_api.shell(download.replace("http://127.0.0.1:8000", address), id=asset["id"])
    assert asset["state"] == "ready"
    assert (with_api.folder / "copy.mp4").read_bytes() == (with_api.folder / "holiday.mp4").read_bytes()
