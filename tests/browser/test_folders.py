"""Folders that are dropped, and many files at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.sites import Site
from tests.browser.widget import Widget
from tests.conftest import png

UNREADABLE = """() => {
    const { getFile } = FileSystemFileHandle.prototype;
    const error = new DOMException("gone", "NotFoundError");
    FileSystemFileHandle.prototype.getFile = async function () {
        if (this.name === "broken.png") throw error;
        return getFile.call(this);
    };
}"""


@pytest.fixture
def album(tmp_path: Path) -> Path:  # needs_chromium
    """Files of one name, size and date in two folders, and a file between them."""
    album = tmp_path / "album"
    for path, width in (("first/scan.png", 30), ("second/scan.png", 31)):
        (album / path).parent.mkdir(parents=True)
        (album / path).write_bytes(png(width, 40, padding=5000))
        os.utime(album / path, (1_700_000_000, 1_700_000_000))
    (album / "broken.png").write_bytes(png())
    return album


def drop(widget: Widget, path: Path) -> None:  # needs_chromium
    """Have the browser drop a file or a folder, as its window does."""
    box = widget.element.bounding_box()
    assert box is not None
    place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    session = widget.page.context.new_cdp_session(widget.page)
    for kind in ("dragEnter", "dragOver", "drop"):
        data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
        session.send("Input.dispatchDragEvent", {"type": kind, "data": data, **place})
    session.detach()


def expect_both_scans(widget: Widget, site: Site) -> None:  # needs_chromium
    scans = widget.row("scan.png").and_(widget.page.locator("[data-state=ready]"))
    expect(scans).to_have_count(2)
    assert [name for name, *_ in site.assets()] == ["scan.png"] * 2


def test_a_folder_is_dropped_with_all_files_that_can_be_read(
    widget: Widget, page: Page, album: Path, site: Site
) -> None:  # needs_chromium
    page.evaluate(UNREADABLE)
    drop(widget, album)
    widget.expect_state("broken.png", "refused")
    expect(widget.status("broken.png")).to_contain_text("The file cannot be read.")
    expect_both_scans(widget, site)


def test_a_folder_is_dropped_in_a_browser_without_handles(
    widget: Widget, page: Page, album: Path, site: Site
) -> None:  # needs_chromium
    (album / "broken.png").unlink()
    page.evaluate("delete DataTransferItem.prototype.getAsFileSystemHandle")
    drop(widget, album)
    expect_both_scans(widget, site)


def test_a_folder_is_chosen_with_files_of_one_name(
    widget: Widget, page: Page, album: Path, site: Site
) -> None:  # needs_chromium
    (album / "broken.png").unlink()
    with page.expect_file_chooser() as chooser:
        widget.element.get_by_role("button", name="Choose a folder").click()
    chooser.value.set_files(album)
    expect_both_scans(widget, site)


def test_a_change_of_one_file_looks_at_its_row_only(page: Page, site: Site) -> None:  # needs_chromium
    page.route("**/files/uploads/", lambda route: None)
    page.goto(f"{site.url}films/add/")
    looks, changes = page.evaluate(
        """() => {
            const { querySelector } = Element.prototype;
            const element = document.querySelector("[type=file][name=stills]").closest("largefile-upload");
            let looks = 0, changes = 0;
            Element.prototype.querySelector = function (selector) {
                if (selector === "input[type=hidden]") looks += 1;
                return querySelector.call(this, selector);
            };
            const names = Array.from({ length: 30 }, (_, number) => `${number}.png`);
            return new Promise((resolve) => {
                element.addEventListener("largefiles:state", () => {
                    changes += 1;
                    const queued = element.uploads.filter(({ state }) => state === "queued");
                    if (queued.length === 28) resolve([looks, changes]);
                });
                element.add(names.map((name) => new File(["x"], name, { type: "image/png" })));
            });
        }"""
    )
    assert 0 < looks <= 2 * changes
