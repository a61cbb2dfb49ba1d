"""Forms with a field of assets, as a person fills them in, with JavaScript and without."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from django_largefiles.options import MIB
from tests.browser.sites import Site, started
from tests.browser.widget import Widget
from tests.conftest import EXECUTABLE, png

SETTINGS = {"DJANGO_SETTINGS_MODULE": "tests.integration.forms_settings"}
PNG = FilePayload(name="picture.png", mimeType="image/png", buffer=png(padding=5000))
SAVED = re.compile(r"^[0-9a-f-]{36}$")


@pytest.fixture(scope="module", params=["gunicorn", "uvicorn"])
def forms(
    request: pytest.FixtureRequest, shared_chromium: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:  # needs_chromium
    with started(tmp_path_factory.mktemp("forms") / "data", request.param, SETTINGS) as site:
        yield site


@pytest.fixture
def plain(chromium: Browser) -> Iterator[Page]:  # needs_chromium
    """A page without JavaScript."""
    context = chromium.new_context(locale="en-US", java_script_enabled=False)
    yield context.new_page()
    context.close()


@pytest.fixture
def program(tmp_path: Path) -> Path:  # needs_chromium
    path = tmp_path / "holiday.mp4"
    path.write_bytes(EXECUTABLE)
    with path.open("r+b") as content:
        content.truncate(200 * MIB)
    return path


def submit(page: Page, title: str) -> None:  # needs_chromium
    page.get_by_label("Title").fill(title)
    page.get_by_role("button", name="Save").click()


def test_a_form_keeps_what_the_script_has_uploaded_and_is_saved_with_it(
    page: Page, forms: Site
) -> None:  # needs_chromium
    page.goto(f"{forms.url}decorated/")
    widget = Widget(page)
    widget.choose(PNG)
    expect(widget.row("picture.png")).to_have_attribute("data-state", re.compile("received|processing|ready"))
    submit(page, "Wrong")
    expect(page.get_by_text("Another title, please.")).to_be_visible()
    expect(page.get_by_text("not saved yet")).to_be_visible()
    submit(page, "Holiday")
    expect(page.locator("body")).to_have_text(SAVED)


def test_a_form_keeps_what_was_sent_without_javascript(plain: Page, forms: Site) -> None:  # needs_chromium
    plain.goto(f"{forms.url}decorated/")
    plain.get_by_label("Video").set_input_files(PNG)
    submit(plain, "Wrong")
    expect(plain.get_by_text("picture.png")).to_be_visible()
    submit(plain, "Holiday")
    expect(plain.locator("body")).to_have_text(SAVED)


@pytest.mark.parametrize("view", ["decorated", "undecorated"])
def test_a_form_is_shown_again_though_the_browser_was_sending(
    view: str, plain: Page, forms: Site, program: Path
) -> None:  # needs_chromium
    plain.goto(f"{forms.url}{view}/")
    plain.get_by_label("Video").set_input_files(program)
    submit(plain, "Holiday")
    expect(plain.get_by_text("This is a program, not a video.")).to_be_visible()
    expect(plain.get_by_label("Title")).to_have_value("Holiday")
