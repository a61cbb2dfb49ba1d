"""Several ranges of a file in one answer."""

from __future__ import annotations

import asyncio
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import connections
from django.test import AsyncClient, Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from django_largefiles.doors.ingest import ingest
from django_largefiles.models import FileAsset
from django_largefiles.pipeline.processing import process
from tests.conftest import Largefiles, png
from tests.multipart_ranges import parts
from tests.s3.servers import S3Bucket

pytestmark = pytest.mark.django_db(transaction=True)

CONTENT = png(padding=1000)
SIZE = len(CONTENT)
RANGES = {"Range": "bytes=600-799,0-9,-5"}
PARTS = [
    ("image/png", f"bytes 600-799/{SIZE}", CONTENT[600:800]),
    ("image/png", f"bytes 0-9/{SIZE}", CONTENT[:10]),
    ("image/png", f"bytes {SIZE - 5}-{SIZE - 1}/{SIZE}", CONTENT[-5:]),
]


def stored(owner: User) -> str:
    """A ready asset's URL."""
    asset = ingest(BytesIO(CONTENT), name="picture.png", owner=owner)
    process(asset.pk)
    return reverse("largefiles:download", args=[asset.pk])


@pytest.fixture
def url(owner: User, client: Client, largefiles: Largefiles) -> str:
    largefiles.set(DELIVERY="stream", CHUNK_SIZE=64)
    client.force_login(owner)
    return stored(owner)


@pytest.fixture
def s3(settings: Settings, bucket: S3Bucket) -> None:
    settings.STORAGES = {**settings.STORAGES, "default": bucket.setting}


def check(answer: Any) -> None:
    pieces = list(answer.streaming_content)
    answer.close()
    body = b"".join(pieces)
    assert (answer.status_code, parts(answer["Content-Type"], body)) == (206, PARTS)
    assert answer["Content-Length"] == str(len(body))
    assert "Content-Range" not in answer
    assert answer["Content-Disposition"] == 'attachment; filename="picture.png"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Repr-Digest"]
    # No piece is longer than a chunk, or the head of a part.
    assert max(map(len, pieces)) < 150


def test_each_range_is_a_part(url: str, client: Client) -> None:
    check(client.get(url, headers=RANGES))


def test_each_range_is_read_from_s3(s3: None, url: str, client: Client) -> None:
    check(client.get(url, headers=RANGES))


def test_each_range_is_a_part_under_asgi(url: str, owner: User) -> None:
    client = AsyncClient()
    client.force_login(owner)

    async def fetch() -> tuple[str, bytes]:
        answer = await client.get(url, headers=RANGES)
        assert answer.is_async
        body = b"".join([piece async for piece in answer.streaming_content])
        # As Django's handler does: receivers of ``request_finished`` may ask the database.
        await sync_to_async(answer.close)()
        await sync_to_async(connections.close_all)()
        return answer["Content-Type"], body

    assert parts(*asyncio.run(fetch())) == PARTS


def test_a_boundary_is_new_each_time(url: str, client: Client) -> None:
    answers = [client.get(url, headers=RANGES) for _ in range(2)]
    assert answers[0]["Content-Type"] != answers[1]["Content-Type"]
    for answer in answers:
        answer.close()


def test_one_of_two_ranges_that_is_left_is_no_multipart(url: str, client: Client) -> None:
    answer: Any = client.get(url, headers={"Range": f"bytes=0-9,{SIZE}-"})
    assert (answer.status_code, answer["Content-Type"]) == (206, "image/png")
    assert answer["Content-Range"] == f"bytes 0-9/{SIZE}"
    answer.close()


def test_a_file_that_became_shorter_ends_the_answer(ready: FileAsset, owner: User, client: Client) -> None:
    client.force_login(owner)
    with Path(ready.file.path).open("r+b") as file:
        file.truncate(50)
    ranges = {"Range": "bytes=0-59,61-62"}
    answer: Any = client.get(reverse("largefiles:download", args=[ready.pk]), headers=ranges)
    body = b"".join(answer.streaming_content)
    answer.close()
    assert b"bytes 0-59/" in body
    # Neither the end nor another part, which a client would take for the missing bytes.
    assert b"bytes 61-62/" not in body
    assert len(body) < int(answer["Content-Length"])
