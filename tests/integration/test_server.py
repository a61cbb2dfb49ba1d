"""The web server and the proxy of the page that sets up a whole machine, over SQLite and without a worker."""

from __future__ import annotations

import os
import pwd
import re
import shlex
import signal
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

import psutil
import pytest
import requests
from django.core.management import call_command

from example_project.processes import LOOPBACK, free_port
from tests.integration.events import followed
from tests.integration.fronts import Front, installed
from tests.integration.projects import Project, logged_in
from tests.snippets.test_server import ASGI, FILES, NGINX, PROXY, SETTINGS, WEB, needs_nginx, options

OF_THIS_MACHINE = """
INSTALLED_APPS += ["django_largefiles"]
ALLOWED_HOSTS = ["*"]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = False
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3",
                         "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20}}}
"""
URLS = """
from django.contrib import admin
from django.urls import include, path

urlpatterns = [path("admin/", admin.site.urls), path("files/", include("django_largefiles.urls"))]
"""
TLS = re.compile(r" *(?:ssl_\w+|server_name) .*;\n")

pytestmark = pytest.mark.integration


@dataclass(kw_only=True)
class Site:
    """The site behind nginx, and the first process of uvicorn."""

    port: int
    process: psutil.Process
    host: str = LOOPBACK

    @property
    def address(self) -> str:  # needs_nginx
        return f"http://{self.host}:{self.port}"

    def workers(self) -> set[psutil.Process]:  # needs_nginx
        return {child for child in self.process.children() if "spawn_main" in " ".join(child.cmdline())}


@pytest.fixture
def site(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wait_for: Callable[..., None]
) -> Iterator[Site]:  # needs_nginx
    monkeypatch.setenv("SECRET_KEY", "only for this test")
    project, port = made(tmp_path / "project", tmp_path / "largefiles"), free_port()
    command = options(WEB, "ExecStart").replace("--port 8000", f"--port {port}")
    _, *arguments = shlex.split(command)
    server = project.started([sys.executable, "-m", "uvicorn", *arguments], r"Started parent process \[(\d+)\]")
    with server as pid, nginx(tmp_path / "nginx", port, tmp_path / "largefiles") as front:
        site = Site(port=front.port, process=psutil.Process(int(pid)))
        wait_for(lambda: requests.get(f"{site.address}/admin/login/").status_code == 200)
        yield site


def made(folder: Path, files: Path) -> Project:  # needs_nginx
    folder.mkdir()
    call_command("startproject", "mysite", str(folder))
    project = Project(folder)
    project.append("settings.py", SETTINGS.text.replace("/srv/largefiles", str(files)) + OF_THIS_MACHINE)
    project.write("asgi.py", ASGI.text)
    project.write("urls.py", URLS)
    project.manage(["migrate", "--verbosity", "0"], ["createsuperuser", "--noinput"])
    return project


@contextmanager
def nginx(folder: Path, port: int, files: Path) -> Iterator[Front]:  # needs_nginx
    front = Front(
        "nginx", folder, [installed("nginx") or "nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    )
    # The page's port is that of the scheme, which clients leave out.
    proxy = PROXY.text.replace("127.0.0.1:8000", f"127.0.0.1:{port}").replace("$host", "$http_host")
    (folder / "mysite-proxy.conf").write_text(proxy)
    (folder / "mysite-files.conf").write_text(FILES.text.replace("/srv/largefiles", str(files)))
    site = TLS.sub("", NGINX.text).replace("443 ssl", f"{LOOPBACK}:{front.port}").replace("/etc/nginx", str(folder))
    paths = " ".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"user {pwd.getpwuid(os.getuid()).pw_name}; daemon off; error_log {folder}/error.log; pid {folder}/pid; "
        f"events {{}} http {{ access_log off; {paths} {site} }}"
    )
    with front:
        yield front


@needs_nginx
def test_a_reload_interrupts_neither_events_nor_uploads(
    site: Site, samples: Path, wait_for: Callable[..., None]
) -> None:  # needs_nginx
    content = (samples / "a.mp4").read_bytes()
    session = logged_in(f"{site.address}/admin/login/")
    session.headers.update({"Tus-Resumable": "1.0.0", "X-CSRFToken": str(session.cookies["csrftoken"])})
    upload = created(session, site, "holiday.mp4", len(content))
    asset_id = upload.rsplit("/", 1)[1]
    before = site.workers()
    with followed(site, [asset_id], cookie=f"sessionid={session.cookies['sessionid']}") as events:
        states = events.states()
        assert next(states) == "receiving"
        site.process.send_signal(signal.SIGHUP)
        # The one that sends the events stays, and the other is replaced, in whichever order.
        wait_for(lambda: site.workers() - before)
        assert appended(session, upload, content).status_code == 204
        assert list(states)[-1] == "ready"
    wait_for(lambda: len(site.workers()) == 2 and not site.workers() & before)
    download = session.get(f"{site.address}/files/assets/{asset_id}/download/")
    assert (download.status_code, download.content) == (200, content)


def created(session: requests.Session, site: Site, name: str, length: int) -> str:  # needs_nginx
    fields = {"Upload-Length": str(length), "Upload-Metadata": f"filename {b64encode(name.encode()).decode()}"}
    answer = session.post(f"{site.address}/files/uploads/", headers=fields)
    assert answer.status_code == 201, answer.text
    return urljoin(answer.url, answer.headers["Location"])


def appended(session: requests.Session, upload: str, content: bytes) -> requests.Response:  # needs_nginx
    fields = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    return session.patch(upload, content, headers=fields)
