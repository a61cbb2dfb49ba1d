"""Clients see why their file is refused, though they were sending it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from django_largefiles.options import MIB
from tests.conftest import EXECUTABLE
from tests.integration.conftest import Example
from tests.integration.nginx import PROGRAM, Nginx
from tests.integration.resumable import COLLECTION
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
