"""The films of the example: a model with fields of assets, and its form."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, FilePayload, Page, Request, expect

from django_largefiles.options import MIB
from tests.browser.films import field, films, save
from tests.browser.sites import Site
from tests.conftest import EXECUTABLE, png

Limit = Callable[[float], None]

STILL = FilePayload(name="still.png", mimeType="image/png", buffer=png(40, 30))
SECOND = FilePayload(name="second.png", mimeType="image/png", buffer=png(30, 40))
PROGRAM = FilePayload(name="setup.mp4", mimeType="video/mp4", buffer=EXECUTABLE)


@pytest.fixture
def form(page: Page, site: Site) -> Page:  # needs_chromium
    page.goto(f"{site.url}films/add/")
    return page


@pytest.fixture
def large(tmp_path: Path) -> Path:  # needs_chromium
    path = tmp_path / "film.mp4"
    path.write_bytes(b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(4 * MIB))
    return path


def test_a_row_is_saved_with_files_that_were_uploaded_before(
    form: Page, samples: Path, site: Site
) -> None:  # needs_chromium
    posted: list[Request] = []
    form.on("request", lambda request: posted.append(request) if request.url.endswith("/films/add/") else None)
    form.get_by_label("Title").fill("A film")
    video, stills = field(form, "video"), field(form, "stills")
    video.choose(samples / "a.mp4")
    stills.choose(STILL, SECOND)
    video.expect_state("a.mp4", "ready")
    stills.expect_state("still.png", "ready")
    stills.expect_state("second.png", "ready")
    with form.expect_response(lambda response: response.request.method == "DELETE"):
        stills.press("Remove", "second.png")
    save(form)
    expect(form.get_by_role("heading", name="A film", exact=True)).to_be_visible()
    player = form.locator("#asset video")
    form.wait_for_function("(video) => video.readyState > 0", arg=player.element_handle())
    expect(form.get_by_role("img", name="still.png")).to_be_visible()
    assert films(site) == [("A film", "a.mp4")]
    # The one that was removed is gone, and the bytes of the others were not sent again.
    assert sorted(name for name, *_ in site.assets()) == ["a.mp4", "still.png"]
    [post] = [request for request in posted if request.method == "POST"]
    assert len(post.post_data_buffer or b"") < 4096


def test_a_film_that_plays_stays_when_a_person_comes_back_to_its_page(
    form: Page, samples: Path
) -> None:  # needs_chromium
    form.get_by_label("Title").fill("A film")
    field(form, "video").choose(samples / "a.mp4")
    field(form, "video").expect_state("a.mp4", "ready")
    save(form)
    player = form.locator("#asset video")
    player.evaluate("(video) => { video.isTheSame = true; }")
    # The page has seen what came the first time when it asks again.
    for _ in range(2):
        with form.expect_response(form.url):
            form.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    assert player.evaluate("(video) => video.isTheSame")


def test_a_form_that_is_submitted_early_is_sent_when_its_uploads_are_complete(
    form: Page, slow: Limit, large: Path, site: Site
) -> None:  # needs_chromium
    slow(MIB // 8)
    video = field(form, "video")
    video.choose(large)
    form.get_by_label("Title").fill("A film")
    widget_says = video.element.locator("[data-part=waiting]")
    save(form)
    expect(widget_says).to_contain_text("The form is sent when the uploads are complete.")
    video.element.get_by_role("button", name="Do not send").click()
    expect(widget_says).to_be_hidden()
    slow(-1)
    save(form)
    expect(form.get_by_role("heading", name="A film", exact=True)).to_be_visible()
    assert films(site) == [("A film", "film.mp4")]


def test_a_file_that_two_tabs_chose_is_sent_once_and_saved_by_either(
    form: Page, slow: Limit, large: Path, context: BrowserContext, site: Site
) -> None:  # needs_chromium
    slow(MIB // 8)
    video = field(form, "video")
    video.choose(large)
    video.expect_share("film.mp4", 0.05)
    tab = context.new_page()
    tab.goto(form.url)
    second = field(tab, "video")
    second.choose(large)
    second.expect_state("film.mp4", "elsewhere")
    expect(second.status("film.mp4")).to_have_text("Another tab is uploading this file.")
    slow(-1)
    for each in (video, second):
        each.expect_state("film.mp4", "ready")
    form.close()
    tab.get_by_label("Title").fill("A film")
    save(tab)
    expect(tab.get_by_role("heading", name="A film", exact=True)).to_be_visible()
    assert films(site) == [("A film", "film.mp4")]
    assert len(site.assets()) == 1


def test_a_file_that_one_row_has_is_sent_again_for_another(
    form: Page, samples: Path, site: Site
) -> None:  # needs_chromium
    address = form.url
    for title in ("A film", "Another film"):
        form.goto(address)
        video = field(form, "video")
        video.choose(samples / "a.mp4")
        video.expect_state("a.mp4", "ready")
        form.get_by_label("Title").fill(title)
        save(form)
        expect(form.get_by_role("heading", name=title, exact=True)).to_be_visible()
    assert sorted(films(site)) == [("A film", "a.mp4"), ("Another film", "a.mp4")]
    assert len(site.assets()) == 2


def test_a_refused_file_holds_the_form_until_it_is_removed(
    form: Page, samples: Path, site: Site
) -> None:  # needs_chromium
    form.get_by_label("Title").fill("A film")
    video, stills = field(form, "video"), field(form, "stills")
    video.choose(samples / "a.mp4")
    video.expect_state("a.mp4", "ready")
    stills.choose(PROGRAM)
    expect(stills.status("setup.mp4")).to_contain_text("Allowed here: JPEG, PNG, WebP.")
    expect(stills.input).to_have_attribute("aria-invalid", "true")
    save(form)
    expect(stills.element.get_by_text("A file was not uploaded.")).to_be_visible()
    expect(form.get_by_role("button", name="Remove setup.mp4")).to_be_focused()
    form.keyboard.press("Enter")
    expect(stills.element.get_by_text("A file was not uploaded.")).to_have_count(0)
    save(form)
    expect(form.get_by_role("heading", name="A film", exact=True)).to_be_visible()
    assert films(site) == [("A film", "a.mp4")]


def test_uploads_survive_an_error_of_another_field(form: Page, samples: Path, site: Site) -> None:  # needs_chromium
    # The browser would not send it.
    form.evaluate("document.querySelector('main form').noValidate = true")
    video, stills = field(form, "video"), field(form, "stills")
    video.choose(samples / "a.mp4")
    stills.choose(STILL)
    video.expect_state("a.mp4", "ready")
    stills.expect_state("still.png", "ready")
    save(form)
    expect(form.get_by_text("This field is required.")).to_be_visible()
    expect(video.element.get_by_role("link", name="a.mp4")).to_be_visible()
    stills.choose(SECOND)
    stills.expect_state("second.png", "ready")
    form.get_by_label("Title").fill("A film")
    save(form)
    expect(form.get_by_role("heading", name="A film", exact=True)).to_be_visible()
    assert films(site) == [("A film", "a.mp4")]
    assert len(site.rows("SELECT * FROM example_film_stills")) == 2


def test_a_file_is_replaced_and_another_removed(
    form: Page, samples: Path, site: Site, large: Path
) -> None:  # needs_chromium
    form.get_by_label("Title").fill("A film")
    field(form, "video").choose(samples / "a.mp4")
    field(form, "stills").choose(STILL)
    field(form, "video").expect_state("a.mp4", "ready")
    field(form, "stills").expect_state("still.png", "ready")
    save(form)
    form.get_by_role("link", name="Edit").click()
    video, stills = field(form, "video"), field(form, "stills")
    stills.element.get_by_role("checkbox", name="Remove").check()
    video.choose(large)
    video.expect_state("film.mp4", "ready")
    save(form)
    expect(form.get_by_role("heading", name="A film", exact=True)).to_be_visible()
    assert films(site) == [("A film", "film.mp4")]
    assert [name for name, *_ in site.assets()] == ["film.mp4"]


def test_an_element_that_is_copied_works_by_itself(form: Page) -> None:  # needs_chromium
    """As the rows that scripts add to a formset."""
    stills = field(form, "stills")
    stills.choose(STILL)
    stills.expect_state("still.png", "ready")
    stills.element.evaluate(
        """(element) => {
            const copy = element.cloneNode(true);
            copy.innerHTML = copy.innerHTML.replaceAll('"stills', '"copies');
            element.after(copy);
        }"""
    )
    copies = field(form, "copies")
    copies.choose(SECOND)
    copies.expect_state("second.png", "ready")
    expect(stills.rows).to_have_count(1)
    expect(copies.element.locator("input[type=hidden][name=copies]")).to_have_count(1)


def test_the_prototype_of_new_rows_is_left_alone(form: Page) -> None:  # needs_chromium
    field(form, "stills").element.evaluate(
        """(element) => {
            const copy = element.cloneNode(true);
            copy.removeAttribute("data-enhanced");
            copy.innerHTML = copy.innerHTML.replaceAll('"stills', '"stills-__prefix__');
            element.after(copy);
        }"""
    )
    expect(form.locator("largefile-upload")).to_have_count(3)
    expect(form.locator("largefile-upload[data-enhanced]")).to_have_count(2)


def test_without_scripts_a_form_is_shown_again_with_its_files(
    chromium: Browser, samples: Path, site: Site
) -> None:  # needs_chromium
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site.url}films/add/")
    page.get_by_label("Title").fill(" ")
    page.locator("[name=video][type=file]").set_input_files(samples / "a.mp4")
    save(page)
    expect(page.get_by_text("This field is required.")).to_be_visible()
    expect(page.get_by_text("not saved yet")).to_be_visible()
    page.get_by_label("Title").fill("A film")
    save(page)
    expect(page.get_by_role("heading", name="A film", exact=True)).to_be_visible()
    context.close()
    assert films(site) == [("A film", "a.mp4")]
