from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import BytesIO

import pytest
from django.core.signals import request_finished
from django.test import Client
from django.utils import timezone

from django_largefiles import housekeeping
from django_largefiles.doors.ingest import ingest
from django_largefiles.housekeeping import ROWS, Turns, tidy
from django_largefiles.intake.creation import Declaration, begin_trusted
from django_largefiles.models import FileAsset, SweeperRun, Upload
from django_largefiles.states import Attachment, Reason, State
from django_largefiles.sweeper import has_run, sweep
from tests.conftest import png
from tests.films.assets import make_asset, make_expired
from tests.films.models import Poster
from tests.multipart import END, CountingBody, file, post_arguments

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.doors.views")]

TAKE = Turns.take
"""The method that ``conftest`` takes away."""


@pytest.fixture(autouse=True)
def _time_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine is."""
    monkeypatch.setattr(housekeeping, "SECONDS", 60)


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> Turns:
    """Those of a process that has just started."""
    turns = Turns()
    monkeypatch.setattr(Turns, "take", TAKE)
    monkeypatch.setattr(housekeeping, "turns", turns)
    return turns


def expired_upload() -> Upload:
    with begin_trusted(Declaration(name="expired.png")) as writer:
        Upload.objects.filter(pk=writer.asset_id).update(expires_at=timezone.now() - timedelta(minutes=1))
        return writer.upload


def post(client: Client) -> None:
    answer = client.generic("POST", "/accept/", **post_arguments(CountingBody(file(png()) + END)))
    assert answer.status_code == 200


def exists(upload: Upload) -> bool:
    return Upload.objects.filter(pk=upload.pk).exists()


def test_a_request_that_creates_a_file_repairs_what_others_left(admin_client: Client, turns: Turns) -> None:
    expired = expired_upload()
    post(admin_client)
    assert not exists(expired)


def test_a_request_that_changes_nothing_repairs_nothing(admin_client: Client, turns: Turns) -> None:
    expired = expired_upload()
    assert turns.take()
    turns._next = 0
    admin_client.get("/accept/")
    assert exists(expired)


def test_a_process_repairs_once_a_minute(admin_client: Client, turns: Turns) -> None:
    post(admin_client)
    expired = expired_upload()
    post(admin_client)
    assert exists(expired)
    turns._next -= housekeeping.PERIOD
    post(admin_client)
    assert not exists(expired)


def test_where_a_sweeper_runs_nothing_is_repaired(admin_client: Client, turns: Turns) -> None:
    sweep()
    expired = expired_upload()
    post(admin_client)
    assert exists(expired)


def test_a_sweeper_that_ran_long_ago_runs_no_more() -> None:
    sweep()
    sweep()
    SweeperRun.objects.update(ran_at=timezone.now() - timedelta(minutes=11))
    assert not has_run(within=housekeeping.RECENT)
    expired = expired_upload()
    assert tidy() == 1
    assert not exists(expired)


def test_a_failure_is_logged_and_does_not_reach_the_server(
    turns: Turns, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(limit: int) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(housekeeping, "DUTIES", (fail,))
    turns.note_change()
    request_finished.send(sender=None)
    assert "Repairs after a request failed" in caplog.text


def test_a_change_of_a_file_is_no_change_of_their_number(turns: Turns, received: FileAsset) -> None:
    assert turns.take()
    turns._next = 0
    received.save()
    assert not turns.take()


def test_the_rows_of_one_run_are_bounded() -> None:
    for _ in range(ROWS + 1):
        expired_upload()
    assert tidy() == ROWS
    assert Upload.objects.count() == 1


def test_the_time_of_one_run_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    expired_upload()
    monkeypatch.setattr(housekeeping, "SECONDS", 0)
    assert tidy() == 0


def test_each_kind_of_row_is_repaired(stored: Callable[[], list[str]]) -> None:
    expired_upload()
    rejected, lost = ingest(BytesIO(png()), name="rejected.png"), ingest(BytesIO(png()), name="lost.png")
    FileAsset.objects.filter(pk=rejected.pk).update(state=State.REJECTED, reason=Reason.INFECTED)
    FileAsset.objects.filter(pk=lost.pk).update(lease_expires_at=timezone.now() - timedelta(minutes=1))
    assert tidy() == 3
    lost.refresh_from_db()
    assert stored() == [lost.file.name]


def test_the_last_run_of_the_sweeper_is_named_by_its_time() -> None:
    sweep()
    run = SweeperRun.objects.get()
    assert str(run) == str(run.ran_at)


def test_files_of_forms_that_were_not_saved_are_deleted_and_attachments_corrected() -> None:
    make_expired()
    orphan, missed = Poster.objects.create(sheet=make_asset()), make_asset()
    Poster.objects.all()._raw_delete("default")
    Poster.objects.bulk_create([Poster(sheet=missed)])
    assert orphan.sheet
    assert tidy() == 3
    assert {asset.pk: asset.attachment for asset in FileAsset.objects.all()} == {missed.pk: Attachment.ATTACHED}
