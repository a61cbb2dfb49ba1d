"""The pages of docs/front-ends.rst, as the libraries of npm run them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FilePayload, Page, Request, expect

from django_largefiles.options import MIB
from django_largefiles.scanners.selftest import eicar
from tests.browser.sites import Site, started
from tests.browser.widget import Widget
from tests.conftest import EXECUTABLE
from tests.snippets.claims import claim

NODE_MODULES = Path(__file__).parents[1] / "integration" / "clients" / "node_modules"

FILES = {
    "settings.py": claim("docs/front-ends.rst", '("uppy", BASE_DIR / "node_modules/uppy/dist"),'),
    "views.py": claim("docs/front-ends.rst", "def state(request, pk):"),
    "static/uploads.js": claim("docs/front-ends.rst", "export function tusOptions(form, keep) {"),
    "static/add-by-tus.js": claim("docs/front-ends.rst", 'file.addEventListener("change", async () => {'),
    "static/add-by-uppy.js": claim("docs/front-ends.rst", "const { Uppy, Dashboard, Tus } = window.Uppy;"),
    "static/add-by-filepond.js": claim("docs/front-ends.rst", "function revert(token, load, error) {"),
    "templates/add-by-tus.html": claim("docs/front-ends.rst", '<input type="file" id="file" accept="video/*">'),
    "templates/add-by-uppy.html": claim("docs/front-ends.rst", '<div id="dashboard"></div>'),
    "templates/add-by-filepond.html": claim("docs/front-ends.rst", '<input type="file" id="file">'),
    "templates/add-by-htmx.html": claim("docs/front-ends.rst", '<div id="film"></div>'),
    "templates/films/form.html": claim("docs/front-ends.rst", "{{ form }}"),
    "templates/films/state.html": claim("docs/front-ends.rst", "{% largefile_player film.video %}"),
}
SETTINGS = {"DJANGO_SETTINGS_MODULE": "tests.browser.front_ends_settings"}
POLICY = claim("docs/front-ends.rst", "Content-Security-Policy: default-src 'self'; img-src 'self' data: blob:")

MP4 = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"
PROGRAM = FilePayload(name="setup.mp4", mimeType="video/mp4", buffer=EXECUTABLE)
INFECTED = FilePayload(name="holiday.mp4", mimeType="video/mp4", buffer=MP4 + bytes(64) + eicar())
IS_A_PROGRAM = "This is a program, not a video. Allowed here: videos."
HAS_ARRIVED = """async (url) => {
    const answer = await fetch(url, { method: "HEAD", headers: { "Tus-Resumable": "1.0.0" } });
    return Number(answer.headers.get("Upload-Offset"));
}"""


def needs(package: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(
        not (NODE_MODULES / package).is_dir(),
        reason=f"{package} is not installed: run npm ci in tests/integration/clients",
    )


@pytest.fixture(scope="module")
def _host(shared_chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:  # needs_chromium
    data_dir = tmp_path_factory.mktemp("front-ends") / "data"
    host = data_dir / "host"
    for name, block in FILES.items():
        path = host / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text)
    (host / "uppy.policy").write_text(POLICY.text.partition(":")[2].strip())
    (host / "node_modules").symlink_to(NODE_MODULES)
    with started(data_dir, "uvicorn", SETTINGS) as site:
        yield site


@pytest.fixture
def host(_host: Site) -> Iterator[Site]:  # needs_chromium
    """A project with the pages of the documentation."""
    yield _host
    _host.clear()


@pytest.fixture(
    params=["tus", pytest.param("uppy", marks=needs("uppy")), pytest.param("filepond", marks=needs("filepond"))]
)
def library(request: pytest.FixtureRequest, page: Page, host: Site) -> str:  # needs_chromium
    """The name of a library whose form ``page`` shows."""
    page.goto(f"{host.url}add-by-{request.param}/")
    return str(request.param)


@pytest.fixture
def film(tmp_path: Path) -> Path:  # needs_chromium
    path = tmp_path / "film.mp4"
    path.write_bytes(MP4 + bytes(4 * MIB))
    return path


def choose(page: Page, file: Path | FilePayload) -> None:  # needs_chromium
    page.locator("input[type=file]").first.set_input_files(file)


def expect_words(page: Page, words: str) -> None:  # needs_chromium
    expect(page.get_by_text(words).locator("visible=true").first).to_be_visible()


def save(page: Page, title: str) -> None:  # needs_chromium
    page.get_by_label("Title").fill(title)
    page.get_by_role("button", name="Save").click()


def expect_sending(page: Page, library: str) -> None:  # needs_chromium
    if library == "tus":
        expect(page.locator("progress")).to_have_attribute("value", re.compile(r"^0\.[1-9]"))
    elif library == "uppy":
        expect(page.locator(".uppy-StatusBar-progress")).to_have_attribute("aria-valuenow", re.compile(r"^[1-9]\d$"))
    else:
        expect(page.get_by_text(re.compile(r"Uploading [1-9]\d%"))).to_be_visible()


def test_a_file_is_uploaded_and_the_form_saved_with_it(
    library: str, page: Page, host: Site, film: Path
) -> None:  # needs_chromium
    choose(page, film)
    expect_words(page, "Ready.")
    page.locator("form").evaluate("(form) => { form.noValidate = true; }")
    save(page, "")
    # The form that is shown again keeps the file.
    expect_words(page, "This field is required.")
    save(page, "Holiday")
    expect(page.get_by_role("heading", name="Holiday")).to_be_visible()
    assert host.rows("SELECT original_name, state, attachment FROM django_largefiles_fileasset") == [
        ("film.mp4", "ready", "attached")
    ]


@pytest.mark.parametrize(
    ("file", "words"), [(PROGRAM, IS_A_PROGRAM), (INFECTED, "The file is infected")], ids=["at once", "by the worker"]
)
def test_a_refused_file_is_shown_in_words(
    file: FilePayload, words: str, library: str, page: Page
) -> None:  # needs_chromium
    choose(page, file)
    expect_words(page, words)


def test_an_upload_goes_on_after_a_reload(
    library: str, page: Page, slow: Callable[[float], None], film: Path
) -> None:  # needs_chromium
    slow(MIB // 4)
    with page.expect_response(lambda response: response.request.method == "POST") as created:
        choose(page, film)
    expect_sending(page, library)
    page.reload()
    page.wait_for_function(HAS_ARRIVED, arg=created.value.headers["location"])
    slow(-1)
    requests: list[Request] = []
    page.on("request", lambda request: requests.append(request))
    choose(page, film)
    expect_words(page, "Ready.")
    sent = [(each.method, each.headers["upload-offset"]) for each in requests if each.method in {"POST", "PATCH"}]
    ((method, offset),) = sent
    assert (method, int(offset) > 0) == ("PATCH", True)


def test_another_file_replaces_the_one_before(page: Page, host: Site, film: Path) -> None:  # needs_chromium
    page.goto(f"{host.url}add-by-tus/")
    choose(page, INFECTED)
    expect_words(page, "The file is infected")
    with page.expect_response(lambda response: response.request.method == "DELETE"):
        choose(page, film)
    expect_words(page, "Ready.")
    assert host.assets() == [("film.mp4", "ready", film.stat().st_size)]


@needs("filepond")
def test_filepond_deletes_what_is_cancelled_and_undone(
    page: Page, host: Site, slow: Callable[[float], None], film: Path
) -> None:  # needs_chromium
    page.goto(f"{host.url}add-by-filepond/")
    slow(MIB // 4)
    choose(page, film)
    expect_sending(page, "filepond")
    with page.expect_response(lambda response: response.request.method == "DELETE"):
        page.get_by_role("button", name="Cancel").click()
    assert host.assets() == []
    slow(-1)
    choose(page, film)
    expect_words(page, "Ready.")
    with page.expect_response(lambda response: response.request.method == "DELETE"):
        page.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("button", name="Save")).to_be_disabled()
    assert host.assets() == []


def show_form(page: Page, host: Site) -> Widget:  # needs_chromium
    page.goto(f"{host.url}add-by-htmx/")
    page.get_by_role("button", name="Add a film").click()
    return Widget(page, "largefile-upload:has([name=video])")


@pytest.mark.parametrize("package", [pytest.param(name, marks=needs(name)) for name in ("htmx.org", "htmx.org-2")])
def test_htmx_saves_a_form_and_asks_until_the_verdict(
    package: str, page: Page, host: Site, film: Path
) -> None:  # needs_chromium
    page.route("**/htmx.min.js", lambda route: route.fulfill(path=NODE_MODULES / package / "dist" / "htmx.min.js"))
    host.hold.touch()
    widget = show_form(page, host)
    widget.choose(film)
    # Sent when the upload is complete.
    save(page, "Holiday")
    expect_words(page, "film.mp4 is being checked.")
    host.hold.unlink()
    expect(page.locator("#film video")).to_have_attribute("aria-label", "film.mp4")
    assert page.locator("[hx-trigger]").count() == 0


@needs("htmx.org")
def test_htmx_shows_refusals_in_words(page: Page, host: Site) -> None:  # needs_chromium
    widget = show_form(page, host)
    widget.choose(PROGRAM)
    expect(widget.status("setup.mp4")).to_contain_text("This is a program. Allowed here: videos.")
    widget.press("Remove", "setup.mp4")
    host.hold.touch()
    widget.choose(INFECTED)
    save(page, "Holiday")
    expect_words(page, "holiday.mp4 is being checked.")
    host.hold.unlink()
    expect(page.locator("#film")).to_contain_text("holiday.mp4 was refused. The file is infected")


@needs("htmx.org")
def test_an_upload_goes_on_in_the_form_that_htmx_adds_again(
    page: Page, host: Site, slow: Callable[[float], None], film: Path
) -> None:  # needs_chromium
    widget = show_form(page, host)
    slow(MIB // 4)
    widget.choose(film)
    widget.expect_share("film.mp4", 0.1)
    page.reload()
    slow(-1)
    show_form(page, host)
    widget.expect_state("film.mp4", "interrupted")
    widget.choose(film)
    widget.expect_state("film.mp4", "ready")
    assert host.assets() == [("film.mp4", "ready", film.stat().st_size)]
