"""The admin as Django's and as Unfold's, light and dark, on a desk and on a phone, and once from right to left.

No page is wider than its window, and axe-core finds nothing in it that it does not find in pages of the admin itself.
The pictures are in ``reports/screenshots``.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Playwright, expect

from django_largefiles.options import MIB
from example_project.processes import manage
from tests.browser.accessibility import COLOR_RULES, needs_axe, violations
from tests.browser.admin_rows import INFECTED, PICTURE, USER, VIDEO
from tests.browser.films import field
from tests.browser.sites import ENV, Site, served
from tests.browser.test_films import SECOND, STILL
from tests.browser.test_screenshots import MP4, NARROW, WIDE, take
from tests.browser.widget import Widget

KINDS = [
    "admin",
    pytest.param(
        "unfold", marks=pytest.mark.skipif(find_spec("unfold") is None, reason="django-unfold is not installed")
    ),
]
LIST = "admin/django_largefiles/fileasset/"
FILMS = "admin/films/film/"
USERS = "admin/auth/user/"

TALL = {"width": 1280, "height": 2600}
"""Nothing is behind the bars that stick to the window, where axe-core does not look."""

Open = Callable[["Admin"], None]


def settings_of(kind: str) -> dict[str, str]:  # needs_chromium
    return {"DJANGO_SETTINGS_MODULE": f"tests.browser.{kind}_settings", "EXAMPLE_ACCESS": "login"}


class Admin:  # needs_chromium
    """A page of an administrator who is logged in."""

    def __init__(self, kind: str, site: Site, page: Page) -> None:
        self.kind = kind
        self.site = site
        self.page = page
        [[session]] = site.rows("SELECT session_key FROM django_session")
        page.context.add_cookies([{"name": "sessionid", "value": session, "url": site.url}])

    def open(self, path: str) -> None:
        self.page.goto(f"{self.site.url}{path}")

    def open_file(self, name: str) -> None:
        self.open(f"{LIST}{self.key('django_largefiles_fileasset', 'original_name', name)}/change/")

    def open_user(self, page: str) -> None:
        self.open(f"{USERS}{self.key('auth_user', 'username', USER)}/{page}/")

    def open_film(self) -> None:
        self.open(f"{FILMS}{self.key('films_film', 'title', 'Evening at the lake')}/change/")

    def ask_for_reason(self) -> None:
        self.open_file(PICTURE)
        self.page.locator("[name=action][value=block]").click()
        self.page.locator("[name=reason]").wait_for()

    def key(self, table: str, column: str, value: str) -> Any:
        [[key]] = self.site.rows(f"SELECT id FROM {table} WHERE {column} = '{value}'")
        return key

    def show(self, color_scheme: Any, size: Any) -> None:
        self.page.set_viewport_size(size)
        self.page.emulate_media(color_scheme=color_scheme)
        if self.kind == "unfold":
            # It heeds the scheme only when a page is loaded.
            self.page.evaluate(SWITCH, color_scheme)
        self.page.evaluate(FINISH)

    def take(self, name: str, color_scheme: str, size: str) -> None:
        self.show(color_scheme, {"wide": WIDE, "narrow": NARROW}[size])
        take(self.page, f"{self.kind}-{name}-{color_scheme}-{size}")


SWITCH = """async (theme) => {
    Alpine.$data(document.documentElement).switchTheme(theme);
    await Alpine.nextTick();
}"""
FINISH = "document.getAnimations().forEach((each) => each instanceof CSSTransition && each.finish())"
"""Colors are not judged while they change."""


@pytest.fixture(scope="session")
def filled(playwright: Playwright, samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:  # needs_chromium
    """The data folder of a site with files in every state, and a session of its administrator."""
    folder = tmp_path_factory.mktemp("admin") / "data"
    command = f"from tests.browser.admin_rows import fill; fill({str(samples)!r})"
    manage("shell", "--command", command, data_dir=folder, env={**ENV, **settings_of("admin")})
    return folder


@pytest.fixture(scope="module", params=KINDS)
def _site_with_admin(
    request: pytest.FixtureRequest, filled: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Site]]:  # needs_chromium
    folder = tmp_path_factory.mktemp(request.param) / "data"
    shutil.copytree(filled, folder)
    with served(folder, "uvicorn", settings_of(request.param)) as site:
        yield request.param, site


@pytest.fixture
def admin(_site_with_admin: tuple[str, Site], page: Page) -> Admin:  # needs_chromium
    return Admin(*_site_with_admin, page)


PAGES: dict[str, tuple[Open, str]] = {
    "list": (lambda admin: admin.open(LIST), "list"),
    "add": (lambda admin: admin.open(f"{LIST}add/"), "add"),
    "picture": (lambda admin: admin.open_file(PICTURE), "change"),
    "video": (lambda admin: admin.open_file(VIDEO), "change"),
    "rejected": (lambda admin: admin.open_file(INFECTED), "change"),
    "block": (Admin.ask_for_reason, "delete"),
    "overview": (lambda admin: admin.open(f"{LIST}overview/"), "change"),
    "film-add": (lambda admin: admin.open(f"{FILMS}add/"), "add"),
    "film-change": (Admin.open_film, "change"),
}
"""Our pages, each with the kind of the admin's own page that is most like it."""

