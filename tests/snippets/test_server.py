"""The page that sets up a whole machine: its units, its configuration of nginx, its settings and its commands."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from pytest_django.fixtures import Settings

from django_largefiles.checks import check_settings
from django_largefiles.conf import largefiles_settings
from django_largefiles.options import GIB
from example_project.processes import ALLOCATOR
from tests.snippets.blocks import Block, find
from tests.snippets.claims import claim
from tests.snippets.commands import check, check_requirement, command_lines, split
from tests.snippets.project import run_settings
from tests.snippets.test_settings import OF_THE_MACHINE, check_databases, check_names

PACKAGES = claim("docs/server.rst", "$ sudo apt install nginx postgresql redis-server libmagic1 python3-venv")
ENVIRONMENT = claim("docs/server.rst", "DJANGO_SETTINGS_MODULE=mysite.settings")
MANAGE = claim("docs/server.rst", "#!/bin/sh")
SETTINGS = claim("docs/server.rst", 'SECRET_KEY = os.environ["SECRET_KEY"]')
ASGI = claim("docs/server.rst", "application = get_asgi_application()")
DATABASE = claim("docs/server.rst", "$ sudo -u postgres createuser mysite")
WEB = claim("docs/server.rst", "Description=mysite")
WORKER = claim("docs/server.rst", "Description=mysite, worker")
SWEEP = claim("docs/server.rst", "Description=mysite, sweeper")
TIMER = claim("docs/server.rst", "Description=mysite, sweeper every minute")
NGINX = claim("docs/server.rst", "include /etc/nginx/mysite-proxy.conf;")
START = claim("docs/server.rst", "$ sudo mysite-manage createsuperuser")
UPGRADE = claim("docs/server.rst", "$ sudo systemctl reload mysite.service")
LOOK = claim("docs/server.rst", "$ systemctl list-timers mysite-sweep.timer")

PROXY = find("docs/deployment.rst", "proxy_pass http://127.0.0.1:8000;")
FILES = find("docs/delivery.rst", "location /largefiles-internal/ {")

UNITS = {
    "mysite.service": WEB,
    "mysite-worker.service": WORKER,
    "mysite-sweep.service": SWEEP,
    "mysite-sweep.timer": TIMER,
}
SERVICES = [WEB, WORKER, SWEEP]

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
needs_nginx = pytest.mark.skipif(not shutil.which("nginx"), reason="nginx is not installed")


def options(unit: Block, name: str) -> str:
    (value,) = re.findall(rf"^{name}=(.*)$", unit.text, re.MULTILINE)
    return str(value)


@needs_systemd
def test_systemd_accepts_the_units(tmp_path: Path) -> None:  # needs_systemd
    for name, unit in UNITS.items():
        # The programs of the page are not on this machine.
        text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", unit.text, flags=re.MULTILINE)
        (tmp_path / name).write_text(text)
    command = ["systemd-analyze", "verify", "--man=no", *[str(tmp_path / name) for name in UNITS]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert [line for line in done.stderr.splitlines() if str(tmp_path) in line] == []


@pytest.mark.parametrize("unit", SERVICES, ids=str)
def test_services_run_commands_that_exist(unit: Block) -> None:
    program, _, arguments = options(unit, "ExecStart").partition(" ")
    assert program.startswith("/srv/mysite/venv/bin/")
    check(f"{Path(program).name} {arguments}")


@pytest.mark.parametrize("unit", SERVICES, ids=str)
def test_services_run_as_one_user_that_may_write_the_files(unit: Block) -> None:
    assert (options(unit, "User"), options(unit, "ReadWritePaths")) == ("mysite", "/srv/largefiles")


def test_the_web_server_has_time_to_end_uploads() -> None:
    (patience,) = re.findall(r"--timeout-graceful-shutdown (\d+)", WEB.text)
    assert int(options(WEB, "TimeoutStopSec")) > int(patience)
    assert timedelta(seconds=int(patience)) >= largefiles_settings.progress_limits.lifetime
    assert dict(pair.split("=") for pair in options(WEB, "Environment").split()) == ALLOCATOR


@needs_nginx
def test_nginx_accepts_the_site(tmp_path: Path) -> None:  # needs_nginx
    key, certificate = tmp_path / "privkey.pem", tmp_path / "fullchain.pem"
    made = ["openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    subprocess.run(
        [*made, "-subj", "/CN=example.org", "-keyout", key, "-out", certificate], check=True, capture_output=True
    )
    (tmp_path / "mysite-proxy.conf").write_text(PROXY.text)
    (tmp_path / "mysite-files.conf").write_text(FILES.text)
    site = NGINX.text.replace("/etc/letsencrypt/live/example.org", str(tmp_path)).replace("/etc/nginx", str(tmp_path))
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = " ".join(f"{kind}_temp_path {tmp_path}/{kind};" for kind in kinds)
    configuration = tmp_path / "nginx.conf"
    configuration.write_text(
        f"error_log stderr; pid {tmp_path}/pid; events {{}} http {{ access_log off; {paths} "
        f"{site.replace('listen 443', f'listen unix:{tmp_path}/socket')} }}"
    )
    command = ["nginx", "-t", "-p", str(tmp_path), "-c", str(configuration)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_settings_pass_the_checks(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "only here")
    made = run_settings(SETTINGS.text.replace("/srv/largefiles", str(tmp_path / "largefiles")), tmp_path)
    check_names(made)
    check_databases(made["DATABASES"])
    settings.STORAGES, settings.LARGEFILES = made["STORAGES"], made["LARGEFILES"]
    assert {message.id for message in check_settings()} <= OF_THE_MACHINE


def test_the_application_is_that_of_the_page_about_deployment() -> None:
    assert ASGI.text == find("docs/deployment.rst", "application = get_asgi_application()").text


def test_the_processes_need_fewer_connections_than_postgresql_allows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "only here")
    pool = run_settings(SETTINGS.text, tmp_path)["DATABASES"]["default"]["OPTIONS"]["pool"]
    (workers,) = re.findall(r"--workers (\d+)", WEB.text)
    (processes,) = re.findall(r"--concurrency (\d+)", WORKER.text)
    assert (int(workers) + int(processes)) * pool["max_size"] == 80


def test_nginx_agrees_with_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "only here")
    rules = run_settings(SETTINGS.text, tmp_path)["LARGEFILES"]
    assert f"location {rules['DELIVERY_INTERNAL_PREFIX']} {{" in FILES.text
    (limit,) = re.findall(r"client_max_body_size (\d+)g;", PROXY.text)
    assert int(limit) * GIB > rules["MAX_UPLOAD_SIZE"]


def test_management_commands_run_in_the_environment(tmp_path: Path) -> None:
    """Without ``runuser``, which needs the user of the page."""
    (tmp_path / "mysite.env").write_text(ENVIRONMENT.text)
    (tmp_path / "manage.py").write_text("import os, sys; print(os.environ['SECRET_KEY'], *sys.argv[1:])")
    script = MANAGE.text.replace("/etc/mysite.env", str(tmp_path / "mysite.env")).replace("/srv/mysite", str(tmp_path))
    script = script.replace("runuser -u mysite -- venv/bin/python", sys.executable)
    (tmp_path / "manage").write_text(script)
    done = subprocess.run(["sh", tmp_path / "manage", "check", "a b"], capture_output=True, text=True, check=False)
    assert done.stdout == "<a long random text> check a b\n", done.stderr


@pytest.mark.parametrize("block", [PACKAGES, DATABASE, START, UPGRADE, LOOK], ids=str)
def test_commands_name_what_there_is(block: Block) -> None:
    for line in command_lines(block):
        (words,) = split(re.sub(r"^sudo (-u \w+ )?", "", line))
        program, *arguments = words
        CHECKS[Path(program).name](arguments)
        assert set(re.findall(r"\S+\.(?:service|timer)", line)) <= set(UNITS)


def check_nothing(arguments: list[str]) -> None:
    """For programs of the system."""


def check_pip(arguments: list[str]) -> None:
    for requirement in arguments:
        if requirement not in {"install", "--upgrade"}:
            check_requirement(Requirement(requirement))


def check_manage(arguments: list[str]) -> None:
    # The tests have no static files.
    if arguments != ["collectstatic", "--noinput"]:
        check(f"python manage.py {' '.join(arguments)}")


CHECKS: Mapping[str, Callable[[list[str]], None]] = {
    **dict.fromkeys(["adduser", "apt", "createdb", "createuser", "install", "journalctl", "systemctl"], check_nothing),
    "mysite-manage": check_manage,
    "pip": check_pip,
    "python3": lambda arguments: check(f"python3 {' '.join(arguments)}"),
}
