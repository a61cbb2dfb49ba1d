"""Streams of events, through Django's ASGI handler."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client
from django.utils.functional import lazy
from django.utils.translation import get_language
from pytest_django.fixtures import Settings

from django_largefiles import connections as ours
from django_largefiles.models import FileAsset
from django_largefiles.progress import event_stream, hub
from django_largefiles.progress.streams import Streams, streams
from django_largefiles.progress.watcher import Watcher
from django_largefiles.states import State
from tests.conftest import Largefiles, create_asset
from tests.progress import rows as rows_module
from tests.progress.browser import Event, connected
from tests.progress.rows import Rows
from tests.progress.test_hub import until_idle

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cookie(owner: User) -> str:
    client = Client()
    client.force_login(owner)
    return f"sessionid={client.cookies['sessionid'].value}"


@pytest.fixture
def asset(owner: User, rows: Rows) -> FileAsset:
    """One that a worker processes; the hub reads ``rows``."""
    asset = create_asset(owner=owner, state=State.PROCESSING)
    rows.set(asset.pk, state="processing", size=7, received=7)
    return asset


leaves_a_file_open = pytest.mark.filterwarnings("ignore:Unclosed file:ResourceWarning")
"""Django does not close the body of a request that has failed."""


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run a test, after which no task, watcher or stream may be left."""

    async def checked() -> None:
        await test
        await until_idle()
        assert not hub.current_hub()._watchers
        assert not streams._open

    asyncio.run(checked())
    gc.collect()


def states(events: list[Event]) -> list[str]:
    return [event.data["state"] for event in events if event.name == "state"]


def test_a_stream_tells_how_an_asset_is_and_what_changes(asset: FileAsset, cookie: str, rows: Rows) -> None:
    async def test() -> None:
        async with connected(asset.pk, cookie=cookie) as stream:
            status, headers = await stream.start()
            assert status == 200
            assert headers["content-type"] == "text/event-stream"
            assert (headers["cache-control"], headers["x-accel-buffering"]) == ("no-store", "no")
            assert {"Accept", "Cookie"} <= set(headers["vary"].split(", "))
            retry, event = await stream.events()
            assert retry.retry
            assert 1000 <= retry.retry <= 4000
            assert (event.name, event.data["id"], event.data["state"]) == ("state", str(asset.pk), "processing")
            changed = rows.set(asset.pk, state="ready", size=7, received=7)
            assert await stream.events() == [Event(name="state", id=changed.version, data=changed.data)]
            assert await stream.events() == []

    run(test())


def test_the_first_events_are_read_with_the_access_policy_in_one_query(
    asset: FileAsset, owner: User, cookie: str, rows: Rows
) -> None:
    ready = create_asset(owner=owner, state=State.READY)
    hidden, unknown = create_asset(state=State.READY), uuid4()

    async def test() -> None:
        async with connected(unknown, asset.pk, hidden.pk, ready.pk, cookie=cookie) as stream:
            await stream.start()
            told = await stream.told()
            assert [(event.name, event.data["id"]) for event in told] == [
                ("gone", str(unknown)),
                ("state", str(asset.pk)),
                ("gone", str(hidden.pk)),
                ("state", str(ready.pk)),
            ]
            await rows.look()
            assert set().union(*rows.looks) == {asset.pk, ready.pk}

    rows.set(ready.pk, state="ready", size=7, received=7)
    run(test())


def test_after_a_reconnect_only_changes_are_told(asset: FileAsset, owner: User, cookie: str, rows: Rows) -> None:
    other = create_asset(owner=owner, state=State.READY)
    rows.set(other.pk, state="ready", size=7, received=7)

    async def test() -> None:
        async with connected(asset.pk, other.pk, cookie=cookie) as stream:
            await stream.start()
            version = (await stream.told())[-1].id
        async with connected(asset.pk, other.pk, cookie=cookie, version=version) as stream:
            await stream.start()
            (retry,) = await stream.events()
            assert retry.retry
            rows.set(asset.pk, state="ready", size=7, received=7)
            (event,) = await stream.told()
            assert event.data["id"] == str(asset.pk)
            assert event.id[-8:] == version[-8:]
            assert await stream.events() == []

    run(test())


