"""Uploads whose server is away for a while, and storages that take the bytes themselves."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, FilePayload, Page, Request, Route, expect

from django_largefiles.options import MIB
from tests.browser.films import field, films, save
from tests.browser.sites import Site, started
from tests.browser.widget import Widget
from tests.conftest import png
from tests.s3.servers import ACCESS_KEY, SECRET_KEY, S3Bucket

Limit = Callable[[float], None]


@pytest.fixture
def film(tmp_path: Path) -> Path:  # needs_chromium
    path = tmp_path / "film.mp4"
    path.write_bytes(b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + os.urandom(20 * MIB))
    return path


@pytest.mark.parametrize("server", ["site", "wsgi_site"])
def test_an_upload_survives_the_death_of_the_server(
    server: str, page: Page, slow: Limit, film: Path, request: pytest.FixtureRequest
) -> None:  # needs_chromium
    site: Site = request.getfixturevalue(server)
    page.goto(site.url)
    widget = Widget(page)
    slow(2 * MIB)
    widget.choose(film)
    widget.expect_share("film.mp4", 0.1)
    with site.away():
        widget.expect_state("film.mp4", "waiting")
        expect(widget.status("film.mp4")).to_have_text("The connection is lost. Trying again soon.")
    slow(-1)
    widget.expect_state("film.mp4", "ready")
    assert [(name, size) for name, _, size in site.assets()] == [("film.mp4", film.stat().st_size)]


def test_a_form_that_waits_is_saved_though_the_server_dies(
    page: Page, slow: Limit, film: Path, site: Site
) -> None:  # needs_chromium
    page.goto(f"{site.url}films/add/")
    video = field(page, "video")
    slow(2 * MIB)
    video.choose(film)
    page.get_by_label("Title").fill("A film")
    save(page)
    video.expect_share("film.mp4", 0.1)
    with site.away():
        video.expect_state("film.mp4", "waiting")
    slow(-1)
    expect(page.get_by_role("heading", name="A film", exact=True)).to_be_visible()
    assert films(site) == [("A film", "film.mp4")]
    assert [(name, size) for name, _, size in site.assets()] == [("film.mp4", film.stat().st_size)]


@pytest.fixture(scope="module")
def _s3_site(
    tmp_path_factory: pytest.TempPathFactory, shared_chromium: Browser, seaweedfs_shared: S3Bucket
) -> Iterator[Site]:  # needs_chromium
    env = {
        "EXAMPLE_STORAGE": "s3",
        "EXAMPLE_S3_BUCKET": seaweedfs_shared.name,
        "EXAMPLE_S3_ENDPOINT": seaweedfs_shared.endpoint,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with started(tmp_path_factory.mktemp("s3") / "data", "uvicorn", env) as site:
        origin = site.url.rstrip("/")
        rule = {"AllowedOrigins": [origin], "AllowedMethods": ["PUT"], "AllowedHeaders": ["*"]}
        seaweedfs_shared.client.put_bucket_cors(Bucket=seaweedfs_shared.name, CORSConfiguration={"CORSRules": [rule]})
        yield site


@pytest.fixture
def on_s3(_s3_site: Site, seaweedfs_bucket: S3Bucket) -> Iterator[Site]:  # needs_chromium
    """The example with its files in a bucket, without files."""
    yield _s3_site
    _s3_site.clear()


def test_bytes_go_directly_to_the_storage(on_s3: Site, page: Page, film: Path) -> None:  # needs_chromium
    """In parts; a reload interrupts the upload."""
    sent: dict[str, int] = {}
    page.on("request", lambda request: sent.setdefault(urlsplit(request.url).netloc + request.method, 0))
    page.goto(on_s3.url)
    widget = Widget(page)
    # The storage does not get the last part.
    page.route("**/*partNumber=3*", lambda route: None)
    widget.choose(film)
    widget.expect_share("film.mp4", 0.5)
    page.unroute("**/*partNumber=3*")
    page.reload()
    expect(widget.status("film.mp4")).to_contain_text("Choose the same file again to resume.")
    widget.choose(film)
    widget.expect_state("film.mp4", "ready")
    assert [(name, size) for name, _, size in on_s3.assets()] == [("film.mp4", film.stat().st_size)]
    assert f"{urlsplit(on_s3.url).netloc}PATCH" not in sent


def test_a_form_is_saved_with_a_file_that_went_directly_to_the_storage(
    on_s3: Site, page: Page, film: Path
) -> None:  # needs_chromium
    received: list[str] = []
    page.on("request", lambda request: received.append(request.method) if request.url.startswith(on_s3.url) else None)
    page.goto(f"{on_s3.url}films/add/")
    page.get_by_label("Title").fill("A film")
    video = field(page, "video")
    video.choose(film)
    video.expect_state("film.mp4", "ready")
    save(page)
    expect(page.get_by_role("heading", name="A film", exact=True)).to_be_visible()
    assert films(on_s3) == [("A film", "film.mp4")]
    assert [(name, size) for name, _, size in on_s3.assets()] == [("film.mp4", film.stat().st_size)]
    assert "PATCH" not in received


def test_a_part_that_fails_ends_the_others(on_s3: Site, page: Page, film: Path) -> None:  # needs_chromium
    page.goto(on_s3.url)
    widget = Widget(page)
    held: list[Route] = []

    def fail_first(route: Route) -> None:
        held.append(route)
        if len(held) == 3:
            held[0].abort()

    page.route("**/*partNumber=*", fail_first)
    failed: set[str] = set()

    def is_last(request: Request) -> bool:
        failed.add(request.url)
        return len(failed) == 3

    with page.expect_event("requestfailed", is_last):
        widget.choose(film)
    page.unroute("**/*partNumber=*")
    widget.expect_state("film.mp4", "ready")
    assert [(name, size) for name, _, size in on_s3.assets()] == [("film.mp4", film.stat().st_size)]


def test_an_answer_that_breaks_off_is_asked_for_again(on_s3: Site, page: Page) -> None:  # needs_chromium
    page.goto(on_s3.url)
    widget = Widget(page)
    page.evaluate(
        """() => {
            const { text } = Response.prototype;
            Response.prototype.text = async function () {
                Response.prototype.text = text;
                throw new TypeError("network error");
            };
        }"""
    )
    widget.choose(FilePayload(name="picture.png", mimeType="image/png", buffer=png()))
    widget.expect_state("picture.png", "waiting")
    widget.press("Try now", "picture.png")
    widget.expect_state("picture.png", "ready")


def test_a_wrong_file_is_refused_before_the_storage_gets_any_of_it(on_s3: Site, page: Page) -> None:  # needs_chromium
    page.goto(on_s3.url)
    widget = Widget(page)
    widget.choose(FilePayload(name="notes.mp4", mimeType="video/mp4", buffer=b"nothing to be seen\n" * 1000))
    expect(widget.status("notes.mp4")).to_contain_text("This is a text file (TXT), not a video.")
    assert on_s3.assets() == []


def test_a_picture_is_shown_from_the_storage(on_s3: Site, page: Page) -> None:  # needs_chromium
    page.goto(on_s3.url)
    widget = Widget(page)
    widget.choose(FilePayload(name="picture.png", mimeType="image/png", buffer=png(40, 30)))
    widget.expect_state("picture.png", "ready")
    shown = widget.row("picture.png").locator("img")
    page.wait_for_function("(image) => image.naturalWidth === 40", arg=shown.element_handle())
