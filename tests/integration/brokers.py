"""Brokers for the example, each with a queue that nobody else uses."""

from __future__ import annotations

import shutil
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import pytest
from amqp.exceptions import NotFound
from kombu import Connection
from kombu.exceptions import OperationalError
from redis import Redis as RedisClient

from example_project.processes import free_port

AMQP = "amqp://guest:guest@127.0.0.1:5672//"


class Broker(ABC):
    outlives_its_pool = True
    """Whether a worker goes on where a process of its pool is killed that has nothing to do."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.queue = f"largefiles-{uuid4().hex}"

    @property
    def env(self) -> Mapping[str, str]:
        return {"EXAMPLE_BROKER_URL": self.url, "HURRY_QUEUE": self.queue}

    @abstractmethod
    def messages(self) -> int:
        """Those in the queue, and as far as it can be seen those that a worker holds."""


class Redis(Broker):
    def messages(self) -> int:  # needs_redis
        with RedisClient.from_url(self.url) as client:
            return client.llen(self.queue) + client.hlen("unacked")


class RabbitMQ(Broker):
    def messages(self) -> int:  # needs_rabbitmq
        with Connection(self.url) as connection, connection.channel() as channel:
            return channel.queue_declare(self.queue, passive=True).message_count


class Files(Broker):
    """kombu's filesystem transport, in the example's own folder: a worker that dies loses the messages it holds.

    Processes of its pool share a queue, and one that waits holds the lock on it (billiard).
    """

    outlives_its_pool = False

    def __init__(self, folder: Path) -> None:
        super().__init__("filesystem://")
        self._folder = folder

    def messages(self) -> int:
        return len(list(self._folder.glob(f"*.{self.queue}.msg")))


@contextmanager
def files(data_dir: Path) -> Iterator[Broker]:
    yield Files(data_dir / "broker" / "messages")


needs_redis = pytest.mark.skipif(not shutil.which("redis-server"), reason="redis-server is not installed")


@contextmanager
def redis(data_dir: Path, port: int | None = None) -> Iterator[Broker]:  # needs_redis
    port = port or free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(data_dir)]
    with subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL) as process:
        try:
            yield Redis(f"redis://127.0.0.1:{port}/0")
        finally:
            process.kill()


def why_no_rabbitmq() -> str:  # needs_rabbitmq
    try:
        with Connection(AMQP, connect_timeout=5) as connection:
            connection.ensure_connection(max_retries=1)
    except OperationalError as error:
        return f"RabbitMQ does not let us in at {AMQP}: {error}"
    return ""


needs_rabbitmq = pytest.mark.skipif(bool(why_no_rabbitmq()), reason=why_no_rabbitmq() or "it is there")


@contextmanager
def rabbitmq(data_dir: Path) -> Iterator[Broker]:  # needs_rabbitmq
    """The server that is there; the queue is deleted in the end."""
    broker = RabbitMQ(AMQP)
    try:
        yield broker
    finally:
        with Connection(AMQP) as connection, connection.channel() as channel, suppress(NotFound):
            channel.queue_delete(broker.queue)
            channel.exchange_delete(broker.queue)
