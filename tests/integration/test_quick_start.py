"""The quick start of ``README.md``, as a user follows it: a new project, the lines of the README and its commands."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import requests
from django.core.management import call_command

README = Path(__file__).parents[2].joinpath("README.md").read_text()
USER = ("ada", "a long passphrase")
SUPERUSER = {
    "DJANGO_SUPERUSER_USERNAME": USER[0],
    "DJANGO_SUPERUSER_PASSWORD": USER[1],
    "DJANGO_SUPERUSER_EMAIL": "ada@example.com",
}

MANAGE = """
import json, sys
from django.core.management import execute_from_command_line
for call in json.loads(sys.argv[1]):
    execute_from_command_line(["manage.py", *call])
"""
"""Several commands in one process, because a start of Python and Django takes longer than each of them."""

OF_THE_MACHINE = {"W010", "W012"}
"""Checks that name what this machine lacks: layers of confinement, and the extra ``video``."""

pytestmark = pytest.mark.integration


def section(heading: str) -> str:
    return README.split(f"\n{heading}\n")[1].split("\n##")[0]


def blocks(heading: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", section(heading), re.DOTALL)


def environment(**more: str) -> Mapping[str, str]:
    """The environment without the settings of the tests, which pytest-django puts there."""
    inherited = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    return {**inherited, "PYTHONUNBUFFERED": "1", **more}


def append(path: Path, lines: str) -> None:
    path.write_text(f"{path.read_text()}\n{lines}")


def manage(project: Path, *calls: list[str]) -> str:
    """Return what management commands print, warnings included."""
    command = [sys.executable, "-c", MANAGE, json.dumps(calls)]
    env = environment(DJANGO_SETTINGS_MODULE="mysite.settings", **SUPERUSER)
    done = subprocess.run(
        command, cwd=project, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def commands() -> dict[str, list[str]]:
    """The arguments of each management command that the quick start names, in its order."""
    lines = re.findall(r"^\$ python manage\.py (.+)$", section("## Quick start"), re.MULTILINE)
    calls = [shlex.split(line.replace("<user>", USER[0])) for line in lines]
    return {call[0]: call for call in calls}


@contextmanager
def server(project: Path) -> Iterator[str]:
    """Serve the project, and yield its address."""
    command = [sys.executable, "manage.py", *commands()["runserver"], "--noreload", "127.0.0.1:0"]
    with subprocess.Popen(
        command, cwd=project, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout
        try:
            found = (re.search(r"server at (http://\S+:\d+)/", line) for line in process.stdout)
            yield next(address[1] for address in found if address)
        finally:
            process.kill()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Path:
    """A new project with the settings and URLs of the quick start."""
    folder = tmp_path_factory.mktemp("project")
    call_command("startproject", "mysite", str(folder))
    settings, urls = blocks("## Quick start", "python")
    append(folder / "mysite" / "settings.py", settings)
    (folder / "mysite" / "urls.py").write_text(urls)
    shutil.copy(samples / "a.mp4", folder / "holiday.mp4")
    return folder


@pytest.fixture(scope="module")
def printed(project: Path) -> str:
    """What the commands of the quick start print, and ``check`` before them."""
    call = commands()
    create_user = [*call["createsuperuser"], "--noinput"]
    return manage(project, ["check"], call["migrate"], create_user, call["largefiles_ingest"])


def test_checks_are_silent_and_the_first_file_is_ready(project: Path, printed: str) -> None:
    assert set(re.findall(r"django_largefiles\.(\w+)\)", printed)) <= OF_THE_MACHINE
    with closing(sqlite3.connect(project / "db.sqlite3")) as database:
        rows = list(database.execute("SELECT state, storage, width FROM django_largefiles_fileasset"))
    assert rows == [("ready", "largefiles", 64)]


@pytest.mark.usefixtures("printed")
def test_a_file_goes_up_and_down_through_the_rest_api(project: Path, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    shutil.copytree(project, folder)
    settings, urls = blocks("### Upload through the REST API", "python")
    append(folder / "mysite" / "settings.py", settings)
    append(folder / "mysite" / "urls.py", urls)
    content = (folder / "holiday.mp4").read_bytes()
    with server(folder) as address:
        uploaded = requests.post(f"{address}/api/assets/", files={"file": ("holiday.mp4", content)}, auth=USER)
        asset = uploaded.json()
        downloaded = requests.get(f"{address}/api/assets/{asset['id']}/download/", auth=USER)
    assert (uploaded.status_code, asset["state"]) == (201, "ready")
    assert (downloaded.status_code, downloaded.content) == (200, content)
