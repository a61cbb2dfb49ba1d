"""Pictures of every state, light and dark, on a desk and on a phone: kept in ``reports/screenshots`` to be looked at.

What a picture shows is asserted elsewhere; here, that no page is wider than its window.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import FilePayload, Page, Route, expect

from django_largefiles.options import MIB
from django_largefiles.scanners.selftest import eicar
from tests.browser.sites import REPOSITORY, Site
from tests.browser.widget import Widget
from tests.conftest import EXECUTABLE, png

SCREENSHOTS = REPOSITORY / "reports" / "screenshots"
MP4 = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"

WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
LOOKS: dict[str, Any] = {
    "light-wide": (WIDE, "ltr", {"color_scheme": "light"}),
    "dark-wide": (WIDE, "ltr", {"color_scheme": "dark"}),
    "light-narrow": (NARROW, "ltr", {"color_scheme": "light"}),
    "dark-narrow": (NARROW, "ltr", {"color_scheme": "dark"}),
    "forced-colors": (WIDE, "ltr", {"color_scheme": "light", "forced_colors": "active"}),
    "right-to-left": (NARROW, "rtl", {"color_scheme": "light"}),
}


def photograph() -> bytes:  # needs_chromium
    picture = BytesIO()
    Image.effect_mandelbrot((400, 300), (-2, -1.2, 1, 1.2), 60).save(picture, "PNG")
    return picture.getvalue()


def film(folder: Path, name: str) -> Path:  # needs_chromium
    path = folder / name
    path.write_bytes(MP4)
    os.truncate(path, 80 * MIB)
    return path


def image(name: str, content: bytes) -> FilePayload:  # needs_chromium
    return FilePayload(name=name, mimeType="image/png", buffer=content)


def show_every_state(
    page: Page, widget: Widget, site: Site, slow: Callable[[float], None], folder: Path, sound: Path
) -> None:  # needs_chromium
    widget.choose(image("A picture with a long name, from the top of the mountain.png", photograph()))
    widget.choose(image("invoice.png", png() + eicar()))
    widget.choose(FilePayload(name="setup.mp4", mimeType="video/mp4", buffer=EXECUTABLE))
    widget.choose(sound)
    widget.expect_state("invoice.png", "rejected")
    widget.expect_state("a.mp4", "ready")
    site.hold.touch()
    widget.choose(image("scan.png", png(40, 30)))
    widget.expect_state("scan.png", "processing")
    slow(4 * MIB)
    widget.choose(film(folder, "lecture.mp4"))
    widget.expect_share("lecture.mp4", 0.03)
    widget.press("Pause", "lecture.mp4")
    page.route("**/files/uploads/", away)
    widget.choose(film(folder, "interview.mp4"))
    widget.expect_state("interview.mp4", "waiting")
    page.unroute("**/files/uploads/")
    widget.choose(film(folder, "holiday.mp4"))
    widget.choose(film(folder, "concert.mp4"))
    widget.expect_share("holiday.mp4", 0.05)
    # They are not to end while pictures are taken.
    slow(MIB / 16)


def away(route: Route) -> None:  # needs_chromium
    route.fulfill(status=503, headers={"Retry-After": "600"})


def take(page: Page, name: str) -> None:  # needs_chromium
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0, f"{name} is wider than its window"
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


def take_in_every_look(page: Page, name: str) -> None:  # needs_chromium
    """The page is the same, so that its states are brought about once."""
    for look, (size, direction, media) in LOOKS.items():
        page.set_viewport_size(size)
        page.emulate_media(**{"forced_colors": "none", **media})
        page.evaluate("(direction) => { document.documentElement.dir = direction; }", direction)
        take(page, f"{name}-{look}")


def test_every_state(
    page: Page, slow: Callable[[float], None], site: Site, samples: Path, tmp_path: Path
) -> None:  # needs_chromium
    page.goto(site.url)
    widget = Widget(page)
    take_in_every_look(page, "first-page")
    show_every_state(page, widget, site, slow, tmp_path, samples / "a.mp4")
    take_in_every_look(page, "uploads")
    site.hold.unlink()
    page.get_by_role("link", name="A picture").click()
    expect(page.get_by_role("link", name="Download")).to_be_visible()
    page.wait_for_load_state("networkidle")
    take_in_every_look(page, "file")
