"""States that are live, of any number of files."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.sites import Site

MORE_THAN_A_LINE_TAKES = 120


def test_more_files_are_followed_than_one_request_can_name(page: Page, wsgi_site: Site) -> None:  # needs_chromium
    """Gunicorn refuses lines of more than 4,094 bytes."""
    page.goto(wsgi_site.url)
    page.evaluate(
        """(count) => {
            for (let number = 0; number < count; number += 1) {
                const state = document.createElement("largefile-state");
                Object.assign(state.dataset, { asset: crypto.randomUUID(), events: "/files/events/" });
                document.body.append(state);
            }
        }""",
        MORE_THAN_A_LINE_TAKES,
    )
    states = page.locator("largefile-state[data-state=gone]")
    expect(states).to_have_text(["deleted"] * MORE_THAN_A_LINE_TAKES)
