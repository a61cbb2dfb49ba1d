from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.utils import translation
from pytest_django.fixtures import Settings

from django_largefiles.progress import Status
from django_largefiles.states import Reason, State
from tests.conftest import create_asset

pytestmark = pytest.mark.django_db

NOON = "2026-11-22T12:00:00.000250Z"


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(datetime(2026, 11, 22, 12, 0, 0, 250, tzinfo=UTC), id="UTC"),
        pytest.param(datetime(2026, 11, 22, 14, 0, 0, 250, tzinfo=timezone(timedelta(hours=2))), id="another zone"),
        pytest.param(datetime(2026, 11, 22, 6, 0, 0, 250), id="naive"),  # noqa: DTZ001 - as without USE_TZ
    ],
)
def test_times_are_in_utc(moment: datetime, settings: Settings) -> None:
    settings.TIME_ZONE = "America/Chicago"
    status = replace(Status.of(create_asset(state=State.READY)), processed_at=moment)
    assert status.as_json()["processed_at"] == NOON


def test_words_are_in_the_language_in_which_they_are_used() -> None:
    status = Status.of(create_asset(state=State.REJECTED, reason=Reason.INFECTED))
    with translation.override("en"):
        assert status.as_json()["words"] == "The file is infected."


def test_what_is_well_needs_no_words() -> None:
    status = Status.of(create_asset(state=State.READY))
    assert (status.words, status.as_json()["words"]) == ("", "")
