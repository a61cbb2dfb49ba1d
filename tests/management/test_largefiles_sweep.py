from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from django_largefiles.models import FileAsset, Upload
from django_largefiles.states import Reason, State
from tests.conftest import create_asset

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture
def sweep(django_capture_on_commit_callbacks: Callable[..., Any]) -> Callable[[], str]:
    """Runs the command; what it prints."""

    def run() -> str:
        stdout = StringIO()
        with django_capture_on_commit_callbacks(execute=True):
            call_command("largefiles_sweep", stdout=stdout)
        return stdout.getvalue()

    return run


def printed(*, expired: int = 0, handed_over: int = 0, emptied: int = 0) -> str:
    return (
        f"0 uploads completed, {expired} uploads expired, "
        f"0 finals handed over, {handed_over} assets handed over, 0 signals sent, "
        f"{emptied} rejected files removed, 0 deleted files removed, "
        "0 provisional expired, 0 attachments corrected, 0 usage corrected\n"
    )


def asset(state: State, **values: Any) -> FileAsset:
    return create_asset(state=state, **values)


def expired() -> None:
    Upload.objects.create(asset=asset(State.RECEIVING), store_state={"name": "x"}, expires_at=timezone.now() - HOUR)


def overdue() -> None:
    asset(State.RECEIVED, lease_expires_at=timezone.now() - HOUR)


def rejected() -> None:
    asset(State.REJECTED, reason=Reason.TYPE_MISMATCH, file="largefiles/ab/cd/abcd")


def test_where_nothing_is_amiss_nothing_is_done(sweep: Callable[[], str]) -> None:
    asset(State.READY)
    assert sweep() == printed()


@pytest.mark.parametrize(
    ("make", "counts"),
    [
        (expired, printed(expired=1)),
        (overdue, printed(handed_over=1)),
        (rejected, printed(emptied=1)),
    ],
)
def test_what_was_done_is_counted(make: Callable[[], None], counts: str, sweep: Callable[[], str]) -> None:
    make()
    assert sweep() == counts


@pytest.mark.parametrize("make", [expired, overdue, rejected])
def test_what_was_done_need_not_be_done_again(make: Callable[[], None], sweep: Callable[[], str]) -> None:
    make()
    sweep()
    assert sweep() == printed()
