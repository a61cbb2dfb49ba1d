"""Events over real servers."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from example_project.processes import Server
from tests.integration.conftest import ANYTHING, Example
from tests.integration.events import Events, followed
from tests.integration.nginx import Nginx
from tests.integration.resumable import Upload
from tests.integration.routed import Routed
from tests.integration.test_asgi import requests_of, resources
from tests.snippets.claims import claim
from tests.snippets.test_data import needs_nginx

pytestmark = pytest.mark.integration

ROUTING = claim("docs/progress.rst", 'events = URLRouter([path("ws/events/", ProgressConsumer.as_asgi())])')

ASGI_SERVERS = ["uvicorn", "granian", "gunicorn-asgi", "hypercorn"]
ENV = {**ANYTHING, "DJANGO_SETTINGS_MODULE": "tests.integration.progress_settings"}
TEXT = b"A text of no type that its name promises.\n" * 100
WATCHERS = 40


def told_until_settled(events: Events, upload: Upload) -> list[str]:
    """Send the file when its first event has come, and return all states that are told."""
    states = events.states()
    told = [next(states)]
    assert upload.append(0, TEXT).status == 204
    return told + list(states)


@pytest.mark.parametrize("kind", ASGI_SERVERS)
def test_the_verdict_comes_over_the_stream(kind: str, example: Example) -> None:
    server = example.server(kind=kind, env=ENV)
    upload = Upload.create(server, len(TEXT))
    with followed(server, [upload.asset_id]) as events:
        assert (events.status, events.headers["X-Accel-Buffering"]) == (200, "no")
        told = told_until_settled(events, upload)
    assert (told[0], told[-1]) == ("receiving", "rejected")


@needs_nginx
def test_nginx_passes_events_on_at_once(example: Example, tmp_path: Path) -> None:  # needs_nginx
    server = example.server(kind="uvicorn", env=ENV)
    upload = Upload.create(server, len(TEXT))
    with Nginx(server, tmp_path) as nginx, followed(nginx, [upload.asset_id]) as events:
        assert told_until_settled(events, upload)[-1] == "rejected"


def test_another_process_goes_on_where_one_was_killed(example: Example) -> None:
    server = example.server(kind="uvicorn", env=ENV)
    uploads = [Upload.create(server, len(TEXT)) for _ in range(3)]
    asset_ids = [upload.asset_id for upload in uploads]
    with followed(server, asset_ids) as events:
        version = [event.id for _, event in zip(uploads, events, strict=False)][-1]
        server.kill()
    another = example.server(kind="granian", env=ENV)
    with followed(another, asset_ids, version=version) as events:
        Upload(server=another, path=uploads[1].path, length=len(TEXT)).append(0, TEXT)
        told = []
        while not told or told[-1].data["state"] != "rejected":
            told.append(next(iter(events)))
    assert {event.data["id"] for event in told} == {uploads[1].asset_id}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is not there: Linux only")
@pytest.mark.parametrize("kind", ["uvicorn", "granian", "gunicorn-asgi"])
def test_clients_that_disconnect_leave_nothing(kind: str, example: Example, wait_for: Callable[..., None]) -> None:
    """No stream: as many fit again. No connection, no thread and no descriptor, those of SQLite included."""
    server = example.server(kind=kind, env={**ENV, "PROGRESS_STREAMS": str(WATCHERS)})
    upload = Upload.create(server, len(TEXT))
    follow(server, upload)
    wait_for(lambda: not requests_of(server))
    threads, descriptors = resources(server)
    for _ in range(2):
        follow(server, upload)
        wait_for(lambda: not requests_of(server))
        wait_for(lambda: resources(server)[0] <= threads + 2 and resources(server)[1] <= descriptors + 2)


def follow(server: Server, upload: Upload) -> None:
    """Open as many streams as the server has, read the first event of each, and disconnect."""
    with ExitStack() as stack:
        streams = [stack.enter_context(followed(server, [upload.asset_id])) for _ in range(WATCHERS)]
        assert [stream.status for stream in streams] == [200] * WATCHERS
        for stream in streams:
            assert next(iter(stream)).data["state"] == "receiving"
            stream.reset()


@pytest.mark.parametrize("kind", ["uvicorn", "daphne"])
def test_the_verdict_comes_over_a_websocket(kind: str, example: Example, tmp_path: Path) -> None:
    with Routed(example, tmp_path, ROUTING, kind=kind, env=ENV) as server:
        upload = Upload.create(server, len(TEXT))
        with server.connect(upload.asset_id) as websocket:
            messages = [json.loads(websocket.recv())]
            assert upload.append(0, TEXT).status == 204
            messages += [json.loads(message) for message in websocket]
            assert websocket.close_code == 1000
        with server.connect(upload.asset_id, version=messages[-1]["id"]) as websocket:
            assert (list(websocket), websocket.close_code) == ([], 1000)
    assert (messages[0]["data"]["state"], messages[-1]["data"]["state"]) == ("receiving", "rejected")


def test_pages_of_other_sites_may_not_connect(example: Example, tmp_path: Path) -> None:
    with Routed(example, tmp_path, ROUTING, kind="uvicorn", env=ENV) as server:
        upload = Upload.create(server, len(TEXT))
        with pytest.raises(InvalidStatus) as raised:
            server.connect(upload.asset_id, origin="https://evil.example")
    assert raised.value.response.status_code == 403
