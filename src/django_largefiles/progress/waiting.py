"""Waiting for an event or for some time, whichever comes first."""

from __future__ import annotations

import asyncio


async def wait(event: asyncio.Event, seconds: float | None = None) -> None:
    """Wait until the event is set, for so many seconds at most, and clear it.

    The time sets the event, too: unlike the timeouts of asyncio, this cancels nothing, many times in a minute.
    """
    timer = asyncio.get_running_loop().call_later(seconds, event.set) if seconds is not None else None
    try:
        await event.wait()
    finally:
        if timer:
            timer.cancel()
    event.clear()
