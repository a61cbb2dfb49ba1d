"""An ASGI server and a browser that follows events, without a network between them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlencode
from uuid import UUID

from django_largefiles.asgi import StreamingASGIHandler

STREAM = "text/event-stream"


@dataclass(frozen=True, kw_only=True)
class Event:
    """One of a stream. ``data`` is empty for what is only a comment or a time to wait."""

    name: str = ""
    id: str = ""
    retry: int | None = None
    data: Any = None

    @classmethod
    def read(cls, text: str) -> Self:
        fields = dict(line.split(": ", 1) for line in text.splitlines() if not line.startswith(":"))
        retry = int(fields["retry"]) if "retry" in fields else None
        data = json.loads(fields["data"]) if "data" in fields else None
        return cls(name=fields.get("event", ""), id=fields.get("id", ""), retry=retry, data=data)


class Stream:
    """A request for events, and the messages of its answer, which are waited for one after the other."""

    def __init__(self, query: str, headers: Mapping[str, str]) -> None:
        self.sent: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
        self.gone = asyncio.Event()
        self.reads = asyncio.Event()
        self.reads.set()
        self.failure: Exception | None = None
        self.scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "server": ("testserver", 80),
            "method": "GET",
            "path": "/files/events/",
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }
        self._began = False

    async def receive(self) -> Mapping[str, Any]:
        if not self._began:
            self._began = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Mapping[str, Any]) -> None:
        await self.reads.wait()
        if self.failure:
            raise self.failure
        self.sent.put_nowait(message)

    async def start(self) -> tuple[int, dict[str, str]]:
        """Return the status and the headers."""
        message = await self.sent.get()
        return message["status"], {name.decode().lower(): value.decode() for name, value in message["headers"]}

    async def events(self) -> list[Event]:
        """Return those of the next message; none at the end."""
        message = await self.sent.get()
        if not message.get("more_body"):
            return []
        return [Event.read(text) for text in message["body"].decode().split("\n\n")[:-1]]

    async def told(self) -> list[Event]:
        """Return those of the next message that tell of assets."""
        return [event for event in await self.events() if event.name]

    async def rest(self) -> list[Event]:
        """Return all events up to the end."""
        rest: list[Event] = []
        while more := await self.events():
            rest += more
        return rest

    async def body(self) -> bytes:
        """Return the whole content of an answer that is no stream of events."""
        message = await self.sent.get()
        assert not message.get("more_body")
        content: bytes = message.get("body", b"")
        return content


@asynccontextmanager
async def connected(
    *asset_ids: UUID, cookie: str = "", version: str = "", headers: Mapping[str, str] | None = None
) -> AsyncIterator[Stream]:
    """Ask for events of these assets, and disconnect after the block, unless the answer has ended."""
    sent = {"Accept": STREAM, "Cookie": cookie, "Last-Event-ID": version, **(headers or {})}
    stream = Stream(query_of(asset_ids), {name: value for name, value in sent.items() if value})
    task = asyncio.create_task(StreamingASGIHandler()(stream.scope, stream.receive, stream.send))
    try:
        async with asyncio.timeout(30):
            yield stream
    finally:
        stream.gone.set()
        await asyncio.wait([task])
        # From Django 6.1 on, the task that a stream may cancel is that of the server.
        assert task.cancelled() or task.result() is None


def query_of(asset_ids: Collection[UUID]) -> str:
    return urlencode([("asset", asset_id.hex) for asset_id in asset_ids])
