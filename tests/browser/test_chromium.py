from __future__ import annotations

import asyncio

from playwright.sync_api import Page, expect


def test_the_browser_shows_a_page(page: Page) -> None:  # needs_chromium
    page.set_content("<h1>Large files</h1>")
    expect(page.get_by_role("heading")).to_have_text("Large files")


def test_other_tests_have_no_running_loop() -> None:
    asyncio.run(asyncio.sleep(0))
