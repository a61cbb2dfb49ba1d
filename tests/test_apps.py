from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps

from django_largefiles.doors.ingest import ingest
from tests.conftest import png
from tests.dispatchers import NobodyDispatcher


@pytest.fixture
def handed_over(monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """The ids that the dispatcher was given."""
    ids: list[UUID] = []
    monkeypatch.setattr(NobodyDispatcher, "dispatch", lambda _, asset_id: ids.append(asset_id))
    return ids


def test_the_app_is_found_by_its_package() -> None:
    config = apps.get_app_config("django_largefiles")
    assert (config.name, str(config.verbose_name)) == ("django_largefiles", "Large files")


def test_the_host_does_not_choose_the_keys_of_our_tables() -> None:
    assert apps.get_app_config("django_largefiles").default_auto_field == "django.db.models.BigAutoField"


def test_a_fresh_process_makes_our_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "tests.settings")
    monkeypatch.delenv("CELERY_BROKER_URL", raising=False)
    command = [sys.executable, "-m", "django", "check", "--deploy"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1])
    assert "django_largefiles.W027" in done.stderr


@pytest.mark.django_db
def test_a_received_asset_is_handed_over_once_it_is_committed(
    handed_over: list[UUID], django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        asset = ingest(BytesIO(png()), name="picture.png")
        assert handed_over == []
    assert handed_over == [asset.pk]
