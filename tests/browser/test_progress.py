"""The scripts of docs/progress.rst: one follows events under ASGI and polls under WSGI, one uses a WebSocket."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.integration.conftest import ANYTHING, Example, example, migrated  # noqa: F401
from tests.integration.resumable import TUS, Connection, Upload
from tests.integration.routed import Routed
from tests.snippets.blocks import Block, find
from tests.snippets.claims import claim

SCRIPT = claim("docs/progress.rst", "function follow(assetIds, show) {")
WEBSOCKET = claim("docs/progress.rst", 'function follow(assetIds, show, lastEventId = "") {')
ROUTING = find("docs/progress.rst", 'events = URLRouter([path("ws/events/", ProgressConsumer.as_asgi())])')

IMMEDIATE = {**ANYTHING, "DJANGO_SETTINGS_MODULE": "tests.integration.immediate_settings"}
TEXT = b"A text of no type that its name promises.\n" * 100
FILES = 50
"""Of one page: with a stream for each, an HTTP/1.1 browser would wait for ever for the seventh."""


@pytest.mark.parametrize("kind", ["uvicorn", "gunicorn"])
def test_a_page_follows_fifty_files_to_their_end(kind: str, page: Page, example: Example) -> None:  # noqa: F811 # needs_chromium
    server = example.server(kind=kind, env=IMMEDIATE)
    uploads = [Upload.create(server, len(TEXT)) for _ in range(FILES)]
    deleted = Upload.create(server, len(TEXT))
    page.goto(server.url)
    follow(page, SCRIPT, [upload.asset_id for upload in (*uploads, deleted)])
    page.wait_for_function(f"() => window.seen.size == {FILES + 1}")
    assert states(page) == {"receiving"}
    with Connection(server) as connection:
        assert connection.request("DELETE", deleted.path, TUS.headers).status == 204
    page.wait_for_function("() => [...window.seen.values()].some(asset => asset.state == 'gone')")
    for upload in uploads:
        upload.append(0, TEXT)
    page.wait_for_function(
        "() => [...window.seen.values()].every(asset => ['rejected', 'gone'].includes(asset.state))"
    )
    assert states(page) == {"rejected", "gone"}


def states(page: Page) -> set[Any]:  # needs_chromium
    return set(page.evaluate("[...window.seen.values()].map(asset => asset.state)"))


def test_a_page_follows_files_over_a_websocket_that_breaks(page: Page, example: Example, tmp_path: Path) -> None:  # noqa: F811 # needs_chromium
    with Routed(example, tmp_path, ROUTING, kind="uvicorn", env=IMMEDIATE) as server:
        uploads = [Upload.create(server, len(TEXT)) for _ in range(2)]
        page.goto(server.url)
        follow(page, WEBSOCKET, [upload.asset_id for upload in uploads])
        page.wait_for_function("() => window.seen.size == 2")
        assert page.evaluate("window.told") == 2
        server.kill()
        server.start()
        uploads[0].append(0, TEXT)
        page.wait_for_function("() => [...window.seen.values()].some(asset => asset.state == 'rejected')")
        assert states(page) == {"receiving", "rejected"}
        uploads[1].append(0, TEXT)
        page.wait_for_function("() => [...window.seen.values()].every(asset => asset.state == 'rejected')")


def follow(page: Page, script: Block, asset_ids: list[str]) -> None:  # needs_chromium
    """Run a script, which keeps the latest of each asset in ``seen``, and counts what it is told in ``told``."""
    page.evaluate(
        f"""assetIds => {{
            {script.text}
            window.seen = new Map();
            window.told = 0;
            follow(assetIds, (asset) => {{ window.told += 1; window.seen.set(asset.id, asset); }});
        }}""",
        asset_ids,
    )
