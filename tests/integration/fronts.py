"""Web servers in front of the example, configured as ``docs/delivery.rst`` says."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from example_project.processes import LOOPBACK, Process, Server, free_port

XSENDFILE = Path("/usr/lib/apache2/modules/mod_xsendfile.so")
FOLDER = "/srv/largefiles"
DJANGO = "127.0.0.1:8000"


class Front(Process):
    """A web server on a port of its own. ``folder`` has its files, and is made."""

    def __init__(self, name: str, folder: Path, command: Sequence[str]) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.port = free_port()
        super().__init__(name, command, data_dir=folder, env={"HOME": str(folder)})

    def _is_ready(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((LOOPBACK, self.port)) == 0


def installed(program: str) -> str | None:
    """Return the path of a server, which Debian keeps where not all users look."""
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def nginx(folder: Path, server: Server, media: Path, snippet: str) -> Front:  # needs_nginx
    """Return nginx. ``/as-a-static-file/`` leads to the same files, served in its own ways."""
    if not (program := installed("nginx")):
        pytest.skip("nginx is not installed")
    front = Front("nginx", folder, [program, "-p", str(folder), "-c", str(folder / "nginx.conf")])
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    (folder / "nginx.conf").write_text(f"""
        user {pwd.getpwuid(os.getuid()).pw_name};
        daemon off;
        error_log {folder}/error.log;
        pid {folder}/nginx.pid;
        events {{}}
        http {{
            access_log off;
            {paths}
            gzip on;
            gzip_types *;
            server {{
                listen {LOOPBACK}:{front.port};
                location / {{ proxy_pass http://{server.host}:{server.port}; proxy_http_version 1.1; }}
                location /as-a-static-file/ {{ gzip off; alias {media}/; default_type image/png; }}
                {snippet.replace(FOLDER, str(media))}
            }}
        }}
    """)
    return front


def caddy(folder: Path, server: Server, media: Path, snippet: str) -> Front:  # needs_caddy
    if not (program := installed("caddy")):
        pytest.skip("caddy is not installed")
    front = Front("caddy", folder, [program, "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")])
    site = snippet.replace(FOLDER, str(media)).replace(DJANGO, f"{server.host}:{server.port}")
    (folder / "Caddyfile").write_text(f"{{\n admin off\n}}\nhttp://{LOOPBACK}:{front.port} {{\n{site}\n}}\n")
    return front


def apache(folder: Path, server: Server, media: Path, snippet: str) -> Front:  # needs_apache
    if not ((program := installed("apache2")) and XSENDFILE.exists()):
        pytest.skip("apache2 with libapache2-mod-xsendfile is not installed")
    front = Front("apache", folder, [program, "-D", "FOREGROUND", "-f", str(folder / "apache2.conf")])
    site = snippet.replace(FOLDER, str(media)).replace(DJANGO, f"{server.host}:{server.port}")
    names = ("mpm_event", "authz_core", "proxy", "proxy_http", "xsendfile")
    modules = "\n".join(f"LoadModule {name}_module {XSENDFILE.with_name(f'mod_{name}.so')}" for name in names)
    user = _user_of_apache(media)
    (folder / "apache2.conf").write_text(f"""
ServerRoot {folder}
ServerName {LOOPBACK}
Listen {LOOPBACK}:{front.port}
PidFile {folder}/apache2.pid
ErrorLog {folder}/error.log
{modules}
User {user}
{site}
""")
    return front


def _user_of_apache(media: Path) -> str:  # needs_apache
    """Return who may read the files, and may be Apache, which refuses to be root."""
    if os.getuid():
        return pwd.getpwuid(os.getuid()).pw_name
    for path in (media, *media.rglob("*")):
        shutil.chown(path, "www-data")
    for folder in media.parents:
        folder.chmod(folder.stat().st_mode | 0o011)
    return "www-data"
