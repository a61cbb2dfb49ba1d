"""The worked example of the documentation does what the documentation says."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from io import BytesIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from django_largefiles.doors.ingest import ingest
from django_largefiles.extractors.base import Metadata
from django_largefiles.media_types.sniffing import sniff_file
from django_largefiles.pipeline.processing import process
from tests.conftest import Largefiles
from tests.worked_example import SqliteExtractor

TYPE = "application/vnd.sqlite3"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    with closing(sqlite3.connect(tmp_path / "a.sqlite3")) as connection:
        connection.executescript("PRAGMA page_size = 4096; PRAGMA user_version = 7; CREATE TABLE a (b);")
    return tmp_path / "a.sqlite3"


def test_it_answers_what_the_page_shows(database: Path) -> None:
    with database.open("rb") as file:
        assert sniff_file(file) == TYPE
        assert SqliteExtractor().extract(file, TYPE) == Metadata(
            page_count=2, attributes={"page_size": 4096, "user_version": 7}
        )


@pytest.mark.parametrize("data", [b"", b"SQLite format 3\0", b"x" * 100], ids=["empty", "cut off", "another file"])
def test_it_says_what_it_cannot_read(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a database"):
        SqliteExtractor().extract(BytesIO(data), TYPE)


@pytest.mark.django_db(transaction=True)
def test_one_line_of_the_settings_brings_it_into_play(database: Path, owner: User, largefiles: Largefiles) -> None:
    largefiles.set(
        ALLOWED_MIME_TYPES=[TYPE], EXTRACTORS={TYPE: "tests.worked_example.SqliteExtractor", "audio/*": None}
    )
    asset = ingest(database, owner=owner)
    process(asset.pk)
    asset.refresh_from_db()
    assert (asset.page_count, asset.extra_attributes) == (2, {"page_size": 4096, "user_version": 7})
