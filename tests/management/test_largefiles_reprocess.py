from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from django_largefiles import lifecycle
from django_largefiles.models import FileAsset
from django_largefiles.states import Reason, State
from tests.conftest import create_asset

pytestmark = pytest.mark.django_db


def asset(state: State, *, hours: float = 0, **values: Any) -> UUID:
    processed_at = timezone.now() - timedelta(hours=hours)
    return create_asset(state=state, processed_at=processed_at, file="a", **values).pk


def reprocess(*arguments: object) -> list[str]:
    """The lines that the command prints."""
    stdout = StringIO()
    call_command("largefiles_reprocess", *map(str, arguments), stdout=stdout, stderr=StringIO())
    return stdout.getvalue().splitlines()


def received() -> set[UUID]:
    return set(FileAsset.objects.filter(state=State.RECEIVED).values_list("pk", flat=True))


def test_those_named_are_processed_again() -> None:
    named = [asset(State.FAILED), asset(State.READY)]
    asset(State.FAILED)
    *ids, summary = reprocess(*named)
    assert (set(ids), summary) == (set(map(str, named)), "2 files will be processed again.")
    assert received() == set(named)


@pytest.mark.parametrize(
    "filters",
    [
        ("--state", "failed"),
        ("--reason", "store_unavailable"),
        ("--older-than", "90m"),
        ("--older-than", "1h"),
        ("--state", "failed", "--reason", "store_unavailable", "--older-than", "1h"),
    ],
    ids=" ".join,
)
def test_those_that_a_filter_means_are_processed_again(filters: tuple[str, ...]) -> None:
    meant = asset(State.FAILED, reason=Reason.STORE_UNAVAILABLE, hours=2)
    asset(State.READY)
    asset(State.REJECTED, reason=Reason.TOO_LARGE, hours=2)
    reprocess(*filters)
    assert received() == {meant}


def test_old_ones_are_told_from_older_ones() -> None:
    meant = asset(State.FAILED, hours=24 * 8)
    asset(State.FAILED, hours=24 * 6)
    reprocess("--older-than", "7d")
    assert received() == {meant}


def test_a_dry_run_prints_and_changes_nothing() -> None:
    failed = asset(State.FAILED)
    assert reprocess("--state", "failed", "--dry-run") == [str(failed), "1 files would be processed again."]
    assert received() == set()


def test_nothing_is_processed_again_unless_it_is_said_what() -> None:
    asset(State.FAILED)
    with pytest.raises(CommandError, match="Give ids"):
        reprocess()


@pytest.mark.parametrize("state", [None, State.PROCESSING, State.REJECTED])
def test_one_that_cannot_be_is_an_error_and_the_others_are_processed(state: State | None) -> None:
    wrong, right = asset(state) if state else uuid4(), asset(State.FAILED)
    with pytest.raises(CommandError, match="1 of 2 files cannot be"):
        reprocess(wrong, right)
    assert received() == {right}


def test_an_asset_that_another_process_has_reprocessed_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    asset(State.FAILED)
    monkeypatch.setattr(lifecycle, "reprocess", lambda asset_id: False)
    assert reprocess("--state", "failed") == ["0 files will be processed again."]


@pytest.mark.parametrize("age", ["7", "h", "-1h", "1w", "100000d", "٣h"])
def test_an_age_that_is_none_is_an_error(age: str) -> None:
    with pytest.raises(CommandError, match="not an age such as"):
        reprocess(f"--older-than={age}")
