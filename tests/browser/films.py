"""The form of a film in the example, as a person fills it in."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.browser.sites import Site
from tests.browser.widget import Widget


def field(page: Page, name: str) -> Widget:  # needs_chromium
    return Widget(page, f"largefile-upload:has([type=file][name={name}])")


def save(page: Page) -> None:  # needs_chromium
    page.get_by_role("button", name="Save").click()


def films(site: Site) -> list[tuple[str, str]]:  # needs_chromium
    """Titles and the names of their files."""
    return site.rows(
        "SELECT film.title, original_name FROM example_film film JOIN django_largefiles_fileasset asset"
        " ON film.video_id = asset.id"
    )
