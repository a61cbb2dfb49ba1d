"""Events over WebSockets, by the consumer for Channels."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.backends.base import SessionBase
from django.utils import timezone
from django.utils.functional import lazy
from django.utils.translation import get_language

pytest.importorskip("channels", reason="Channels is not installed")

from django_largefiles.models import FileAsset
from django_largefiles.progress.channels import CloseCode, ProgressConsumer
from django_largefiles.progress.hub import current_hub
from django_largefiles.progress.streams import streams
from django_largefiles.states import Attachment, State
from django_largefiles.upload_tokens import SESSION_KEY, session_digest
from tests.conftest import Largefiles, create_asset
from tests.progress import rows as rows_module
from tests.progress.browser import query_of
from tests.progress.rows import Rows, gone
from tests.progress.test_hub import until_idle

pytestmark = pytest.mark.django_db(transaction=True)


class Socket:
    """A connection as the server sees it. ``failure`` is what it raises when something is sent."""

    def __init__(self) -> None:
        self.sent: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
        self.received: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
        self.reads = asyncio.Event()
        self.reads.set()
        self.failure: Exception | None = None
        self.received.put_nowait({"type": "websocket.connect"})

    async def receive(self) -> Mapping[str, Any]:
        return await self.received.get()

    async def send(self, message: Mapping[str, Any]) -> None:
        await self.reads.wait()
        if self.failure:
            raise self.failure
        self.sent.put_nowait(message)

    async def message(self) -> Any:
        return json.loads((await self.sent.get())["text"])

    async def close_code(self) -> int:
        message = await self.sent.get()
        assert message["type"] == "websocket.close", message
        # autobahn, which daphne uses, takes nothing else.
        assert type(message["code"]) is int
        return message["code"]


@asynccontextmanager
async def connected(
    *asset_ids: UUID,
    user: User | None,
    version: str = "",
    consumer: type[ProgressConsumer] = ProgressConsumer,
    session: SessionBase | None = None,
) -> AsyncIterator[Socket]:
    """Connect, and disconnect after the block."""
    socket = Socket()
    query = f"{query_of(asset_ids)}&last_event_id={version}".encode()
    scope = {"type": "websocket", "query_string": query, "user": user or AnonymousUser(), "session": session}
    task = asyncio.create_task(consumer.as_asgi()(scope, socket.receive, socket.send))
    try:
        async with asyncio.timeout(30):
            assert (await socket.sent.get())["type"] == "websocket.accept"
            yield socket
    finally:
        socket.received.put_nowait({"type": "websocket.disconnect", "code": 1001})
        await task


@pytest.fixture
def asset(owner: User, rows: Rows) -> FileAsset:
    """One that a worker processes; the hub reads ``rows``."""
    asset = create_asset(owner=owner, state=State.PROCESSING)
    rows.set(asset.pk, state="processing", size=7, received=7)
    return asset


def run(test: Coroutine[Any, Any, None]) -> None:
    async def checked() -> None:
        await test
        await until_idle()
        assert not current_hub()._watchers
        assert not streams._open

    asyncio.run(checked())


def test_messages_are_the_events_of_a_stream(asset: FileAsset, owner: User, rows: Rows) -> None:
    async def test() -> None:
        async with connected(asset.pk, user=owner) as socket:
            first = await socket.message()
            assert (first["event"], first["data"]["state"]) == ("state", "processing")
            changed = rows.set(asset.pk, state="ready", size=7, received=7)
            assert await socket.message() == {"event": "state", "id": changed.version, "data": changed.data}
            assert await socket.close_code() == CloseCode.SETTLED

    run(test())


def test_assets_of_others_are_gone(asset: FileAsset, stranger: User) -> None:
    async def test() -> None:
        for user in (stranger, None):
            async with connected(asset.pk, user=user) as socket:
                missing = gone(asset.pk)
                assert await socket.message() == {"event": "gone", "id": missing.version, "data": missing.data}
                assert await socket.close_code() == CloseCode.SETTLED

    run(test())


def test_a_visitor_follows_what_their_session_has_uploaded(rows: Rows) -> None:
    session, other = SessionBase(), SessionBase()
    session[SESSION_KEY], other[SESSION_KEY] = "secret", "another"
    asset = create_asset(
        owner=None,
        session=session_digest(AnonymousUser(), session),
        state=State.PROCESSING,
        attachment=Attachment.PROVISIONAL,
        expires_at=timezone.now() + timedelta(days=1),
    )
    rows.set(asset.pk, state="processing", size=7, received=7)

    async def test() -> None:
        async with connected(asset.pk, user=None, session=session) as socket:
            assert (await socket.message())["event"] == "state"
        async with connected(asset.pk, user=None, session=other) as socket:
            assert (await socket.message())["event"] == "gone"

    run(test())


def test_after_a_reconnect_only_changes_are_told(asset: FileAsset, owner: User, rows: Rows) -> None:
    other = create_asset(owner=owner, state=State.READY)
    rows.set(other.pk, state="ready", size=7, received=7)

    async def test() -> None:
        async with connected(asset.pk, other.pk, user=owner) as socket:
            version = [await socket.message() for _ in range(2)][-1]["id"]
        async with connected(asset.pk, other.pk, user=owner, version=version) as socket:
            rows.set(asset.pk, state="ready", size=7, received=7)
            message = await socket.message()
            assert (message["data"]["id"], message["data"]["state"]) == (str(asset.pk), "ready")
            assert await socket.close_code() == CloseCode.SETTLED

    run(test())


def test_what_the_client_sends_is_ignored(asset: FileAsset, owner: User, rows: Rows) -> None:
    async def test() -> None:
        async with connected(asset.pk, user=owner) as socket:
            await socket.message()
            socket.received.put_nowait({"type": "websocket.receive", "text": "{"})
            socket.received.put_nowait({"type": "websocket.receive", "bytes": b"\xff"})
            rows.set(asset.pk, state="ready", size=7, received=7)
            assert (await socket.message())["data"]["state"] == "ready"

    run(test())


@pytest.mark.parametrize(
    "asset_ids", [pytest.param([], id="none"), pytest.param([UUID(int=number) for number in range(101)], id="101")]
)
def test_what_cannot_be_followed_is_refused(asset_ids: list[UUID], owner: User) -> None:
    async def test() -> None:
        async with connected(*asset_ids, user=owner) as socket:
            assert await socket.close_code() == CloseCode.MALFORMED

    run(test())


def test_another_stream_than_the_limit_is_refused(asset: FileAsset, owner: User, largefiles: Largefiles) -> None:
    largefiles.set(PROGRESS_LIMITS={"STREAMS_PER_USER": 1})

    async def test() -> None:
        async with connected(asset.pk, user=owner) as first:
            await first.message()
            async with connected(asset.pk, user=owner) as second:
                assert await second.close_code() == CloseCode.TOO_MANY

    run(test())


def test_a_stream_ends_with_its_lifetime(asset: FileAsset, owner: User, largefiles: Largefiles) -> None:
    largefiles.set(PROGRESS_LIMITS={"LIFETIME": timedelta(milliseconds=50)})

    async def test() -> None:
        async with connected(asset.pk, user=owner) as socket:
            await socket.message()
            assert await socket.close_code() == CloseCode.LIFETIME

    run(test())


def test_a_client_that_does_not_read_is_left_after_the_lifetime(
    asset: FileAsset, owner: User, rows: Rows, largefiles: Largefiles
) -> None:
    largefiles.set(PROGRESS_LIMITS={"LIFETIME": timedelta(milliseconds=200)})

    async def test() -> None:
        async with connected(asset.pk, user=owner) as socket:
            await socket.message()
            socket.reads.clear()
            rows.set(asset.pk, state="ready", size=7, received=7)
            while streams._open:
                await asyncio.sleep(0.01)

    run(test())


def test_a_failure_is_logged_and_ends_the_stream(
    asset: FileAsset, owner: User, rows: Rows, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise KeyError("bug")

    async def test() -> None:
        async with connected(asset.pk, user=owner) as socket:
            await socket.message()
            rows.meanwhile = fail
            assert await socket.close_code() == CloseCode.FAILED

    with caplog.at_level(logging.ERROR):
        run(test())
    (record,) = caplog.records
    assert record.exc_info


def test_a_client_that_has_gone_is_no_failure(
    asset: FileAsset, owner: User, rows: Rows, caplog: pytest.LogCaptureFixture
) -> None:
    async def test() -> None:
        async with connected(asset.pk, user=owner) as socket:
            await socket.message()
            socket.failure = ConnectionResetError("gone")
            rows.set(asset.pk, state="ready", size=7, received=7)
            while streams._open:
                await asyncio.sleep(0.01)

    run(test())
    assert not caplog.records


def test_a_server_that_cancels_leaves_no_task(asset: FileAsset, owner: User) -> None:
    async def test() -> None:
        socket = Socket()
        scope = {"type": "websocket", "query_string": query_of([asset.pk]).encode(), "user": owner}
        task = asyncio.create_task(ProgressConsumer.as_asgi()(scope, socket.receive, socket.send))
        await socket.sent.get()
        await socket.message()
        task.cancel()
        await asyncio.wait([task])

    run(test())


def test_a_server_that_cancels_before_the_connection_leaves_no_task(asset: FileAsset, owner: User) -> None:
    async def test() -> None:
        socket = Socket()
        socket.received.get_nowait()
        scope = {"type": "websocket", "query_string": b"", "user": owner}
        task = asyncio.create_task(ProgressConsumer.as_asgi()(scope, socket.receive, socket.send))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])

    run(test())


def test_the_language_of_words_can_be_chosen(
    asset: FileAsset, owner: User, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows_module, "NEW", {**rows_module.NEW, "words": lazy(get_language, str)()})

    class French(ProgressConsumer):
        def language(self) -> str:
            return "fr"

    async def told(consumer: type[ProgressConsumer]) -> str:
        async with connected(asset.pk, user=owner, consumer=consumer) as socket:
            await socket.message()
            rows.set(asset.pk, state="rejected", reason="infected", size=7, received=7)
            words: str = (await socket.message())["data"]["words"]
        rows.set(asset.pk, state="processing", size=7, received=7)
        return words

    async def test() -> None:
        assert [await told(ProgressConsumer), await told(French)] == ["en-us", "fr"]

    run(test())
