"""The upper limit under ASGI: an application without Django that does with a body what an upload needs.

It reads, and a thread hashes (SHA-256) and writes while the next piece arrives. It supports the part of tus that the
benchmark's client uses, and checks and records nothing: for measurements only. ``BARE_FOLDER`` is where it writes.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

PIECE = 512 * 1024
FOLDER = Path(os.environ.get("BARE_FOLDER", "."))

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

threads = ThreadPoolExecutor(16)


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    name = scope["path"].rpartition("/")[2]
    match scope["method"]:
        case "POST":
            name = uuid4().hex
            (FOLDER / name).touch()
            await answer(send, 201, [(b"location", f"/files/{name}".encode())])
        case "PATCH":
            offset = int(dict(scope["headers"])[b"upload-offset"])
            reached = await write(FOLDER / name, offset, receive)
            await answer(send, 204, [(b"upload-offset", str(reached).encode())])
        case "DELETE":
            (FOLDER / name).unlink()
            await answer(send, 204, [])
        case _:
            await answer(send, 200, [])


async def write(path: Path, offset: int, receive: Receive) -> int:
    """Write a body from ``offset`` on, and return where it ends."""
    digest = hashlib.sha256()
    loop = asyncio.get_running_loop()

    def work(data: bytes) -> None:
        digest.update(data)
        file.write(data)

    with path.open("r+b", buffering=0) as file:
        file.seek(offset)
        busy: Awaitable[None] | None = None
        async for piece in pieces(receive):
            if busy:
                await busy
            busy = loop.run_in_executor(threads, work, piece)
            offset += len(piece)
        if busy:
            await busy
    return offset


async def pieces(receive: Receive) -> AsyncIterator[bytes]:
    held, more = list[bytes](), True
    while more:
        message = await receive()
        held.append(message.get("body", b""))
        more = message.get("more_body", False)
        if not more or sum(map(len, held)) >= PIECE:
            yield b"".join(held)
            held = []


async def answer(send: Send, status: int, headers: list[tuple[bytes, bytes]]) -> None:
    length = [] if status == 204 else [(b"content-length", b"0")]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *length]})
    await send({"type": "http.response.body", "body": b""})
