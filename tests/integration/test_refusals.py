"""Clients see why their file is refused, though they were sending it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest
import requests

from django_largefiles.options import MIB
from tests.conftest import EXECUTABLE
from tests.integration.conftest import Example
from tests.integration.nginx import PROGRAM, Nginx
from tests.integration.resumable import COLLECTION, TUS, Upload
from tests.integration.test_clients import needs_node, run

pytestmark = [pytest.mark.integration, needs_node]

TIMES = 10
needs_nginx = pytest.mark.skipif(not PROGRAM, reason="nginx is not installed")


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "data.bin"
    path.write_bytes(EXECUTABLE)
    with path.open("r+b") as content:
        content.truncate(64 * MIB)
    return path


def refusals(url: str, program: Path, **more: str) -> list[str]:  # needs_node
    done: subprocess.CompletedProcess[str] = run(
        "refused.mjs", endpoint=url + COLLECTION.lstrip("/"), path=str(program), times=TIMES, **more
    )
    return done.stdout.split()


@pytest.mark.parametrize("more", [{}, {"filetype": "application/x-executable"}], ids=["first bytes", "headers"])
def test_tus_js_client_sees_every_refusal(more: dict[str, str], example: Example, program: Path) -> None:
    assert refusals(example.server().url, program, **more) == ["415"] * TIMES


@pytest.fixture
def nginx(example: Example) -> Iterator[Nginx]:  # needs_nginx
    with Nginx(example.server(), example.data_dir) as proxy:
        yield proxy


@needs_nginx
def test_nginx_passes_every_refusal_on(nginx: Nginx, program: Path) -> None:  # needs_nginx
    assert refusals(nginx.url, program) == ["415"] * TIMES


httpx = pytest.importorskip("httpx", reason="httpx is not installed")


@pytest.mark.parametrize("kind", ["uvicorn", "granian", "gunicorn-asgi"])
def test_under_asgi_clients_of_python_see_every_refusal(kind: str, example: Example, program: Path) -> None:
    server = example.server(kind=kind)
    headers = {name: str(value) for name, value in TUS.append(0, last=True).items()}
    length = {"Content-Length": str(64 * MIB)}
    seen = []
    for _ in range(TIMES // 3):
        first, second = (server.url.rstrip("/") + Upload.create(server, 64 * MIB).path for _ in range(2))
        with program.open("rb") as body:
            seen.append(httpx.patch(first, content=body, headers=headers | length, timeout=30).status_code)
            seen.append(requests.patch(second, data=rewound(body), headers=headers, timeout=30).status_code)
            form = {"file": ("picture.png", rewound(body), "image/png")}
            seen.append(httpx.post(f"{server.url}api/assets/", files=form, timeout=30).status_code)
    assert seen == [415] * len(seen)


def rewound(body: BinaryIO) -> BinaryIO:
    body.seek(0)
    return body
