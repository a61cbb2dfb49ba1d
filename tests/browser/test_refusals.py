"""A page that sends a file by ``fetch`` learns why it is refused while it is being sent."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.sites import Site
from tests.conftest import EXECUTABLE

SEND = """async () => {
    const form = new FormData(), [file] = document.querySelector("#program").files;
    form.append("file", new File([file], "picture.png", {type: "image/png"}));
    return (await fetch("/api/assets/", {method: "POST", body: form})).status;
}"""
MIB = 1024 * 1024
TIMES = 5


@pytest.fixture
def program(tmp_path: Path) -> Path:  # needs_chromium
    path = tmp_path / "program"
    path.write_bytes(EXECUTABLE)
    with path.open("r+b") as content:
        content.truncate(64 * MIB)
    return path


def test_chromium_sees_every_refusal(page: Page, site: Site, program: Path) -> None:  # needs_chromium
    page.goto(site.url)
    page.evaluate("document.body.innerHTML = '<input type=file id=program>'")
    page.set_input_files("#program", program)
    assert [page.evaluate(SEND) for _ in range(TIMES)] == [415] * TIMES
