"""A browser's form whose file is refused is shown again, over real servers, though it was still being sent."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import requests

from django_largefiles.options import MIB
from tests.conftest import EXECUTABLE
from tests.forms.pages import Inputs
from tests.integration.conftest import Example
from tests.integration.test_clients import needs_curl

pytestmark = pytest.mark.integration

TIMES = 5
SIZE = 200 * MIB
BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8"
SETTINGS = {"DJANGO_SETTINGS_MODULE": "tests.integration.forms_settings"}


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "holiday.mp4"
    path.write_bytes(EXECUTABLE)
    with path.open("r+b") as content:
        content.truncate(SIZE)
    return path


def submit(url: str, file: Path) -> tuple[str, str]:  # needs_curl
    """The head and the page of the answer to a form with this file."""
    page = requests.get(url, headers={"Accept": BROWSER}, timeout=30)
    fields = Inputs(page.text).hidden
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in page.cookies)
    parts = [f"{name}={value}" for name, value in fields.items()]
    command = ["curl", "--silent", "--show-error", "--include", "--max-time", "30"]
    command += ["--header", f"Accept: {BROWSER}", "--header", f"Cookie: {cookies}", "--header", "Expect:"]
    for part in ["title=Holiday", *parts]:
        command += ["--form-string", part]
    done = subprocess.run([*command, "--form", f"video=@{file}", url], capture_output=True, text=True, check=False)
    head, _, body = done.stdout.partition("\n\n")
    return head, body


@needs_curl
@pytest.mark.parametrize(
    ("kind", "view"),
    [("gunicorn", "decorated"), ("gunicorn", "undecorated"), ("uvicorn", "decorated"), ("granian", "decorated")],
)
def test_a_form_is_shown_again_and_its_file_not_read(
    kind: str, view: str, example: Example, program: Path
) -> None:  # needs_curl
    server = example.server(kind=kind, env=SETTINGS)
    for _ in range(TIMES):
        head, page = submit(f"{server.url}{view}/", program)
        assert head.startswith("HTTP/1.1 415"), head
        assert "This is a program, not a video." in page and 'value="Holiday"' in page
        assert int(re.findall(r"(?im)^read: (\d+)", head)[0]) < MIB
    assert example.stored() == []
