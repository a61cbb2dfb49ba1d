"""A disk that fills up: what is refused, what still works, and how the site recovers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from django_largefiles.options import MIB
from example_project.processes import Server, manage
from tests.conftest import png
from tests.integration.conftest import ANYTHING, Example, client_of
from tests.integration.disks import fill, needs_mounting, small_disk
from tests.integration.postgresql import needs_own_postgresql, own_server
from tests.integration.resumable import COLLECTION, TUS, Connection, Upload

pytestmark = [pytest.mark.integration, needs_mounting]

SIZE = 160 * MIB
PIECE = bytes(8 * MIB)
EXPIRE = (
    "from datetime import timedelta; from django.utils import timezone; from django_largefiles.models import Upload; "
    "Upload.objects.update(expires_at=timezone.now() - timedelta(minutes=1))"
)

Database = Callable[[Path, Path], AbstractContextManager[Mapping[str, str]]]


@contextmanager
def sqlite_beside(disk: Path, elsewhere: Path) -> Iterator[Mapping[str, str]]:  # needs_mounting
    """The example's default."""
    yield {}


@contextmanager
def sqlite_elsewhere(disk: Path, elsewhere: Path) -> Iterator[Mapping[str, str]]:  # needs_mounting
    yield {"EXAMPLE_DATABASE_URL": f"sqlite:///{elsewhere / 'db.sqlite3'}"}


@contextmanager
def postgresql_beside(disk: Path, elsewhere: Path) -> Iterator[Mapping[str, str]]:  # needs_postgresql
    # Its write-ahead log would grow up to 1 GiB.
    with own_server(disk / "postgresql", "max_wal_size=16MB", "min_wal_size=2MB") as url:
        yield {"EXAMPLE_DATABASE_URL": url}


DATABASES = [
    pytest.param(sqlite_beside, id="SQLite beside the files"),
    pytest.param(sqlite_elsewhere, id="SQLite elsewhere"),
    pytest.param(postgresql_beside, id="PostgreSQL beside the files", marks=needs_own_postgresql),
]


class Site(Example):  # needs_mounting
    """The example, with all its data on a small disk."""

    def __init__(self, disk: Path, stack: ExitStack, database: Mapping[str, str]) -> None:
        super().__init__(disk / "data", stack)
        self.disk = disk
        self.env = {**self.env, **ANYTHING, **database}
        self.manage("migrate", "--verbosity", "0")

    def manage(self, *arguments: str) -> str:
        return manage(*arguments, data_dir=self.data_dir, env=self.env)


@pytest.fixture(params=DATABASES)
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:  # needs_mounting
    database: Database = request.param
    with small_disk(SIZE) as disk, database(disk, tmp_path) as env, ExitStack() as stack:
        yield Site(disk, stack, env)


def declare(server: Server, length: int) -> int:  # needs_mounting
    """The status of the answer to a creation."""
    with Connection(server) as connection:
        headers = {**TUS.headers, **TUS.creation, "Upload-Length": length}
        return connection.request("POST", COLLECTION, headers).status


def send_until_refused(upload: Upload) -> int:  # needs_mounting
    """The bytes that were acknowledged."""
    offset = 0
    # A server may close the connection of a request whose body it does not read.
    with suppress(ConnectionError):
        while upload.append(offset, PIECE).status == 204:
            offset += len(PIECE)
    return offset


def test_a_full_disk_takes_and_loses_nothing_and_recovers(site: Site, tmp_path: Path) -> None:  # needs_mounting
    picture = tmp_path / "picture.png"
    picture.write_bytes(png(padding=MIB))
    server = site.server()
    client = client_of(server)
    kept = client.upload(picture, media_type="image/png").body["id"]

    assert declare(server, SIZE) == 507
    upload = Upload.create(server, None)
    offset = send_until_refused(upload)
    assert offset >= len(PIECE)
    assert site.incoming() == upload.ask().offset == offset

    # There is room to delete and so for small files; and what has been refused is refused again.
    assert client.delete(f"/api/assets/{kept}/") == 204
    another = client.upload(picture, media_type="image/png")
    assert another.status == 201
    assert declare(server, SIZE) == 507

    hog = fill(site.disk)
    assert declare(server, MIB) == 507
    # What needs no bytes is up to the database, which may have room in files that it keeps.
    assert declare(server, 0) in {201, 507}
    assert client.delete(f"/api/assets/{another.body['id']}/") in {204, 507}
    hog.unlink()

    site.manage("shell", "-c", EXPIRE)
    site.manage("largefiles_sweep")
    assert site.incoming() == 0
    assert send_until_refused(Upload.create(server, None)) == offset
