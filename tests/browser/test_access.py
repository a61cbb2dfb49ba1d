"""The example by keyboard alone, for screen readers, and in the colors and sizes that people choose."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import FilePayload, Locator, Page, expect

from django_largefiles.options import MIB
from tests.browser.accessibility import COLOR_RULES, needs_axe, violations
from tests.browser.films import field, save
from tests.browser.sites import Site
from tests.browser.widget import Widget
from tests.conftest import EXECUTABLE, png

FILES = (
    FilePayload(name="picture.png", mimeType="image/png", buffer=png(40, 30)),
    FilePayload(name="setup.mp4", mimeType="video/mp4", buffer=EXECUTABLE),
)


def violated(page: Page) -> dict[str, list[str]]:  # needs_axe
    """In both color schemes."""
    page.emulate_media(color_scheme="dark")
    dark = violations(page, *COLOR_RULES)
    page.emulate_media(color_scheme="light")
    return {**dark, **violations(page)}


@needs_axe
def test_axe_finds_nothing(page: Page, site: Site) -> None:  # needs_axe
    page.goto(site.url)
    widget = Widget(page)
    assert violated(page) == {}
    widget.choose(*FILES)
    widget.expect_state("setup.mp4", "refused")
    widget.expect_state("picture.png", "ready")
    expect(page.locator("#files").get_by_text("picture.png")).to_be_visible()
    assert violated(page) == {}
    page.get_by_role("link", name="picture.png").click()
    expect(page.get_by_role("heading", name="picture.png")).to_be_visible()
    assert violated(page) == {}


def test_the_keyboard_is_enough(
    page: Page, site: Site, slow: Callable[[float], None], tmp_path: Path
) -> None:  # needs_chromium
    """Each step starts where the focus is after the last one."""
    film = tmp_path / "film.mp4"
    film.write_bytes(b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(6 * MIB))
    # Playwright operates the other dialog.
    page.add_init_script("delete window.showOpenFilePicker")
    page.goto(site.url)
    widget = Widget(page)
    slow(MIB // 4)

    def press_until_focused(target: Locator, key: str = "Tab") -> None:
        for _ in range(12):
            page.keyboard.press(key)
            if target.evaluate("(target) => target === document.activeElement"):
                break
        expect(target).to_be_focused()

    press_until_focused(page.get_by_role("link", name="Skip to the content"))
    page.keyboard.press("Enter")
    press_until_focused(widget.input)
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(film)
    widget.expect_share("film.mp4", 0.1)
    press_until_focused(page.get_by_role("button", name="Pause film.mp4"))
    page.keyboard.press("Enter")
    resume = page.get_by_role("button", name="Resume film.mp4")
    expect(resume).to_be_focused()
    slow(-1)
    page.keyboard.press("Space")
    widget.expect_state("film.mp4", "ready")
    remove = page.get_by_role("button", name="Remove film.mp4")
    expect(remove).to_be_focused()
    page.keyboard.press("Enter")
    expect(widget.rows).to_have_count(0)
    expect(widget.input).to_be_focused()
    press_until_focused(page.get_by_role("link", name="film.mp4"))
    page.keyboard.press("Enter")
    press_until_focused(page.get_by_role("link", name="Download"))


@needs_axe
def test_axe_finds_nothing_in_a_form(page: Page, site: Site, samples: Path) -> None:  # needs_axe
    page.goto(f"{site.url}films/add/")
    page.evaluate("document.querySelector('main form').noValidate = true")
    video = field(page, "video")
    video.choose(samples / "a.mp4")
    video.expect_state("a.mp4", "ready")
    assert violated(page) == {}
    save(page)
    expect(page.get_by_text("This field is required.")).to_be_visible()
    assert violated(page) == {}
    page.get_by_label("Title").fill("Evening at the lake")
    save(page)
    expect(page.get_by_role("heading", name="Evening at the lake")).to_be_visible()
    assert violated(page) == {}
    page.get_by_role("link", name="Films").click()
    expect(page.get_by_role("heading", name="Films")).to_be_visible()
    assert violated(page) == {}
