"""Two writers at one offset: one of them wins, the other is told so, and none of the other's bytes are kept."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from example_project.processes import Server
from tests.integration import postgresql
from tests.integration.conftest import ANYTHING, Example, client_of
from tests.integration.postgresql import needs_postgresql
from tests.integration.resumable import Connection, Upload

pytestmark = pytest.mark.integration

RACES_PER_UPLOAD = 20
PIECE = 512
HUNG_UP = 0
"""In place of a status."""


@contextmanager
def sqlite(data_dir: Path) -> Iterator[Mapping[str, str]]:
    """The example's own."""
    yield {}


class Writers:
    """Two connections, each with bytes of its own, that take turns in being first by a hair."""

    def __init__(self, server: Server) -> None:
        self.refusals: list[int] = []
        self._server = server
        self._bodies = {Connection(server): letter * PIECE for letter in (b"a", b"b")}

    def race(self, upload: Upload, offset: int) -> bytes:
        """The bytes of the one that won."""
        self._bodies = dict(reversed(self._bodies.items()))
        for connection, body in self._bodies.items():
            connection.send(upload.append_head(connection, offset, PIECE) + body)
        (won,) = (body for connection, body in list(self._bodies.items()) if self._has_won(connection, body))
        return won

    def _has_won(self, connection: Connection, body: bytes) -> bool:
        try:
            status = connection.answer().status
        except http.client.RemoteDisconnected:  # pragma: no cover - which of the two happens is chance
            # A request that waited for bytes when the other took the upload over is hung up on.
            status = HUNG_UP
            del self._bodies[connection]
            connection.close()
            self._bodies[Connection(self._server)] = body
        self.refusals += [status] * (status != 204)
        return status == 204

    def close(self) -> None:
        for connection in self._bodies:
            connection.close()


@pytest.mark.parametrize(
    ("database", "uploads"),
    [
        pytest.param(sqlite, 15, id="300 races over SQLite"),
        pytest.param(postgresql.database, 5, id="100 races over PostgreSQL", marks=needs_postgresql),
    ],
)
def test_of_two_writers_one_wins_every_time(
    database: Callable[[Path], AbstractContextManager[Mapping[str, str]]],
    uploads: int,
    example: Example,
    record_property: Callable[[str, object], None],
) -> None:
    with database(example.data_dir) as env:
        server = example.server(env={**ANYTHING, **env})
        writers, client = Writers(server), client_of(server)
        for _ in range(uploads):
            upload = Upload.create(server, RACES_PER_UPLOAD * PIECE)
            content = b"".join(writers.race(upload, turn * PIECE) for turn in range(RACES_PER_UPLOAD))
            asset = client.get(f"/api/assets/{upload.asset_id}/").body
            assert (asset["state"], asset["sha256"]) == ("received", sha256(content).hexdigest())
        writers.close()
    assert set(writers.refusals) <= {409, 423, HUNG_UP}
    assert len(writers.refusals) == uploads * RACES_PER_UPLOAD
    record_property("refused with 409", writers.refusals.count(409))
    record_property("refused with 423", writers.refusals.count(423))
    record_property("hung up on", writers.refusals.count(HUNG_UP))
