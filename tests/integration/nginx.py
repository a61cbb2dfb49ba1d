"""nginx before a server, as docs/deployment.rst configures it."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

from example_project.processes import LOOPBACK, Process, Server, free_port

PROGRAM = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")

CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen {host}:{port};
        location / {{
            proxy_pass http://{upstream};
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_request_buffering off;
            client_max_body_size 0;
            proxy_max_temp_file_size 0;
        }}
    }}
}}
"""


class Nginx(Process):
    """Passes all requests on to ``server``, without buffering their bodies."""

    def __init__(self, server: Server, data_dir: Path) -> None:
        self.host, self.port = LOOPBACK, free_port(LOOPBACK)
        folder = data_dir / f"nginx-{self.port}"
        folder.mkdir()
        configuration = folder / "nginx.conf"
        upstream = f"{server.host}:{server.port}"
        configuration.write_text(
            CONFIGURATION.format(folder=folder, host=self.host, port=self.port, upstream=upstream)
        )
        command = [PROGRAM or "nginx", "-c", str(configuration)]
        super().__init__(f"nginx-{self.port}", command, data_dir=data_dir, env={})

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/"

    def _is_ready(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((self.host, self.port)) == 0
