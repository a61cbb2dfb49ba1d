"""Sites for the browser: the example, in a server process of its own."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from example_project.processes import Server, manage

REPOSITORY = Path(__file__).resolve().parents[2]
ENV = {
    "EXAMPLE_ACCESS": "anyone",
    "PYTHONPATH": str(REPOSITORY),
    "DJANGO_SETTINGS_MODULE": "tests.browser.settings",
}

LARGEFILES_TABLES = ("django_largefiles_upload", "django_largefiles_fileasset")


class Site:  # needs_chromium
    """``url`` ends with a slash."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.url = server.url
        self.hold = server.data_dir / "hold"

    def rows(self, query: str) -> list[Any]:
        with closing(sqlite3.connect(self.server.data_dir / "db.sqlite3", timeout=20)) as database:
            return list(database.execute(query))

    def assets(self) -> list[Any]:
        """Name, state and size, in the order in which they came."""
        return self.rows("SELECT original_name, state, size FROM django_largefiles_fileasset ORDER BY created_at")

    def offsets(self) -> list[int]:
        """How many bytes the uploads that are not complete have."""
        return [offset for (offset,) in self.rows('SELECT "offset" FROM django_largefiles_upload')]

    @contextmanager
    def away(self) -> Iterator[None]:
        """The server is killed, and started again in the end."""
        self.server.kill()
        try:
            yield
        finally:
            self.server.start()

    def clear(self) -> None:
        """Make the site forget its files."""
        self.hold.unlink(missing_ok=True)
        with closing(sqlite3.connect(self.server.data_dir / "db.sqlite3", timeout=20)) as database, database:
            for table in ("example_film_stills", "example_film", *LARGEFILES_TABLES):
                database.execute(f"DELETE FROM {table}")


@cache
def empty_database() -> bytes:  # needs_chromium
    """To make its tables takes seconds, so that all sites of a process begin with a copy."""
    with TemporaryDirectory() as folder:
        manage("migrate", "--verbosity", "0", data_dir=Path(folder), env=ENV)
        return (Path(folder) / "db.sqlite3").read_bytes()


@contextmanager
def started(data_dir: Path, kind: str, env: Mapping[str, str] | None = None) -> Iterator[Site]:  # needs_chromium
    data_dir.mkdir(exist_ok=True)
    (data_dir / "db.sqlite3").write_bytes(empty_database())
    with served(data_dir, kind, env) as site:
        yield site


@contextmanager
def served(data_dir: Path, kind: str, env: Mapping[str, str] | None = None) -> Iterator[Site]:  # needs_chromium
    """Serve a folder whose database has been migrated. It is removed in the end."""
    server = Server(data_dir=data_dir, kind=kind, env={**ENV, **(env or {})})
    try:
        yield Site(server.start())
    finally:
        server.kill()
        shutil.rmtree(data_dir)
