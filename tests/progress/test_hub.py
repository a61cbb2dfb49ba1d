from __future__ import annotations

import asyncio
import contextvars
import itertools
import logging
import threading
import time
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError

from django_largefiles.progress import hub as module
from django_largefiles.progress.hub import Hub, current_hub
from django_largefiles.progress.updates import Update
from django_largefiles.progress.watcher import Watcher
from tests.progress.rows import Rows, gone, update

FIRST, SECOND = UUID(int=1), UUID(int=2)
MANY = 1000


async def news_of(watcher: Watcher) -> list[Update]:
    while not (news := list(watcher.take())):
        await watcher.wait(30)
    return news


def tasks() -> set[Any]:
    return asyncio.all_tasks() - {asyncio.current_task()}


async def until_idle() -> None:
    while tasks():
        await asyncio.sleep(0)


def test_a_watcher_is_told_how_an_asset_is_and_what_changes(rows: Rows) -> None:
    async def run() -> None:
        watcher = Watcher([FIRST])
        first = rows.set(FIRST)
        with current_hub().following(watcher, [FIRST]):
            assert await news_of(watcher) == [first]
            second = rows.set(FIRST, state="processing")
            assert await news_of(watcher) == [second]
            rows.remove(FIRST)
            assert await news_of(watcher) == [gone(FIRST)]

    asyncio.run(run())


def test_a_look_serves_all_watchers(rows: Rows) -> None:
    async def run() -> None:
        assets = [UUID(int=number) for number in range(1, MANY + 1)]
        watchers = [Watcher([FIRST, asset_id]) for asset_id in assets]
        hub = current_hub()
        with ExitStack() as stack:
            for watcher in watchers:
                stack.enter_context(hub.following(watcher, watcher.asset_ids))
            await asyncio.gather(*map(news_of, watchers))
            before = len(rows.looks)
            changed = rows.set(FIRST, received=50)
            assert await asyncio.gather(*map(news_of, watchers)) == [[changed]] * MANY
            assert len(rows.looks) - before <= 2

    for number in range(1, MANY + 1):
        rows.set(UUID(int=number))
    asyncio.run(run())


def test_looks_are_half_a_second_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, times = Rows(), list[float]()
    rows.set(FIRST)
    rows.meanwhile = lambda: times.append(time.monotonic())
    monkeypatch.setattr(module, "read", rows)

    async def run() -> None:
        watcher = Watcher([FIRST])
        with current_hub().following(watcher, [FIRST]):
            await rows.look(2)

    asyncio.run(run())
    assert all(later - earlier >= 0.49 for earlier, later in itertools.pairwise(times))
    assert len(times) >= 3


def test_a_hurried_look_comes_at_once_and_reads_nothing_else(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "INTERVAL", 3600)

    async def run() -> None:
        watcher, hub = Watcher([FIRST, SECOND]), current_hub()
        with hub.following(watcher, [FIRST, SECOND]):
            assert len(await news_of(watcher)) == 2
            changed = rows.set(FIRST, received=1)
            rows.set(SECOND, received=1)
            hub.hurry([FIRST, UUID(int=3)])
            assert await news_of(watcher) == [changed]
        hub.hurry([FIRST])
        assert rows.looks == [{FIRST, SECOND}, {FIRST}]

    rows.set(FIRST)
    rows.set(SECOND)
    asyncio.run(run())


def test_settled_assets_are_looked_at_less_often(rows: Rows) -> None:
    async def run() -> None:
        watcher = Watcher([FIRST, SECOND])
        with current_hub().following(watcher, [FIRST, SECOND]):
            await news_of(watcher)
            await rows.look(3)
            assert {FIRST} in rows.looks
            blocked = rows.set(SECOND, state="rejected", reason="blocked")
            assert await news_of(watcher) == [blocked]

    rows.set(FIRST)
    rows.set(SECOND, state="ready")
    asyncio.run(run())