def test_the_end_is_204_once_it_is_known(owner: User, cookie: str, rows: Rows) -> None:
    asset = create_asset(owner=owner, state=State.READY)

    async def test() -> None:
        async with connected(asset.pk, cookie=cookie) as stream:
            assert (await stream.start())[0] == 200
            events = await stream.rest()
            assert states(events) == ["ready"]
        async with connected(asset.pk, cookie=cookie, version=events[-1].id) as stream:
            status, headers = await stream.start()
            assert (status, headers["cache-control"], await stream.body()) == (204, "no-store", b"")

    run(test())


def test_the_words_are_in_the_language_of_the_request(
    asset: FileAsset, cookie: str, rows: Rows, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.locale.LocaleMiddleware"]
    monkeypatch.setattr(rows_module, "NEW", {**rows_module.NEW, "words": lazy(get_language, str)()})

    async def told(language: str) -> Event:
        async with connected(asset.pk, cookie=cookie, headers={"Accept-Language": language}) as stream:
            await stream.start()
            await stream.told()
            await rows.look()
            rows.set(asset.pk, state="rejected", reason="infected", size=7, received=7)
            (event,) = await stream.told()
        rows.set(asset.pk, state="processing", size=7, received=7)
        return event

    async def test() -> None:
        german, french = await told("de"), await told("fr")
        assert (german.data["words"], french.data["words"]) == ("de", "fr")
        assert german.id == french.id

    run(test())


def test_a_silent_stream_pings(asset: FileAsset, cookie: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "PING_SECONDS", 0.01)

    async def test() -> None:
        async with connected(asset.pk, cookie=cookie) as stream:
            await stream.start()
            await stream.told()
            assert await stream.events() == [Event()]
            assert await stream.events() == [Event()]

    run(test())


def test_a_stream_ends_with_its_lifetime(asset: FileAsset, cookie: str, largefiles: Largefiles) -> None:
    largefiles.set(PROGRESS_LIMITS={"LIFETIME": timedelta(milliseconds=50)})

    async def test() -> None:
        async with connected(asset.pk, cookie=cookie) as stream:
            await stream.start()
            assert states(await stream.rest()) == ["processing"]

    run(test())


def test_a_client_that_does_not_read_is_cut_off_after_the_lifetime(
    asset: FileAsset, cookie: str, largefiles: Largefiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    largefiles.set(PROGRESS_LIMITS={"LIFETIME": timedelta(milliseconds=50)})
    monkeypatch.setattr(event_stream, "GRACE_SECONDS", 0.05)

    async def test() -> None:
        async with connected(asset.pk, cookie=cookie) as stream:
            await stream.start()
            await stream.told()
            stream.reads.clear()
            while streams._open:
                await asyncio.sleep(0.01)

    run(test())


def test_a_slow_client_is_told_the_latest_alone(asset: FileAsset, cookie: str, rows: Rows) -> None:
    async def test() -> None:
        async with connected(asset.pk, cookie=cookie) as stream:
            await stream.start()
            await stream.told()
            stream.reads.clear()
            for done in range(1, 6):
                rows.set(asset.pk, state="processing", size=7, received=7, stage="reading", stage_done=done)
                await rows.look(2)
            stream.reads.set()
            seen = [event.data["stage_done"] for event in await stream.told()]
            while seen[-1] != 5:
                seen += [event.data["stage_done"] for event in await stream.told()]
            assert len(seen) <= 2

    run(test())


def test_a_client_that_leaves_before_the_first_event_leaves_nothing(asset: FileAsset, cookie: str) -> None:
    async def test() -> None:
        for _ in range(3):
            async with connected(asset.pk, cookie=cookie) as stream:
                stream.gone.set()

    run(test())


def test_many_that_leave_at_any_time_leave_nothing(asset: FileAsset, cookie: str) -> None:
    async def leave(after: int) -> None:
        async with connected(asset.pk, cookie=cookie):
            for _ in range(after):
                await asyncio.sleep(0.001)

    async def test() -> None:
        await asyncio.gather(*map(leave, range(0, 60, 3)))

    run(test())


def test_another_stream_than_the_limit_is_refused(asset: FileAsset, cookie: str, largefiles: Largefiles) -> None:
    largefiles.set(PROGRESS_LIMITS={"STREAMS_PER_USER": 2})

    async def test() -> None:
        async with AsyncExitStack() as stack:
            for _ in range(2):
                stream = await stack.enter_async_context(connected(asset.pk, cookie=cookie))
                await stream.start()
                await stream.told()
            async with connected(asset.pk, cookie=cookie) as third:
                status, headers = await third.start()
                assert (status, headers["retry-after"]) == (503, "10")
                assert b"too_many_streams" in await third.body()
        async with connected(asset.pk, cookie=cookie) as fourth:
            assert (await fourth.start())[0] == 200

    run(test())


def test_a_stream_that_others_have_outrun_ends_at_once(
    asset: FileAsset, cookie: str, largefiles: Largefiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    largefiles.set(PROGRESS_LIMITS={"STREAMS": 1})
    monkeypatch.setattr(Streams, "check", lambda streams, user: None)

    async def test() -> None:
        async with connected(asset.pk, cookie=cookie) as first:
            await first.start()
            await first.told()
            async with connected(asset.pk, cookie=cookie) as second:
                assert (await second.start())[0] == 200
                assert await second.rest() == [Event(retry=10_000)]

    run(test())


@leaves_a_file_open
def test_a_failure_of_the_hub_ends_the_stream(asset: FileAsset, cookie: str, rows: Rows) -> None:
    def fail() -> None:
        raise KeyError("bug")

    async def test() -> None:
        with pytest.raises(KeyError):
            async with connected(asset.pk, cookie=cookie) as stream:
                await stream.start()
                await stream.told()
                rows.meanwhile = fail
                while streams._open:
                    await asyncio.sleep(0.01)

    run(test())


@leaves_a_file_open
def test_a_failure_of_the_server_ends_the_stream_with_its_lifetime(
    asset: FileAsset, cookie: str, rows: Rows, largefiles: Largefiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Django does not close the response then."""
    largefiles.set(PROGRESS_LIMITS={"LIFETIME": timedelta(milliseconds=50)})
    monkeypatch.setattr(event_stream, "GRACE_SECONDS", 0.05)

    async def test() -> None:
        with pytest.raises(OSError, match="reset"):
            async with connected(asset.pk, cookie=cookie) as stream:
                await stream.start()
                await stream.told()
                stream.failure = ConnectionResetError("reset by the client")
                rows.set(asset.pk, state="ready", size=7, received=7)
                while streams._open:
                    await asyncio.sleep(0.01)

    run(test())


def test_the_connections_of_the_request_are_closed_while_it_waits(
    asset: FileAsset, cookie: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def close() -> None:
        ours.close_connections()
        seen.append([one.connection for one in connections.all(initialized_only=True)])

    monkeypatch.setattr(event_stream, "close_connections", close)

    async def test() -> None:
        async with connected(asset.pk, cookie=cookie) as stream:
            await stream.start()
            await stream.told()
            assert seen == [[None]]

    run(test())


def test_a_stream_is_closed_after_its_loop(asset: FileAsset, owner: User) -> None:
    async def begin() -> event_stream.EventStream:
        stream = event_stream.EventStream(owner, Watcher([asset.pk]), [asset.pk])
        await anext(stream)
        return stream

    asyncio.run(begin()).close()
    assert not streams._open


def test_a_stream_is_closed_that_has_not_begun(asset: FileAsset, owner: User) -> None:
    event_stream.EventStream(owner, Watcher([asset.pk]), [asset.pk]).close()
    assert not streams._open
