"""Style and scripts of docs/widget.rst."""

from __future__ import annotations

from playwright.sync_api import FilePayload, Page, expect

from tests.browser.widget import Widget
from tests.conftest import EXECUTABLE, png
from tests.snippets.claims import claim

STYLE = claim("docs/widget.rst", "--largefiles-radius: 0;")
EVENTS = claim("docs/widget.rst", 'if (upload.state === "refused") target.pause();')

ADOPT = """(text) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    document.adoptedStyleSheets.push(sheet);
}"""


def test_the_look_is_changed_by_custom_properties(widget: Widget, page: Page) -> None:  # needs_chromium
    page.emulate_media(color_scheme="dark")
    # The example has properties of its own.
    page.evaluate(ADOPT, STYLE.text.replace(":root", "largefile-upload"))
    expect(widget.element).to_have_css("border-radius", "0px")
    expect(page.get_by_role("button", name="Choose a folder")).to_have_css("color", "rgb(214, 180, 242)")


def test_a_script_of_the_page_listens_to_events(widget: Widget, page: Page) -> None:  # needs_chromium
    page.evaluate(EVENTS.text)
    widget.choose(FilePayload(name="picture.png", mimeType="image/png", buffer=png()))
    widget.expect_state("picture.png", "ready")
    expect(page).to_have_title("picture.png is ready")
    widget.choose(FilePayload(name="setup.mp4", mimeType="video/mp4", buffer=EXECUTABLE))
    widget.expect_state("setup.mp4", "refused")
