"""Following assets, as the documentation shows it."""

from __future__ import annotations

import asyncio
import json
import re
from uuid import uuid4

import pytest
from django.test import Client

from django_largefiles.models import FileAsset
from django_largefiles.progress.status import STATUS_FIELDS
from django_largefiles.progress.updates import VERSION_LENGTH
from tests.snippets.claims import claim
from tests.snippets.running import run

STREAM = claim("docs/progress.rst", "event: gone")
POLLED = claim("docs/progress.rst", '"settled": false,')
PYTHON = claim("docs/progress.rst", "async def until_settled(asset_ids):")


def test_events_have_the_fields_of_a_stream() -> None:
    retry, state, gone = (
        dict(line.split(": ", 1) for line in text.splitlines()) for text in STREAM.text.split("\n\n")
    )
    assert set(retry) == {"retry"}
    assert set(state) == set(gone) == {"event", "id", "data"}
    assert len(state["id"]) == len(gone["id"]) == 2 * VERSION_LENGTH
    assert tuple(re.findall(r'"(\w+)":', state["data"])) == STATUS_FIELDS[:5]
    assert set(json.loads(gone["data"])) == {"id"}


@pytest.mark.django_db
def test_the_answer_to_a_poll_has_the_fields_of_one(client: Client) -> None:
    shown = json.loads(POLLED.text)
    answer = client.get(f"/files/events/?asset={uuid4()}", headers={"Accept": "application/json"})
    assert set(answer.json()) == set(shown)
    assert len(shown["version"]) == VERSION_LENGTH * len(shown["states"] + shown["gone"])


@pytest.mark.django_db(transaction=True)
def test_updates_are_printed(ready: FileAsset, capsys: pytest.CaptureFixture[str]) -> None:
    deleted = uuid4()
    asyncio.run(run(PYTHON)["until_settled"]([ready.pk, deleted]))
    assert capsys.readouterr().out == f"{ready.pk} ready {ready.size}\n{deleted} was deleted\n"
