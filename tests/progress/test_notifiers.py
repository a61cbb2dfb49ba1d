from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.core.checks import Tags, run_checks
from django.db import connection
from django.db.utils import ConnectionHandler
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from django_largefiles import lifecycle
from django_largefiles.models import FileAsset
from django_largefiles.pipeline.processing import process
from django_largefiles.progress import hub, notifiers
from django_largefiles.progress.hub import current_hub
from django_largefiles.progress.notifiers import listen, postgresql
from django_largefiles.progress.notifiers.base import Notifier
from django_largefiles.progress.notifiers.postgresql import PostgresqlNotifier
from django_largefiles.progress.notifiers.redis import RedisNotifier
from django_largefiles.progress.watcher import Watcher
from tests.conftest import Largefiles
from tests.integration import brokers
from tests.integration.postgresql import needs_postgresql
from tests.progress import notifiers as fakes
from tests.progress.rows import Rows
from tests.progress.test_hub import news_of, until_idle

MEMORY = f"{fakes.__name__}.MemoryNotifier"
ASSET, OTHER = UUID(int=1), UUID(int=2)


@pytest.fixture
def memory(largefiles: Largefiles) -> Iterator[list[UUID]]:
    """What has been published and not been heard."""
    largefiles.set(PROGRESS_NOTIFIER={"BACKEND": MEMORY})
    yield fakes.published
    fakes.published.clear()
    fakes.failures.clear()


@pytest.mark.django_db(transaction=True)
def test_each_state_is_published(received: FileAsset, memory: list[UUID]) -> None:
    process(received.pk)
    assert memory == [received.pk]
    lifecycle.block(received.pk)
    assert memory == [received.pk] * 2


@pytest.mark.django_db(transaction=True)
def test_nothing_is_published_without_a_notifier(ready: FileAsset) -> None:
    assert fakes.published == []


@pytest.mark.django_db(transaction=True)
def test_an_asset_is_processed_though_nothing_can_be_published(
    received: FileAsset, memory: list[UUID], caplog: pytest.LogCaptureFixture
) -> None:
    fakes.failures.append(ConnectionError("refused"))
    process(received.pk)
    received.refresh_from_db()
    assert received.state == "ready"
    (record,) = caplog.records
    assert (record.name, record.levelno) == (notifiers.__name__, logging.WARNING)
    assert str(received.pk) in record.getMessage()
    assert "refused" in record.getMessage()


def test_what_is_published_is_looked_at_at_once(
    rows: Rows, memory: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "INTERVAL", 3600)

    async def run() -> None:
        watcher = Watcher([ASSET, OTHER])
        with current_hub().following(watcher, [ASSET, OTHER]):
            await news_of(watcher)
            changed = rows.set(ASSET, received=50)
            memory.append(ASSET)
            assert await news_of(watcher) == [changed]
            assert rows.looks[-1] == {ASSET}
        await until_idle()

    rows.set(ASSET)
    rows.set(OTHER)
    asyncio.run(run())


def test_after_a_failure_it_is_listened_to_again(
    memory: list[UUID], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(notifiers, "FIRST_PAUSE", 0.001)
    fakes.failures += [ConnectionError("still starting"), ConnectionError("down")]
    memory.append(ASSET)
    asyncio.run(hear())
    assert [record.getMessage().rpartition(": ")[2] for record in caplog.records] == ["down", "still starting"]


def test_without_a_notifier_nothing_is_listened_to() -> None:
    asyncio.run(listen(lambda asset_ids: None))


async def hear(asset_id: UUID = ASSET) -> None:
    """Listen until the asset is published."""
    heard = asyncio.Event()

    def hurry(asset_ids: Iterable[UUID]) -> None:
        assert list(asset_ids) == [asset_id]
        heard.set()

    task = asyncio.create_task(listen(hurry))
    await asyncio.wait_for(heard.wait(), 30)
    task.cancel()
    await asyncio.wait([task])


async def hear_from(notifier: Notifier, publish: Callable[[UUID], object], disturb: Callable[[], object]) -> None:
    """What is published reaches who listens, and what others send over the same server does not."""
    first, second = uuid4(), uuid4()
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1) as thread:
        async with aclosing(notifier.listen()) as changed:
            heard = asyncio.ensure_future(anext(changed))
            while not heard.done():
                # Before it is listened to, nothing is kept.
                await loop.run_in_executor(thread, publish, first)
                await asyncio.wait([heard], timeout=0.05)
            assert await heard == first
            await loop.run_in_executor(thread, disturb)
            await loop.run_in_executor(thread, publish, second)
            # The first may have been published once more, before it was heard.
            assert await anext(each async for each in changed if each != first) == second


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[str]:  # needs_redis
    with brokers.redis(tmp_path) as broker:
        yield broker.url


@pytest.mark.integration
@brokers.needs_redis
def test_redis_tells_other_processes(redis: str) -> None:  # needs_redis
    with Redis.from_url(redis, retry=Retry(ConstantBackoff(0.05), 600)) as client:
        client.ping()
        notifier = RedisNotifier(url=redis, channel="assets")
        asyncio.run(hear_from(notifier, notifier.publish, lambda: client.publish("assets", b"\xff")))


@needs_postgresql
@pytest.mark.integration
@pytest.mark.django_db
def test_postgresql_tells_other_processes(monkeypatch: pytest.MonkeyPatch) -> None:  # needs_postgresql
    server = {"ENGINE": "django.db.backends.postgresql", "HOST": "127.0.0.1", "NAME": "postgres", "USER": "postgres"}
    databases = ConnectionHandler({"default": server})
    monkeypatch.setattr(postgresql, "connections", databases)
    notifier = PostgresqlNotifier(channel=f"largefiles {uuid4()}")

    def publish(asset_id: UUID) -> None:
        notifier.publish(asset_id)
        databases.close_all()

    def disturb() -> None:
        with databases["default"].cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, %s)", [notifier._channel, "something else"])

    asyncio.run(hear_from(notifier, publish, disturb))
    assert list(notifier.check()) == []


def test_a_redis_that_is_down_is_an_error_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail("it waits"))
    with pytest.raises(RedisConnectionError):
        RedisNotifier(url="redis://127.0.0.1:1/0").publish(ASSET)


def test_a_redis_is_not_asked_by_the_checks() -> None:
    assert list(RedisNotifier(url="redis://127.0.0.1:1/0").check()) == []


def test_other_databases_do_not_notify(largefiles: Largefiles) -> None:
    largefiles.set(PROGRESS_NOTIFIER={"BACKEND": f"{postgresql.__name__}.PostgresqlNotifier"})
    assert ("django_largefiles.E013" in told()) == (connection.vendor != "postgresql")


def test_the_check_of_a_notifier_is_made(memory: list[UUID]) -> None:
    assert "tests.W001" in told()


@pytest.mark.parametrize("backend", ["tests.nowhere.Notifier", "tests.progress.rows.Rows"])
def test_a_notifier_that_cannot_be_made(backend: str, largefiles: Largefiles) -> None:
    largefiles.set(PROGRESS_NOTIFIER={"BACKEND": backend})
    assert "django_largefiles.E012" in told()


def told() -> list[str | None]:
    return [message.id for message in run_checks(tags=[Tags.files])]
