"""The upload element on the example's first page."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, FilePayload, Page, Request, Route, expect

import django_largefiles
from django_largefiles.options import MIB
from django_largefiles.scanners.selftest import eicar
from tests.browser.sites import Site
from tests.browser.widget import Widget
from tests.conftest import EXECUTABLE, png

Limit = Callable[[float], None]

PNG = FilePayload(name="picture.png", mimeType="image/png", buffer=png(padding=5000))
ALLOWED = "Allowed here: JPEG, PNG, GIF, WebP, PDF, audio, videos."
STATIC = Path(django_largefiles.__file__).parent / "static" / "django_largefiles"
MP4 = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"


@pytest.fixture
def film(tmp_path: Path) -> Path:  # needs_chromium
    """A film of 6 MiB that no one can see."""
    path = tmp_path / "film.mp4"
    path.write_bytes(MP4 + os.urandom(6 * MIB))
    return path


def take_pieces_of_1_mib(widget: Widget) -> None:  # needs_chromium
    widget.element.evaluate("(element) => { element.dataset.pieceSize = 2 ** 20; }")


def interrupt(widget: Widget, *, after: int) -> None:  # needs_chromium
    """Have the network swallow all that this page sends after so many pieces of 1 MiB."""
    page, pieces = widget.page, list[Route]()

    def swallow(route: Route) -> None:
        if route.request.method == "PATCH":
            pieces.append(route)
        if len(pieces) <= after:
            route.continue_()

    take_pieces_of_1_mib(widget)
    page.route("**/files/uploads/**", swallow)
    page.once("framenavigated", lambda frame: page.unroute("**/files/uploads/**"))


def begins_beyond(offset: int) -> Callable[[Request], bool]:  # needs_chromium
    """Return whether a request is for a piece behind ``offset``: all before it have been acknowledged."""
    return lambda request: request.method == "PATCH" and int(request.headers["upload-offset"]) > offset


def expect_ready(widget: Widget, name: str) -> None:  # needs_chromium
    widget.expect_state(name, "ready")
    expect(widget.status(name)).to_have_text("Ready")


def test_files_are_chosen_and_sent_two_at_a_time(
    widget: Widget, slow: Limit, film: Path, site: Site
) -> None:  # needs_chromium
    slow(MIB // 2)
    second = film.with_name("second.mp4")
    second.write_bytes(film.read_bytes())
    widget.choose(film, second)
    widget.expect_state("film.mp4", "sending")
    widget.choose(PNG)
    widget.expect_state("second.mp4", "sending")
    widget.expect_state("picture.png", "queued")
    expect(widget.status("film.mp4")).to_have_text(re.compile(r"^[\d.]+ MB of 6 MB · [\d.]+ [kM]B/s · \d+ sec left$"))
    slow(-1)
    for name in ("film.mp4", "second.mp4", "picture.png"):
        expect_ready(widget, name)
    assert sorted(name for name, *_ in site.assets()) == ["film.mp4", "picture.png", "second.mp4"]


@pytest.mark.parametrize("how", ["dropped", "pasted", "pasted into the page"])
def test_files_are_dropped_and_pasted(how: str, widget: Widget, page: Page) -> None:  # needs_chromium
    if how == "dropped":
        left_to_browser = widget.drop(PNG)
    else:
        left_to_browser = widget.paste(widget.input if how == "pasted" else page.locator("h1"), PNG)
    assert not left_to_browser
    expect_ready(widget, "picture.png")


def test_what_is_pasted_into_a_text_field_stays_there(widget: Widget, page: Page) -> None:  # needs_chromium
    page.evaluate("document.querySelector('form').append(document.createElement('textarea'))")
    assert widget.paste(page.locator("textarea"), PNG)
    expect(widget.rows).to_have_count(0)


def test_a_file_that_is_dropped_beside_the_element_does_not_replace_the_page(
    widget: Widget, page: Page
) -> None:  # needs_chromium
    beside = Widget(page, "h1")
    assert not beside.drop(PNG)
    expect(widget.rows).to_have_count(0)


def test_a_file_can_be_dropped_onto_another_input_of_the_page(widget: Widget, page: Page) -> None:  # needs_chromium
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('input'), { type: 'file', id: 'other' }))"
    )
    assert Widget(page, "#other").drop(PNG)


def test_a_folder_is_chosen_with_all_its_files(
    widget: Widget, page: Page, tmp_path: Path, site: Site
) -> None:  # needs_chromium
    folder = tmp_path / "album" / "holiday"
    folder.mkdir(parents=True)
    for path in (folder.parent / "one.png", folder / "two.png"):
        path.write_bytes(png(padding=len(path.name)))
    with page.expect_file_chooser() as chooser:
        widget.element.get_by_role("button", name="Choose a folder").click()
    chooser.value.set_files(folder.parent)
    for name in ("one.png", "two.png"):
        expect_ready(widget, name)
    assert sorted(name for name, *_ in site.assets()) == ["one.png", "two.png"]


def test_an_upload_is_paused_and_resumed(
    widget: Widget, slow: Limit, film: Path, page: Page, site: Site
) -> None:  # needs_chromium
    slow(MIB // 2)
    widget.choose(film)
    widget.expect_share("film.mp4", 0.2)
    widget.press("Pause", "film.mp4")
    widget.expect_state("film.mp4", "paused")
    expect(widget.status("film.mp4")).to_contain_text("Paused at ")
    expect(page.get_by_role("button", name="Resume film.mp4")).to_be_focused()
    slow(-1)
    widget.press("Resume", "film.mp4")
    expect_ready(widget, "film.mp4")
    assert len(site.assets()) == 1


def test_a_cancelled_upload_is_removed_from_the_server(
    widget: Widget, slow: Limit, film: Path, page: Page, site: Site
) -> None:  # needs_chromium
    slow(MIB // 2)
    widget.choose(film)
    widget.expect_share("film.mp4", 0.1)
    assert site.offsets()
    with page.expect_response(lambda response: response.request.method == "DELETE"):
        widget.press("Cancel", "film.mp4")
    expect(widget.rows).to_have_count(0)
    expect(widget.input).to_be_focused()
    assert site.assets() == []


@pytest.fixture
def interrupted(widget: Widget, film: Path) -> Widget:  # needs_chromium
    """A page that has sent a third of the film, and can send no more until it is loaded again."""
    interrupt(widget, after=2)
    with widget.page.expect_request(begins_beyond(2 * MIB)):
        widget.choose(film)
    return widget


def test_an_upload_goes_on_after_a_reload_when_the_file_is_chosen_again(
    interrupted: Widget, film: Path, page: Page, site: Site
) -> None:  # needs_chromium
    page.reload()
    expect(interrupted.status("film.mp4")).to_have_text("Interrupted at 37%. Choose the same file again to resume.")
    interrupted.choose(film)
    expect_ready(interrupted, "film.mp4")
    [(name, _, size)] = site.assets()
    assert (name, size) == ("film.mp4", film.stat().st_size)


@pytest.fixture
def held(interrupted: Widget, page: Page) -> list[Route]:  # needs_chromium
    """What the page asks of its interrupted upload when it is loaded again. It gets no answer yet."""
    questions: list[Route] = []

    def hold_first_question(route: Route) -> None:
        if route.request.method == "HEAD" and not questions:
            questions.append(route)
        else:
            route.continue_()

    page.route(re.compile("/uploads/."), hold_first_question)
    with page.expect_request(lambda request: request.method == "HEAD"):
        page.reload()
    return questions


def test_a_file_that_is_chosen_again_before_its_upload_is_found_has_one_row(
    widget: Widget, held: list[Route], slow: Limit, film: Path, site: Site
) -> None:  # needs_chromium
    slow(MIB // 4)
    widget.choose(film)
    widget.expect_share("film.mp4", 0.3)
    held[0].continue_()
    slow(-1)
    expect_ready(widget, "film.mp4")
    assert len(site.assets()) == 1


def test_a_file_that_is_chosen_again_before_its_upload_is_missed_is_remembered(
    widget: Widget, held: list[Route], slow: Limit, film: Path, page: Page
) -> None:  # needs_chromium
    slow(MIB // 4)
    widget.choose(film)
    widget.expect_share("film.mp4", 0.3)
    with page.expect_response(lambda response: response.status == 404):
        held[0].fulfill(status=404)
    widget.expect_share("film.mp4", 0.4)
    page.reload()
    widget.expect_state("film.mp4", "interrupted")


OPFS = """
window.showOpenFilePicker = async () => {
    const folder = await navigator.storage.getDirectory();
    const handle = await folder.getFileHandle("film.mp4", { create: true });
    if (!(await handle.getFile()).size) {
        const writable = await handle.createWritable();
        await writable.write(new Uint8Array([0, 0, 0, 24, 102, 116, 121, 112, 109, 112, 52, 50, 0, 0, 0, 0]));
        await writable.write(new Uint8Array(6 * 2 ** 20));
        await writable.close();
    }
    return [handle];
};
"""
"""Stands in for the dialog, which no test can operate: the handle is of a file in the storage of the page."""


def test_a_browser_that_keeps_handles_of_files_goes_on_after_a_reload_by_itself(
    page: Page, site: Site
) -> None:  # needs_chromium
    page.add_init_script(OPFS)
    page.goto(site.url)
    widget = Widget(page)
    interrupt(widget, after=2)
    widget.input.click()
    widget.expect_share("film.mp4", 0.3)
    page.reload()
    expect_ready(widget, "film.mp4")
    [(name, _, size)] = site.assets()
    assert (name, size) == ("film.mp4", 16 + 6 * MIB)


def test_uploads_of_another_user_are_not_shown(widget: Widget, film: Path, page: Page) -> None:  # needs_chromium
    interrupt(widget, after=1)
    widget.choose(film)
    widget.expect_share("film.mp4", 0.1)

    def log_in(route: Route) -> None:
        response = route.fetch()
        route.fulfill(
            response=response, body=response.text().replace("<largefile-upload", '<largefile-upload data-user="1"')
        )

    page.route(page.url, log_in)
    page.reload()
    expect(page.locator("largefile-upload[data-enhanced]")).to_have_attribute("data-user", "1")
    page.wait_for_load_state("networkidle")
    expect(widget.rows).to_have_count(0)


def test_an_upload_waits_while_the_browser_is_offline(
    widget: Widget, slow: Limit, film: Path, context: BrowserContext, site: Site
) -> None:  # needs_chromium
    slow(MIB // 2)
    widget.choose(film)
    widget.expect_share("film.mp4", 0.2)
    context.set_offline(True)
    widget.expect_state("film.mp4", "waiting")
    expect(widget.status("film.mp4")).to_have_text("You are offline. The upload goes on when you are back.")
    context.set_offline(False)
    slow(-1)
    expect_ready(widget, "film.mp4")
    assert len(site.assets()) == 1


@pytest.fixture
def second(widget: Widget, slow: Limit, film: Path, context: BrowserContext, site: Site) -> Widget:  # needs_chromium
    """Another tab, which has chosen the film that the first one is sending."""
    # For long enough to open another tab on a busy machine.
    slow(MIB // 4)
    widget.choose(film)
    widget.expect_share("film.mp4", 0.1)
    tab = context.new_page()
    tab.goto(site.url)
    second = Widget(tab)
    second.choose(film)
    second.expect_state("film.mp4", "elsewhere")
    return second


def test_a_file_is_sent_once_by_two_tabs(
    widget: Widget, second: Widget, slow: Limit, site: Site
) -> None:  # needs_chromium
    expect(second.status("film.mp4")).to_have_text("Another tab is uploading this file.")
    slow(-1)
    for each in (widget, second):
        expect_ready(each, "film.mp4")
    assert len(site.assets()) == 1


def test_the_second_tab_goes_on_when_the_first_is_closed(
    widget: Widget, second: Widget, site: Site
) -> None:  # needs_chromium
    widget.page.close()
    expect_ready(second, "film.mp4")
    assert len(site.assets()) == 1


@pytest.mark.parametrize(
    ("file", "words"),
    [
        pytest.param(
            FilePayload(name="setup.mp4", mimeType="video/mp4", buffer=EXECUTABLE),
            "Not uploaded. This is a program. " + ALLOWED,
            id="a program",
        ),
        pytest.param(
            FilePayload(name="page.png", mimeType="image/png", buffer=b"<!DOCTYPE html><title>x</title>"),
            "Not uploaded. This is a web page. " + ALLOWED,
            id="a web page",
        ),
        pytest.param(
            FilePayload(name="notes.txt", mimeType="text/plain", buffer=b"notes"),
            "Not uploaded. Files of this type are not allowed. " + ALLOWED,
            id="the name",
        ),
    ],
)
def test_a_wrong_file_is_refused_before_anything_is_sent(
    file: FilePayload, words: str, widget: Widget, page: Page
) -> None:  # needs_chromium
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if "uploads" in request.url else None)
    widget.choose(file)
    widget.expect_state(file["name"], "refused")
    expect(widget.status(file["name"])).to_have_text(words)
    expect(widget.alert()).to_have_text(f"{file['name']}: {words.removeprefix('Not uploaded. ')}")
    assert sent == []


def test_a_file_that_is_too_large_is_refused_before_anything_is_sent(
    widget: Widget, page: Page
) -> None:  # needs_chromium
    page.evaluate("document.querySelector('largefile-upload').rules.maxSize = 1024")
    widget.choose(PNG)
    expect(widget.status("picture.png")).to_have_text("Not uploaded. This file has 5 kB. At most 1 kB are allowed.")


def test_a_refusal_by_the_server_is_final_and_said_in_words(
    widget: Widget, page: Page, site: Site
) -> None:  # needs_chromium
    posted: list[str] = []
    page.on("request", lambda request: posted.append(request.method) if "uploads" in request.url else None)
    widget.choose(FilePayload(name="notes.mp4", mimeType="video/mp4", buffer=b"nothing to be seen\n" * 1000))
    widget.expect_state("notes.mp4", "refused")
    expect(widget.status("notes.mp4")).to_contain_text("This is a text file (TXT), not a video. Allowed here: JPEG")
    assert posted == ["POST"]
    assert site.assets() == []


def test_a_later_chance_is_taken_after_the_time_that_the_server_names(
    widget: Widget, page: Page
) -> None:  # needs_chromium
    answers = iter([429, 503])

    def refuse(route: Route) -> None:
        status = next(answers, None)
        if status is None:
            route.continue_()
        else:
            route.fulfill(status=status, headers={"Retry-After": "1"} if status == 429 else {})

    page.route("**/files/uploads/", refuse)
    widget.choose(PNG)
    widget.expect_state("picture.png", "waiting")
    expect_ready(widget, "picture.png")


def test_a_person_may_try_again_before_that_time(widget: Widget, page: Page) -> None:  # needs_chromium
    page.route("**/files/uploads/", lambda route: route.fulfill(status=503, headers={"Retry-After": "600"}), times=1)
    widget.choose(PNG)
    widget.expect_state("picture.png", "waiting")
    widget.press("Try now", "picture.png")
    expect_ready(widget, "picture.png")


def test_a_damaged_piece_is_sent_again(widget: Widget, page: Page, film: Path, site: Site) -> None:  # needs_chromium
    """The checksum of each piece is computed before it is sent, and the server compares it."""
    damaged: list[int] = []

    def damage(route: Route) -> None:
        if damaged or route.request.method != "PATCH":
            route.continue_()
            return
        damaged.append(len(route.request.post_data_buffer or b""))
        route.continue_(post_data=bytes(damaged[0]))

    take_pieces_of_1_mib(widget)
    page.route("**/files/uploads/**", damage)
    statuses: list[int] = []
    page.on("response", lambda response: statuses.append(response.status) if "uploads/" in response.url else None)
    widget.choose(film)
    expect_ready(widget, "film.mp4")
    assert damaged == [MIB]
    assert 460 in statuses
    [digest] = site.rows("SELECT sha256 FROM django_largefiles_fileasset")[0]
    assert digest == sha256(film.read_bytes()).hexdigest()


CDN = "https://cdn.test/upload.js"


@pytest.mark.parametrize("why", ["another origin", "a policy"])
def test_a_large_piece_is_hashed_in_the_page_if_it_can_have_no_worker(
    why: str, context: BrowserContext, site: Site, film: Path
) -> None:  # needs_chromium
    module = (STATIC / "upload.js").read_bytes()
    context.route(
        CDN,
        lambda route: route.fulfill(
            body=module, content_type="text/javascript", headers={"Access-Control-Allow-Origin": "*"}
        ),
    )

    def change(route: Route) -> None:
        answer = route.fetch()
        policy = answer.headers["content-security-policy"]
        if why == "a policy":
            headers, body = {"content-security-policy": f"{policy}; worker-src 'none'"}, answer.text()
        else:
            headers = {"content-security-policy": f"{policy}; script-src 'self' https://cdn.test"}
            body = re.sub(r'"[^"]+/upload\.js"', f'"{CDN}"', answer.text())
        route.fulfill(response=answer, headers={**answer.headers, **headers}, body=body)

    context.route(site.url, change, times=1)
    # Not the one that tolerates no violation of its policy.
    page = context.new_page()
    page.goto(site.url)
    widget = Widget(page)
    with page.expect_request(lambda request: request.method == "PATCH") as sent:
        widget.choose(film)
    expect_ready(widget, "film.mp4")
    assert sent.value.headers["upload-checksum"].startswith("sha256 ")


def test_progress_is_announced_in_quarters(
    widget: Widget, slow: Limit, film: Path, page: Page
) -> None:  # needs_chromium
    page.evaluate(
        """() => {
            window.announced = [];
            const region = document.querySelector("[data-part=announcement]");
            new MutationObserver(() => announced.push(region.textContent)).observe(region, { childList: true });
        }"""
    )
    slow(MIB)
    widget.choose(film)
    expect(widget.announced()).to_have_text("film.mp4 is ready.")
    assert page.evaluate("announced") == [
        "Uploading film.mp4",
        *(f"{share}% of film.mp4" for share in (25, 50, 75)),
        "film.mp4 is uploaded.",
        "film.mp4 is ready.",
    ]


def test_the_page_can_follow_and_steer_uploads(widget: Widget, slow: Limit, page: Page) -> None:  # needs_chromium
    slow(MIB)
    events = page.evaluate(
        """async () => {
            const element = document.querySelector("largefile-upload");
            const events = [];
            for (const name of ["add", "state", "remove"]) {
                document.addEventListener(`largefiles:${name}`, ({ detail }) => {
                    events.push(`${name} ${detail.upload.state}`);
                });
            }
            const until = (name, done) => new Promise((resolve) => {
                document.addEventListener(`largefiles:${name}`, (event) => done(event.detail.upload) && resolve());
            });
            const progressed = until("progress", ({ sent }) => sent > 2 ** 19);
            const head = Uint8Array.from([0, 0, 0, 24, ...[..."ftypmp42"].map((letter) => letter.charCodeAt(0))]);
            element.add([new File([head, new Uint8Array(2 ** 21)], "film.mp4", { type: "video/mp4" })]);
            await progressed;
            element.pause();
            element.resume();
            await until("state", ({ state }) => state === "sending");
            element.clear();
            return events.filter((event, index) => event !== events[index - 1]);
        }"""
    )
    assert events == [
        "add judging",
        "state judging",
        "state queued",
        "state sending",
        "state paused",
        "state queued",
        "state sending",
        "remove sending",
    ]


def test_the_page_can_refuse_a_file(widget: Widget, page: Page) -> None:  # needs_chromium
    page.evaluate("document.addEventListener('largefiles:add', (event) => event.preventDefault())")
    widget.choose(PNG)
    page.wait_for_load_state("networkidle")
    expect(widget.rows).to_have_count(0)


def test_the_stages_of_the_check_are_shown_until_the_verdict(
    widget: Widget, page: Page, site: Site
) -> None:  # needs_chromium
    site.hold.touch()
    widget.choose(PNG)
    widget.expect_state("picture.png", "processing")
    expect(widget.status("picture.png")).to_have_text("Scanning for viruses")
    expect(page.locator("#files largefile-state")).to_have_text("processing")
    site.hold.unlink()
    expect_ready(widget, "picture.png")
    expect(page.locator("#files largefile-state")).to_have_text("ready")


def test_an_infected_file_is_refused_with_the_reason(widget: Widget, page: Page) -> None:  # needs_chromium
    infected = png() + eicar()
    widget.choose(FilePayload(name="picture.png", mimeType="image/png", buffer=infected))
    widget.expect_state("picture.png", "rejected")
    expect(widget.status("picture.png")).to_have_text("Refused. The file is infected.")
    expect(widget.alert()).to_have_text("picture.png: The file is infected.")
    expect(page.locator("#files largefile-state")).to_have_text("rejected")


def test_a_picture_is_shown_and_a_film_can_be_played(
    widget: Widget, page: Page, samples: Path
) -> None:  # needs_chromium
    widget.choose(FilePayload(name="picture.png", mimeType="image/png", buffer=png(40, 30)), samples / "a.mp4")
    picture = widget.row("picture.png").locator("img")
    page.wait_for_function("(image) => image.naturalWidth === 40", arg=picture.element_handle())
    video = widget.row("a.mp4").locator("video")
    page.wait_for_function("(video) => video.readyState > 0", arg=video.element_handle())


@pytest.mark.parametrize("server", ["site", "wsgi_site"])
def test_the_page_of_a_file_is_live(server: str, page: Page, request: pytest.FixtureRequest) -> None:  # needs_chromium
    """By events under ASGI, and by polling under WSGI."""
    site: Site = request.getfixturevalue(server)
    site.hold.touch()
    page.goto(site.url)
    widget = Widget(page)
    widget.choose(FilePayload(name="picture.png", mimeType="image/png", buffer=png(40, 30)))
    widget.expect_state("picture.png", "processing")
    page.get_by_role("link", name="picture.png").click()
    expect(page.locator("#asset largefile-state")).to_have_text("processing")
    site.hold.unlink()
    expect(page.locator("#asset largefile-state")).to_have_text("ready")
    expect(page.get_by_text("40 by 30 pixels")).to_be_visible()
    shown = page.locator("#asset img")
    page.wait_for_function("(image) => image.naturalWidth === 40", arg=shown.element_handle())


def test_without_scripts_the_form_posts_the_files(chromium: Browser, site: Site) -> None:  # needs_chromium
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site.url)
    page.locator("#file").set_input_files([PNG])
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("heading", name="picture.png")).to_be_visible()
    context.close()
    assert [name for name, *_ in site.assets()] == ["picture.png"]
