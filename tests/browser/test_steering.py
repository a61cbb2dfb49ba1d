"""Uploads that are stopped, left and found again at awkward moments."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, FilePayload, Page, Route, expect

from django_largefiles.options import MIB
from tests.browser.films import field
from tests.browser.sites import Site
from tests.browser.widget import Widget
from tests.conftest import png

MP4 = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"
STILL = FilePayload(name="still.png", mimeType="image/png", buffer=png(40, 30))
SECOND = FilePayload(name="second.png", mimeType="image/png", buffer=png(30, 40))
THIRD = FilePayload(name="third.png", mimeType="image/png", buffer=png(30, 50))
UPLOADS = "**/files/uploads/**"

HOLD_READING = """() => {
    const { arrayBuffer } = Blob.prototype;
    const held = new Promise((resolve) => { window.release = resolve; });
    Blob.prototype.arrayBuffer = function () { return held.then(() => arrayBuffer.call(this)); };
}"""
HOLD_DATABASE = """() => {
    const { get } = IDBObjectStore.prototype;
    const held = new Promise((resolve) => { window.release = resolve; });
    IDBObjectStore.prototype.get = function (key) {
        const answer = {}, request = get.call(this, key);
        request.onsuccess = () => held.then(() => answer.onsuccess(answer.result = request.result));
        return answer;
    };
}"""


@pytest.fixture
def film(tmp_path: Path) -> Path:  # needs_chromium
    path = tmp_path / "film.mp4"
    path.write_bytes(MP4 + os.urandom(3 * MIB))
    return path


@pytest.fixture
def form(page: Page, site: Site) -> Page:  # needs_chromium
    page.goto(f"{site.url}films/add/")
    return page


def choose_and_hold(widget: Widget, file: Path) -> None:  # needs_chromium
    """Choose a file, of which the network passes the first piece only, until its route is removed."""
    widget.page.route(UPLOADS, lambda route: route.continue_() if route.request.method == "POST" else None)
    with widget.page.expect_request(lambda request: request.method == "PATCH"):
        widget.choose(file)


def test_a_file_that_is_cancelled_or_replaced_while_it_is_checked_is_not_sent(
    form: Page, site: Site, film: Path
) -> None:  # needs_chromium
    video, stills = field(form, "video"), field(form, "stills")
    replaced = film.with_name("replaced.mp4")
    replaced.write_bytes(MP4 * 2)
    form.evaluate(HOLD_READING)
    stills.choose(STILL)
    stills.expect_state("still.png", "judging")
    stills.press("Cancel", "still.png")
    video.choose(replaced)
    video.expect_state("replaced.mp4", "judging")
    video.choose(film)
    form.evaluate("release()")
    stills.choose(SECOND)
    stills.expect_state("second.png", "ready")
    video.expect_state("film.mp4", "ready")
    assert sorted(name for name, *_ in site.assets()) == ["film.mp4", "second.png"]


def test_a_file_that_is_stopped_while_the_database_is_asked_is_not_sent(
    widget: Widget, page: Page, site: Site
) -> None:  # needs_chromium
    page.evaluate(HOLD_DATABASE)
    widget.choose(STILL, SECOND)
    for button, name in (("Pause", "still.png"), ("Cancel", "second.png")):
        widget.expect_state(name, "queued")
        widget.press(button, name)
    page.evaluate("release()")
    widget.choose(THIRD)
    widget.expect_state("third.png", "ready")
    widget.expect_state("still.png", "paused")
    assert [name for name, *_ in site.assets()] == ["third.png"]
    widget.press("Resume", "still.png")
    widget.expect_state("still.png", "ready")


def test_another_tab_leaves_an_upload_that_runs_alone(
    form: Page, site: Site, film: Path, context: BrowserContext
) -> None:  # needs_chromium
    video = field(form, "video")
    choose_and_hold(video, film)
    tab = context.new_page()
    asked: set[str] = set()
    tab.on("request", lambda request: asked.add(request.url) if request.method in {"HEAD", "DELETE"} else None)
    tab.goto(form.url)
    second, other = field(tab, "video"), film.with_name("other.mp4")
    other.write_bytes(MP4)
    second.choose(other)
    second.expect_state("other.mp4", "ready")
    with tab.expect_request(lambda request: request.method == "DELETE") as deleted:
        second.press("Remove", "other.mp4")
    expect(second.rows).to_have_count(0)
    form.unroute(UPLOADS)
    video.expect_state("film.mp4", "ready")
    assert asked == {deleted.value.url}
    assert [name for name, *_ in site.assets()] == ["film.mp4"]


@pytest.mark.parametrize(
    "answers", [pytest.param([403], id="the token was rotated"), pytest.param([404, 403], id="the session expired")]
)
def test_an_upload_goes_on_after_a_refusal_when_the_page_is_loaded_again(
    answers: list[int], widget: Widget, page: Page, site: Site, film: Path
) -> None:  # needs_chromium
    refusals, asked = iter(answers), list[str]()

    def refuse(route: Route) -> None:
        asked.append(route.request.method)
        if len(asked) == 1:
            route.continue_()
        else:
            route.fulfill(status=next(refusals))

    page.route(UPLOADS, refuse)
    widget.choose(film)
    widget.expect_state("film.mp4", "refused")
    assert asked == ["POST", "PATCH", "POST"][: 1 + len(answers)]
    page.unroute(UPLOADS)
    page.reload()
    widget.expect_state("film.mp4", "interrupted")
    with page.expect_request(lambda request: request.method == "PATCH"):
        widget.choose(film)
    widget.expect_state("film.mp4", "ready")
    assert [name for name, *_ in site.assets()] == ["film.mp4"]


def test_an_element_that_is_taken_out_pauses_and_can_resume(
    widget: Widget, page: Page, site: Site, film: Path
) -> None:  # needs_chromium
    choose_and_hold(widget, film)
    widget.element.evaluate(
        """async (element) => {
            const { parentNode, nextSibling } = element;
            element.remove();
            await null;
            parentNode.insertBefore(element, nextSibling);
        }"""
    )
    widget.expect_state("film.mp4", "paused")
    page.unroute(UPLOADS)
    widget.press("Resume", "film.mp4")
    widget.expect_state("film.mp4", "ready")
    assert [name for name, *_ in site.assets()] == ["film.mp4"]


def test_a_file_that_is_complete_but_not_saved_is_not_sent_again_after_a_reload(
    form: Page, site: Site, film: Path
) -> None:  # needs_chromium
    video = field(form, "video")
    video.choose(film)
    video.expect_state("film.mp4", "ready")
    # Hours later.
    form.add_init_script("const { now } = Date; Date.now = () => now() + 3 * 3_600_000;")
    form.reload()
    sent: list[str] = []
    form.on("request", lambda request: sent.append(request.method))
    video.choose(film)
    video.expect_state("film.mp4", "ready")
    assert video.element.locator("input[type=hidden][name=video]").input_value()
    assert not {"POST", "PATCH"} & set(sent)
    assert [name for name, *_ in site.assets()] == ["film.mp4"]