def test_a_look_is_bounded_and_takes_turns(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ASSETS", 10)

    async def run() -> None:
        assets = [UUID(int=number) for number in range(1, 26)]
        watcher = Watcher(assets)
        with current_hub().following(watcher, assets):
            await rows.look(8)
        assert max(map(len, rows.looks)) == 10
        assert set().union(*rows.looks[:3]) == set(assets)

    for number in range(1, 26):
        rows.set(UUID(int=number))
    asyncio.run(run())


def test_who_comes_during_a_look_is_not_told_what_it_has_read(rows: Rows) -> None:
    """It may be older than what the newcomer knows."""

    async def run() -> None:
        hub, first = current_hub(), Watcher([FIRST])
        loop, reads, goes_on = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

        def meanwhile() -> None:
            loop.call_soon_threadsafe(reads.set)
            assert goes_on.wait(30)

        rows.set(FIRST, state="received")
        rows.meanwhile = meanwhile
        with hub.following(first, [FIRST]):
            await reads.wait()
            ready = rows.set(FIRST, state="ready")
            second = Watcher([FIRST])
            second.offer(ready)
            list(second.take())
            with hub.following(second, [FIRST]):
                goes_on.set()
                assert [known.status and known.status.state for known in await news_of(first)] == ["received"]
                assert list(second.take()) == []
                assert await news_of(first) == [ready]
                assert list(second.take()) == []

    asyncio.run(run())


def test_who_knows_less_than_the_last_look_is_told(rows: Rows) -> None:
    async def run() -> None:
        hub, first, second = current_hub(), Watcher([FIRST]), Watcher([FIRST])
        second.offer(rows.set(FIRST, state="received"))
        list(second.take())
        ready = rows.set(FIRST, state="ready")
        with hub.following(first, [FIRST]):
            assert await news_of(first) == [ready]
            with hub.following(second, [FIRST]):
                assert await news_of(second) == [ready]

    asyncio.run(run())


def test_the_task_and_its_thread_end_with_the_last_watcher(rows: Rows) -> None:
    threads: list[threading.Thread] = []

    async def run() -> None:
        hub, first, second = current_hub(), Watcher([FIRST]), Watcher([FIRST, SECOND])
        with hub.following(first, [FIRST]):
            with hub.following(second, [FIRST, SECOND]):
                await rows.look()
            assert len(tasks()) == 1
            threads.extend(each for each in threading.enumerate() if each.name.startswith("largefiles-progress"))
            await rows.look()
            assert rows.looks[-1] == {FIRST}
        await until_idle()

    rows.set(FIRST)
    asyncio.run(run())
    assert threads
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


def test_another_watcher_starts_another_task(rows: Rows) -> None:
    async def run() -> None:
        for _ in range(3):
            watcher = Watcher([FIRST])
            with current_hub().following(watcher, [FIRST]):
                assert await news_of(watcher)

    rows.set(FIRST)
    asyncio.run(run())


def test_each_loop_has_a_hub(rows: Rows) -> None:
    async def run() -> Hub:
        assert current_hub() is current_hub()
        return current_hub()

    assert asyncio.run(run()) is not asyncio.run(run())


def test_the_task_does_not_inherit_the_context_of_the_first_request(
    rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    request: contextvars.ContextVar[str] = contextvars.ContextVar("request", default="none")

    async def run() -> None:
        seen: asyncio.Future[str] = asyncio.Future()

        async def pause(hub: Hub) -> None:
            seen.set_result(request.get())
            await asyncio.Event().wait()

        monkeypatch.setattr(Hub, "_pause", pause)
        request.set("the first")
        with current_hub().following(Watcher([FIRST]), [FIRST]):
            assert await seen == "none"

    asyncio.run(run())


class Failing:
    """Raises for the first looks what a database does that restarts."""

    def __init__(self, error: Exception, times: int) -> None:
        self.error, self.left = error, times

    def __call__(self, asset_ids: Collection[UUID]) -> Mapping[UUID, Update]:
        if self.left:
            self.left -= 1
            raise self.error
        return {asset_id: update(asset_id) for asset_id in asset_ids}


def test_a_database_that_is_down_is_asked_again(
    quick: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "read", Failing(OperationalError("gone away"), 3))

    async def run() -> None:
        watcher = Watcher([FIRST])
        with current_hub().following(watcher, [FIRST]):
            assert await news_of(watcher) == [update(FIRST)]

    with caplog.at_level(logging.WARNING):
        asyncio.run(run())
    assert [record.getMessage() for record in caplog.records] == [
        "Cannot read the progress of assets, and will try again until it works: gone away"
    ]


def test_another_failure_ends_the_watchers_and_the_next_starts_anew(
    quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "read", Failing(KeyError("bug"), 1))

    async def run() -> None:
        watcher, hub = Watcher([FIRST]), current_hub()
        with hub.following(watcher, [FIRST]), pytest.raises(KeyError):
            await watcher.wait(30)
        await until_idle()
        watcher = Watcher([FIRST])
        with hub.following(watcher, [FIRST]):
            assert await news_of(watcher) == [update(FIRST)]

    asyncio.run(run())
