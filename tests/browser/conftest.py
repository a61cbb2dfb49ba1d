"""A real Chromium, Debian's, driven by Playwright, which brings none of its own here.

Playwright's loop runs for as long as its driver does. It is told to the thread only while a test of the browser runs,
because Django's ORM refuses to work beside a running loop.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from asyncio import AbstractEventLoop
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

pytest.importorskip("playwright", reason="Playwright is not installed")

from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from tests.browser.sites import Site, started
from tests.browser.widget import Widget

CHROMIUM = shutil.which("chromium")
OPTIONS = [
    # The sandbox of Chromium needs user namespaces, which root in a container has not.
    "--no-sandbox",
    "--disable-dev-shm-usage",
    # Sites of other tests listen on other ports of the same machine. A window needs no pages for its address bar.
    "--disable-features=LocalNetworkAccessChecks,WebUIOmniboxPopup,WebUIOmniboxAimPopup",
]
PATIENCE = 30_000
"""Milliseconds that an expectation waits for what a server, a worker and a page do together."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.integration)


@contextmanager
def running(loop: AbstractEventLoop) -> Iterator[None]:  # needs_chromium
    asyncio._set_running_loop(loop)
    try:
        yield
    finally:
        asyncio._set_running_loop(None)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:  # needs_chromium
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    manager = sync_playwright()
    started = manager.start()
    asyncio._set_running_loop(None)
    yield started
    with running(loop_of(started)):
        started.stop()


def loop_of(started: Any) -> AbstractEventLoop:  # needs_chromium
    loop: AbstractEventLoop = started._impl_obj._loop
    return loop


@pytest.fixture(scope="session")
def shared_chromium(playwright: Playwright) -> Iterator[Browser]:  # needs_chromium
    with running(loop_of(playwright)):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS, env={**os.environ, "LANG": "C"})
    yield browser
    with running(loop_of(playwright)):
        browser.close()


@pytest.fixture
def chromium(playwright: Playwright, shared_chromium: Browser) -> Iterator[Browser]:  # needs_chromium
    """The browser, in one process for all tests."""
    expect.set_options(timeout=PATIENCE)
    with running(loop_of(playwright)):
        yield shared_chromium


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:  # needs_chromium
    """A profile of the test's own: cookies, storage, and settings of the page."""
    context = chromium.new_context(locale="en-US", reduced_motion="reduce")
    context.set_default_timeout(PATIENCE)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:  # needs_chromium
    """A page, which must neither raise an error nor violate its Content-Security-Policy."""
    problems: list[str] = []
    page = context.new_page()
    listen(page, problems)
    yield page
    assert problems == []


def listen(page: Page, problems: list[str]) -> None:  # needs_chromium
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: "Content Security" in message.text and problems.append(message.text))
    # Of a page that is left while it sends.
    page.on("dialog", lambda dialog: dialog.accept())
    # The page hands dialogs for files over from the first listener on. It may take a key that is pressed just after a
    # listener is added before it learns of the listener, and the dialog is lost.
    page.on("filechooser", lambda chooser: None)


@pytest.fixture
def slow(page: Page) -> Iterator[Callable[[float], None]]:  # needs_chromium
    """Limits the bytes that the page sends in a second."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")

    def limit(rate: float) -> None:
        conditions = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": rate}
        session.send("Network.emulateNetworkConditions", conditions)

    yield limit
    if not page.is_closed():
        session.detach()


@pytest.fixture(scope="session")
def _asgi_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:  # needs_chromium
    with started(tmp_path_factory.mktemp("asgi") / "data", "uvicorn") as site:
        yield site


@pytest.fixture(scope="session")
def _wsgi_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:  # needs_chromium
    with started(tmp_path_factory.mktemp("wsgi") / "data", "gunicorn") as site:
        yield site


@pytest.fixture
def site(chromium: Browser, _asgi_site: Site) -> Iterator[Site]:  # needs_chromium
    """The example under ASGI, without files."""
    yield _asgi_site
    _asgi_site.clear()


@pytest.fixture
def wsgi_site(chromium: Browser, _wsgi_site: Site) -> Iterator[Site]:  # needs_chromium
    yield _wsgi_site
    _wsgi_site.clear()


@pytest.fixture
def widget(page: Page, site: Site) -> Widget:  # needs_chromium
    """The area for uploads on the example's first page."""
    page.goto(site.url)
    return Widget(page)
