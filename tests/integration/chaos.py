"""Uploads that are interrupted in every way, each carried on to its end by a client that only asks and sends.

After every step the server must know at least of the bytes that it has acknowledged before, and have them right.
"""

from __future__ import annotations

import logging
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing, suppress
from hashlib import sha256
from itertools import cycle, islice, product
from pathlib import Path
from random import Random
from typing import TypeAlias
from uuid import UUID

from django_largefiles.media_types.sniffing import HEAD_LENGTH
from django_largefiles.names import storage_key
from django_largefiles.options import MIB
from django_largefiles.stores.filesystem import INCOMING
from example_project.processes import Server, manage
from tests.integration.conftest import ANYTHING, Example
from tests.integration.resumable import DRAFT, TUS, Answer, Connection, Dialect, Upload

logger = logging.getLogger(__name__)

ATTEMPTS = 20
LARGEST = 3 * MIB
STALLING = Path(__file__).resolve().parent / "clients" / "stalling.py"


class Journey:
    """One upload, with its content and what the server has acknowledged of it."""

    def __init__(self, example: Example, server: Server, dialect: Dialect, random: Random) -> None:
        self.example, self.server, self.random = example, server, random
        # Random bytes at the start may look like a type that does not go with the name.
        self.content = bytes(HEAD_LENGTH) + random.randbytes(random.randint(1, LARGEST))
        self.upload = Upload.create(server, len(self.content), dialect)
        self.acknowledged = 0
        self.held = ExitStack()

    @property
    def rest(self) -> int:
        return len(self.content) - self.acknowledged

    def ask(self) -> Answer:
        answer = self.upload.ask()
        assert answer.offset >= self.acknowledged
        self.acknowledged = answer.offset
        assert self.stored()[: answer.offset] == self.content[: answer.offset]
        return answer

    def request(self, size: int) -> bytes:
        """``PATCH`` of all that is missing, cut off after ``size`` bytes of the body."""
        with Connection(self.server) as connection:
            head = self.upload.append_head(connection, self.acknowledged, self.rest)
        return head + self.content[self.acknowledged :][:size]

    def send(self, size: int) -> Connection:
        connection = Connection(self.server)
        connection.send(self.request(size))
        return connection

    def listen(self, connection: Connection, *, patience: float) -> None:
        with suppress(TimeoutError):
            self.acknowledged = int(
                connection.answer(patience=patience).headers.get("Upload-Offset", self.acknowledged)
            )

    def go_on(self) -> bool:
        """Ask, and send what is missing. Whether nothing was."""
        complete = self.upload.dialect.is_complete(self.ask(), len(self.content))
        answer = self.upload.append(self.acknowledged, self.content[self.acknowledged :])
        # By the draft it may be told only now that an earlier request has completed the upload in the meantime.
        assert complete or answer.status in {201, 204, 409, 423} or b'"upload_completed"' in answer.body, answer
        return complete

    def stored(self) -> bytes:
        name = Path(storage_key(UUID(self.upload.asset_id)))
        # An earlier request may complete the upload, but nothing goes back.
        with suppress(FileNotFoundError):
            return (self.example.media / INCOMING / name.name).read_bytes()
        return (self.example.media / name).read_bytes()


Fault: TypeAlias = Callable[[Journey, int], None]
"""What goes wrong after so many bytes of a body."""


def server_killed(journey: Journey, size: int) -> None:
    with journey.send(size) as connection:
        # Also in the middle of its last steps, or just after its answer.
        journey.listen(connection, patience=journey.random.uniform(0.001, 0.05))
        journey.server.kill()
    journey.server.start()


def client_killed(journey: Journey, size: int) -> None:
    command = [sys.executable, "-IS", str(STALLING), journey.server.host, str(journey.server.port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
        assert client.stdin and client.stdout
        client.stdin.write(journey.request(size))
        client.stdin.close()
        assert client.stdout.readline() == b"sent\n"
        client.kill()


def connection_half_open(journey: Journey, size: int) -> None:
    journey.held.enter_context(journey.send(size))


def body_cut_short(journey: Journey, size: int) -> None:
    journey.send(size).close()


def client_times_out(journey: Journey, size: int) -> None:
    with journey.send(size) as connection:
        journey.listen(connection, patience=0.1)


FAULTS: Sequence[Fault] = (server_killed, client_killed, connection_half_open, body_cut_short, client_times_out)
KINDS = list(product((TUS, DRAFT), FAULTS))


class Chaos:
    """The same ``seed`` makes the same rounds; what the processes make of them differs all the same."""

    def __init__(self, example: Example, *, seed: int) -> None:
        logger.warning("The seed is %s.", seed)
        self._example, self._random = example, Random(seed)
        self._server = example.server(env=ANYTHING)

    def run(self, rounds: int) -> None:
        """So many uploads, each interrupted up to three times. The first interruptions go through all kinds."""
        for number, (dialect, fault) in enumerate(islice(cycle(KINDS), rounds)):
            faults = [fault, *self._random.choices(FAULTS, k=self._random.randint(0, 2))]
            logger.warning("Round %s: %s, %s", number, dialect.name, [fault.__name__ for fault in faults])
            self._carry_through(self._begin(dialect), faults)

    def leave_behind(self) -> None:
        """An upload of each kind that nobody goes on with. While its time runs out some connections are still open."""
        journeys = [self._begin(dialect) for dialect, _ in KINDS]
        for journey, (_, fault) in zip(journeys, KINDS, strict=True):
            fault(journey, journey.rest // 2)
        # A request that ends only now puts its upload's expiry off.
        assert any(self._sweep() for _ in range(ATTEMPTS))
        for journey in journeys:
            journey.held.close()

    def check_that_nothing_is_left(self) -> None:
        """Every file is that of an asset, and every asset has its file."""
        digests = [sha256((self._example.media / name).read_bytes()).hexdigest() for name in self._example.stored()]
        assert sorted(digests) == sorted(self._example.column("sha256"))
        assert set(self._example.column("state")) == {"received"}

    def _begin(self, dialect: Dialect) -> Journey:
        journey = Journey(self._example, self._server, dialect, self._random)
        first = self._random.randint(0, journey.rest - 1)
        assert journey.upload.append(0, journey.content[:first]).status == 204
        journey.ask()
        return journey

    def _carry_through(self, journey: Journey, faults: Sequence[Fault]) -> None:
        for fault in faults:
            fault(journey, self._random.choice((journey.rest, self._random.randint(0, journey.rest))))
            journey.ask()
        assert any(journey.go_on() for _ in range(ATTEMPTS))
        assert journey.stored() == journey.content
        journey.held.close()

    def _sweep(self) -> bool:
        """Let all uploads expire. Whether none is left."""
        with closing(sqlite3.connect(self._example.data_dir / "db.sqlite3", timeout=20)) as database, database:
            database.execute("UPDATE django_largefiles_upload SET expires_at = '2000-01-01 00:00:00'")
        manage("largefiles_sweep", data_dir=self._example.data_dir, env=self._example.env)
        return not self._example.rows("SELECT * FROM django_largefiles_upload")
