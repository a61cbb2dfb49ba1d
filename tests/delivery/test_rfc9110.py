"""Ranges and preconditions against RFC 9110. ``integration/test_delivery.py`` sends the same to web servers."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from django_largefiles.doors.ingest import ingest
from django_largefiles.pipeline.processing import process
from tests.conftest import png
from tests.delivery.requests9110 import ROWS, Row
from tests.multipart_ranges import contents, expected_contents

pytestmark = pytest.mark.django_db(transaction=True)

CONTENT = png(padding=1000)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.section} {row.name}")
def test_a_request_is_answered_as_the_standard_says(row: Row, client: Client, owner: User) -> None:
    client.force_login(owner)
    asset = ingest(BytesIO(CONTENT), name="picture.png", owner=owner)
    process(asset.pk)
    url = reverse("largefiles:download", args=[asset.pk])
    head = client.head(url)
    answer: Any = client.generic(row.method, url, headers=row.filled(head["ETag"], head["Last-Modified"]))
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    answer.close()
    assert answer.status_code == row.status
    assert contents(answer.status_code, answer.headers, body) == expected_contents(row.ranges, CONTENT)
    whole = {("GET", 200): CONTENT, ("HEAD", 200): b""}.get((row.method, row.status))
    assert whole in {None, body}
