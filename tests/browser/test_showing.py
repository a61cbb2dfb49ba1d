"""The page about showing files, in a browser: pictures keep their place, a film seeks, and a PDF opens in a tab."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.template import Context, Template
from django.test import Client
from django.urls import include, path
from PIL import Image
from playwright.sync_api import Page, Route, expect

from django_largefiles.models import FileAsset
from django_largefiles.pipeline.processing import process
from tests.conftest import png
from tests.snippets.blocks import find
from tests.snippets.claims import claim

GALLERY = find("docs/showing.rst", "{% for photo in photos %}")
STYLE = claim("docs/showing.rst", "img, video {")
FILM = find("docs/showing.rst", '{% largefile_player film.file tracks=tracks preload="none" %}')
REPORT = find("docs/showing.rst", '{% largefile_link report.file text="The annual report" tab=True %}')

ORANGE = (255, 165, 0)
POLICY = "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'self'"
CAPTIONS = "WEBVTT\n\n00:00.000 --> 00:01.000\nA kite.\n"
FRAME = '<!doctype html><html lang="en"><title>Files</title><link rel="stylesheet" href="/style.css"><body>{}'


def shown(request: HttpRequest) -> HttpResponse:  # needs_chromium
    """All files of the site, each by the snippet for its type."""
    names: dict[str, Any] = {"photos": [], "tracks": [{"src": "/captions.vtt", "srclang": "en", "default": True}]}
    for asset in FileAsset.objects.visible_to(request.user):
        row = SimpleNamespace(file=asset, caption="A kite")
        names["photos"] += [row] if asset.media_type == "image/png" else []
        names |= {"film": row} if asset.media_type == "video/mp4" else {"report": row}
    page = "".join(Template(block.text).render(Context(names)) for block in (GALLERY, FILM, REPORT))
    return HttpResponse(FRAME.format(page), headers={"Content-Security-Policy": POLICY})


urlpatterns = [
    path("", shown),
    path("style.css", lambda _: HttpResponse(STYLE.text, content_type="text/css")),
    path("captions.vtt", lambda _: HttpResponse(CAPTIONS, content_type="text/vtt")),
    path("files/", include("django_largefiles.urls")),
]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls(__name__)]


def take_in(content: bytes, name: str, owner: User) -> FileAsset:  # needs_chromium
    asset = FileAsset.objects.ingest(BytesIO(content), name=name, owner=owner)
    process(asset.pk)
    asset.refresh_from_db()
    return asset


@pytest.fixture(autouse=True)
def _orm_beside_the_loop_of_playwright(monkeypatch: pytest.MonkeyPatch) -> None:  # needs_chromium
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


class Site:  # needs_chromium
    """Answers the browser by Django's test client, which is logged in: no thread but this one uses the database."""

    address = "http://testserver"

    def __init__(self, client: Client) -> None:
        self._client = client
        self.answers: list[tuple[str, int]] = []
        """The paths that were asked for, and the statuses of the answers."""

    def answer(self, route: Route) -> None:  # needs_chromium
        path = route.request.url.removeprefix(self.address)
        response = self._client.get(path, headers=route.request.headers)
        self.answers.append((path, response.status_code))
        route.fulfill(status=response.status_code, headers=dict(response.items()), body=response.getvalue())


@pytest.fixture
def site(page: Page, client: Client, owner: User) -> Iterator[Site]:  # needs_chromium
    """The site, in a page whose policy must not hinder anything."""
    client.force_login(owner)
    site = Site(client)
    page.context.route(f"{site.address}/**", site.answer)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    yield site
    page.close()
    assert [text for text in said if "Content Security Policy" in text] == []


def test_a_picture_keeps_its_place_in_a_narrow_window(site: Site, page: Page, owner: User) -> None:  # needs_chromium
    take_in(png(1600, 900), "kite.png", owner)
    page.set_viewport_size({"width": 200, "height": 600})
    held: list[Route] = []
    page.route("**/download/?disposition=inline", lambda route: held.append(route))
    with page.expect_request("**/download/?disposition=inline"):
        page.goto(site.address, wait_until="domcontentloaded")
    picture = page.get_by_role("img", name="A kite")
    place = picture.bounding_box()
    site.answer(held[0])
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 1600
    assert picture.bounding_box() == place
    assert place and place["width"] <= 200 and round(place["width"] / place["height"], 1) == 1.8


def test_a_film_seeks(site: Site, page: Page, owner: User, samples: Path) -> None:  # needs_chromium
    film = take_in((samples / "a.mp4").read_bytes(), "kite.mp4", owner)
    page.goto(site.address)
    player = page.locator("video")
    expect(player).to_have_attribute("width", "64")
    assert not [path for path, _ in site.answers if film.url in path], "preload is none"
    seeked = """video => new Promise((resolve, reject) => {
        video.addEventListener("seeked", () => resolve(video.currentTime))
        video.addEventListener("error", () => reject(video.error.message))
        video.addEventListener("loadedmetadata", () => { video.currentTime = 0.6 })
        video.load()
        video.preload = "auto"
    })"""
    assert player.evaluate(seeked) == pytest.approx(0.6)
    assert {status for path, status in site.answers if film.url in path} == {206}
    assert player.evaluate("video => video.textTracks[0].label") == "English"
    loaded = "track => track.readyState == 2 || new Promise(resolve => { track.onload = () => resolve(true) })"
    assert player.locator("track").evaluate(loaded)


def colours_of(page: Page) -> set[Any]:  # needs_chromium
    shown = Image.open(BytesIO(page.screenshot())).convert("RGB")
    return {colour for _, colour in shown.getcolors(maxcolors=2**24) or ()}


def test_a_pdf_opens_in_a_tab(site: Site, page: Page, owner: User) -> None:  # needs_chromium
    content = BytesIO()
    Image.new("RGB", (60, 80), ORANGE).save(content, "PDF")
    report = take_in(content.getvalue(), "report.pdf", owner)
    page.goto(site.address)
    shown = page.context.expect_event("response", lambda answer: report.url in answer.url)
    with page.expect_popup() as tab, shown as answer:
        page.get_by_role("link", name="The annual report").click()
    assert answer.value.headers["content-disposition"] == 'inline; filename="report.pdf"'
    # Chromium's reader is no page that can be asked for its elements.
    while ORANGE not in colours_of(tab.value):
        tab.value.wait_for_timeout(50)
