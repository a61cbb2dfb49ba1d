"""What a large file costs the page that sends it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from django_largefiles.options import MIB
from example_project.memory import MemoryWatch
from tests.browser.sites import Site
from tests.browser.widget import Widget
from tests.conftest import png

SIZE = int(os.environ.get("LARGEFILES_BROWSER_MIB", "192")) * MIB
MOST_MEMORY = 160 * MIB
"""The worker that hashes a piece of 16 MiB has two or three copies of it, and a heap of its own."""


@pytest.fixture
def film(tmp_path: Path) -> Iterator[Path]:  # needs_chromium
    path = tmp_path / "film.mp4"
    with path.open("wb") as file:
        file.write(b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom")
        file.truncate(SIZE)
    yield path
    path.unlink()


def renderers(browser: Browser) -> list[int]:  # needs_chromium
    """Return the ids of the processes that run pages and their workers."""
    found = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    return [process["id"] for process in found if process["type"] == "renderer"]


def test_a_large_file_costs_no_memory(
    chromium: Browser, page: Page, site: Site, film: Path, record_property: Callable[[str, object], None]
) -> None:  # needs_chromium
    page.add_init_script(
        "window.longTasks = []; new PerformanceObserver((list) => list.getEntries().forEach("
        "({ duration }) => longTasks.push(duration))).observe({ type: 'longtask' });"
    )
    page.goto(site.url)
    widget = Widget(page)
    widget.choose({"name": "picture.png", "mimeType": "image/png", "buffer": png()})
    widget.expect_state("picture.png", "ready")
    with ExitStack() as stack:
        watches = [stack.enter_context(MemoryWatch(pid)) for pid in renderers(chromium)]
        widget.choose(film)
        widget.expect_state("film.mp4", "ready", patience=900)
    rise = max(watch.rise for watch in watches)
    record_property("MiB of memory", round(rise / MIB))
    record_property("longest task", max(page.evaluate("longTasks"), default=0))
    assert rise < MOST_MEMORY