OWN_PAGES: dict[str, Open] = {
    "list": lambda admin: admin.open(f"{USERS}?q=user"),
    "add": lambda admin: admin.open(f"{USERS}add/"),
    "change": lambda admin: admin.open_user("change"),
    "delete": lambda admin: admin.open_user("delete"),
}


def violated(admin: Admin) -> dict[str, list[str]]:  # needs_axe
    """In both themes."""
    admin.show("dark", TALL)
    dark = violations(admin.page, *COLOR_RULES)
    admin.show("light", TALL)
    return {**dark, **violations(admin.page)}


@needs_axe
@pytest.mark.parametrize("kind", OWN_PAGES)
def test_pages_are_as_good_as_those_of_the_admin_itself(kind: str, admin: Admin) -> None:  # needs_axe
    OWN_PAGES[kind](admin)
    known = violated(admin).keys()
    for name, open_page in ((name, open_page) for name, (open_page, like) in PAGES.items() if like == kind):
        open_page(admin)
        found = violated(admin)
        assert {rule: nodes for rule, nodes in found.items() if rule not in known} == {}, name
        for color_scheme, size in product(("light", "dark"), ("wide", "narrow")):
            admin.take(name, color_scheme, size)


def test_all_pages_from_right_to_left(admin: Admin) -> None:  # needs_chromium
    admin.page.context.add_cookies([{"name": "django_language", "value": "ar", "url": admin.site.url}])
    for name, (open_page, _) in PAGES.items():
        open_page(admin)
        expect(admin.page.locator("html")).to_have_attribute("dir", "rtl")
        admin.take(f"{name}-right-to-left", "light", "wide")
        admin.take(f"{name}-right-to-left", "light", "narrow")


def test_a_file_is_uploaded(admin: Admin, tmp_path: Path) -> None:  # needs_chromium
    path = tmp_path / "conference.mp4"
    path.write_bytes(MP4)
    os.truncate(path, 100 * MIB)
    admin.open(f"{LIST}add/")
    widget = Widget(admin.page)
    widget.choose(path)
    widget.expect_state("conference.mp4", "ready")
    admin.take("uploaded", "light", "narrow")
    admin.take("uploaded", "dark", "wide")
    admin.page.get_by_role("button", name="Save", exact=True).click()
    expect(admin.page.get_by_role("link", name="conference.mp4", exact=True)).to_be_visible()
    query = "SELECT state, size, attachment FROM django_largefiles_fileasset WHERE original_name = 'conference.mp4'"
    assert admin.site.rows(query) == [("ready", 100 * MIB, "standalone")]


def test_a_picture_is_shown_and_a_film_played(admin: Admin) -> None:  # needs_chromium
    admin.open_file(PICTURE)
    picture = admin.page.locator(".largefiles-preview img")
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 400
    admin.open_file(VIDEO)
    player = admin.page.locator(".largefiles-preview video")
    admin.page.wait_for_function("(video) => video.readyState > 0", arg=player.element_handle())


@pytest.mark.parametrize(
    ("name", "tools", "badge"),
    [
        (PICTURE, ["Download", "Process again", "Block"], "ready"),
        (INFECTED, [], "rejected"),
    ],
    ids=["ready", "rejected"],
)
def test_what_a_page_says_and_offers(name: str, tools: list[str], badge: str, admin: Admin) -> None:  # needs_chromium
    admin.open_file(name)
    expect(admin.page.locator(".largefiles-times li")).to_contain_text(["The upload began", badge])
    expect(admin.page.locator(".largefiles-buttons :is(a, button)")).to_have_text(tools)


def test_a_file_is_blocked_with_a_reason(admin: Admin) -> None:  # needs_chromium
    admin.open_file("notes.png")
    admin.page.get_by_role("button", name="Block").click()
    admin.page.get_by_label("Reason").fill("a court order")
    admin.page.get_by_role("button", name="Block").click()
    expect(admin.page.get_by_text("1 file was blocked.")).to_be_visible()
    query = "SELECT state, reason, detail FROM django_largefiles_fileasset WHERE original_name = 'notes.png'"
    assert admin.site.rows(query) == [("rejected", "blocked", "a court order")]


def test_a_film_and_its_stills_are_saved(admin: Admin, samples: Path) -> None:  # needs_chromium
    """One of them in a row that the script of the inline adds."""
    admin.open(f"{FILMS}add/")
    admin.page.get_by_label("Title").fill("Noon at the lake")
    files = {"video": samples / "a.mp4", "still_set-0-image": STILL, "still_set-3-image": SECOND}
    for name, file in files.items():
        if name == "still_set-3-image":
            admin.page.get_by_text("Add another Still").click()
        widget = field(admin.page, name)
        widget.choose(file)
        expect(widget.rows).to_have_attribute("data-state", "ready")
    admin.take("film-uploaded", "light", "wide")
    admin.take("film-uploaded", "dark", "narrow")
    admin.page.get_by_role("button", name="Save", exact=True).click()
    expect(admin.page.get_by_text("was added successfully")).to_be_visible()
    query = (
        "SELECT original_name FROM django_largefiles_fileasset asset JOIN films_still still ON image_id = asset.id"
        " JOIN films_film film ON film.id = still.film_id WHERE film.title = 'Noon at the lake' ORDER BY still.id"
    )
    assert admin.site.rows(query) == [("still.png",), ("second.png",)]
