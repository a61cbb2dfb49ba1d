"""A project of one's own, as a reader of the documentation makes it, and the commands that are run in it."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import requests

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


def environment(**more: str) -> Mapping[str, str]:
    """The environment without the settings of the tests, which pytest-django puts there."""
    inherited = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    return {**inherited, "PYTHONUNBUFFERED": "1", **SUPERUSER, **more}


class Project:
    """The folder of ``manage.py``, with the package ``mysite``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str) -> Path:
        return self.folder / "mysite" / name

    def write(self, name: str, content: str) -> None:
        self.path(name).parent.mkdir(exist_ok=True)
        self.path(name).write_text(content)

    def append(self, name: str, content: str) -> None:
        self.write(name, f"{self.path(name).read_text()}\n{content}")

    def manage(self, *calls: list[str]) -> str:
        """Return what management commands print, warnings included."""
        env = environment(DJANGO_SETTINGS_MODULE="mysite.settings")
        command = [sys.executable, "-c", MANAGE, json.dumps(calls)]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    @contextmanager
    def server(self) -> Iterator[str]:
        """Serve the project, and yield its address."""
        command = [sys.executable, "manage.py", "runserver", "--noreload", "127.0.0.1:0"]
        with self.started(command, r"server at (http://\S+:\d+)/") as address:
            yield address

    @contextmanager
    def started(self, command: list[str], ready: str) -> Iterator[str]:
        """Start ``command``, and yield the group of ``ready`` as soon as it is printed. Kill it and its children."""
        with subprocess.Popen(
            command,
            cwd=self.folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            assert process.stdout
            try:
                found = (re.search(ready, line) for line in process.stdout)
                yield next(match[1] for match in found if match)
            finally:
                os.killpg(process.pid, signal.SIGKILL)

    def shell(self, command_line: str, **placeholders: str) -> str:
        """Return what a line of a shell prints, with ``placeholders`` in the place of ``<name>``."""
        for name, value in {"user": ":".join(USER), **placeholders}.items():
            command_line = command_line.replace(f"<{name}>", shlex.quote(value) if name == "user" else value)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command_line],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def logged_in(login: str) -> requests.Session:
    """Return a session of the user, by the login page of the admin at the address ``login``."""
    session = requests.Session()
    session.get(login)
    fields = {"username": USER[0], "password": USER[1], "csrfmiddlewaretoken": session.cookies["csrftoken"]}
    answer = session.post(login, fields, allow_redirects=False)
    assert answer.status_code == 302
    return session
