"""The timeline of a file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from django_largefiles.admin.timeline import timeline
from django_largefiles.models import FileAsset, Upload
from django_largefiles.states import State
from tests.conftest import create_asset

BEGUN = datetime(2026, 6, 1, tzinfo=UTC)
SETTLED = BEGUN + timedelta(hours=1)
LATER = BEGUN + timedelta(hours=2)


def asset(**columns: Any) -> FileAsset:
    return FileAsset(**{"created_at": BEGUN, "updated_at": SETTLED, "state": State.READY, **columns})


@pytest.mark.parametrize(
    ("columns", "texts"),
    [
        ({"state": State.RECEIVED}, ["The upload began", "Last change"]),
        ({"processed_at": SETTLED}, ["The upload began", "Processing ended"]),
        ({"processed_at": SETTLED, "updated_at": LATER}, ["The upload began", "Processing ended", "Last change"]),
    ],
    ids=["received", "ready", "blocked"],
)
def test_what_is_stored_is_told_in_order(columns: dict[str, Any], texts: list[str]) -> None:
    events = timeline(asset(**columns))
    assert [str(event.text) for event in events] == texts
    assert [event.is_latest for event in events] == [False] * (len(events) - 1) + [True]
    assert not any(event.is_expected for event in events)


def test_a_provisional_file_expires() -> None:
    last = timeline(asset(expires_at=LATER))[-1]
    assert (last.at, last.is_expected) == (LATER, True)


def test_an_upload_expires() -> None:
    arriving = asset(state=State.RECEIVING, updated_at=BEGUN)
    arriving.upload = Upload(asset=arriving, expires_at=LATER)
    last = timeline(arriving)[-1]
    assert (last.at, last.is_expected) == (LATER, True)


@pytest.mark.django_db
def test_the_page_shows_the_timeline(admin_client: Client) -> None:
    found = create_asset(state=State.READY)
    page = admin_client.get(f"/admin/django_largefiles/fileasset/{found.pk}/change/").content.decode()
    assert "The upload began" in page and '<span class="largefiles-badge ready">ready</span>' in page
