from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from django_largefiles.progress.watcher import Watcher
from tests.progress.rows import gone, update

FIRST, SECOND = UUID(int=1), UUID(int=2)


def test_an_update_is_told_once() -> None:
    watcher = Watcher([FIRST])
    watcher.offer(update(FIRST))
    assert list(watcher.take()) == [update(FIRST)]
    watcher.offer(update(FIRST))
    assert list(watcher.take()) == []


def test_a_slow_reader_is_told_the_latest_alone() -> None:
    watcher = Watcher([FIRST, SECOND])
    for received in range(1000):
        watcher.offer(update(FIRST, received=received))
    watcher.offer(update(SECOND))
    assert list(watcher.take()) == [update(FIRST, received=999), update(SECOND)]


def test_what_has_changed_back_is_not_told() -> None:
    watcher = Watcher([FIRST])
    watcher.offer(update(FIRST, state="processing"))
    list(watcher.take())
    watcher.offer(update(FIRST, state="received"))
    watcher.offer(update(FIRST, state="processing"))
    assert list(watcher.take()) == []


def test_an_asset_that_is_asked_for_twice_is_told_once() -> None:
    assert Watcher([FIRST, SECOND, FIRST]).asset_ids == (FIRST, SECOND)


def test_each_version_includes_what_was_told_before() -> None:
    watcher = Watcher([FIRST, SECOND])
    before = watcher.version
    watcher.offer_all({FIRST: update(FIRST), SECOND: update(SECOND)})
    versions = [watcher.version for _ in watcher.take()]
    assert len({before, *versions}) == 3
    assert versions[-1] == watcher.version


@pytest.mark.parametrize("told", [0, 1, 2])
def test_after_a_reconnect_only_the_rest_is_told(told: int) -> None:
    updates = [update(FIRST), update(SECOND)]
    before = Watcher([FIRST, SECOND])
    for known in updates[:told]:
        before.offer(known)
    list(before.take())
    after = Watcher([FIRST, SECOND], version=before.version)
    after.offer_all({known.asset_id: known for known in updates})
    assert list(after.take()) == updates[told:]


def test_it_is_settled_when_the_end_of_all_has_been_told() -> None:
    watcher = Watcher([FIRST, SECOND])
    watcher.offer(update(FIRST, state="ready"))
    list(watcher.take())
    assert not watcher.is_settled
    watcher.offer(gone(SECOND))
    assert not watcher.is_settled
    list(watcher.take())
    assert watcher.is_settled


def test_it_is_not_settled_while_an_asset_is_processed_again() -> None:
    watcher = Watcher([FIRST])
    watcher.offer(update(FIRST, state="failed"))
    watcher.offer(update(FIRST, state="received"))
    list(watcher.take())
    assert not watcher.is_settled


def test_it_is_settled_if_the_end_of_all_is_known() -> None:
    before = Watcher([FIRST])
    before.offer(update(FIRST, state="ready"))
    list(before.take())
    after = Watcher([FIRST], version=before.version)
    assert not after.is_settled
    after.offer(update(FIRST, state="ready"))
    assert after.is_settled


def test_waiting_ends_with_the_first_news() -> None:
    async def run() -> None:
        watcher = Watcher([FIRST])
        asyncio.get_running_loop().call_soon(watcher.offer, update(FIRST))
        await watcher.wait()
        assert list(watcher.take()) == [update(FIRST)]

    asyncio.run(run())


def test_waiting_ends_without_news() -> None:
    async def run() -> None:
        watcher = Watcher([FIRST])
        await watcher.wait(0.001)
        assert list(watcher.take()) == []

    asyncio.run(run())


def test_waiting_raises_the_failure_of_the_hub() -> None:
    async def run() -> None:
        watcher = Watcher([FIRST])
        watcher.fail(KeyError("bug"))
        with pytest.raises(KeyError):
            await watcher.wait()

    asyncio.run(run())
