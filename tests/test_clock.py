from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from django_largefiles import clock, lifecycle
from django_largefiles.assets import unexpired_asset
from django_largefiles.exceptions import UploadGone
from django_largefiles.intake.creation import Declaration, create_trusted
from django_largefiles.models import FileAsset, PendingSignal, Upload
from django_largefiles.states import Stage, State
from django_largefiles.sweeper import sweep

pytestmark = pytest.mark.django_db(transaction=True)

SECOND = timedelta(seconds=1)
TOLERANCE = 10 * SECOND


def stored(delay: timedelta) -> PendingSignal:
    FileAsset.objects.create(original_name="a.png", state=State.FAILED, size=1)
    return PendingSignal.objects.create(
        asset_id=FileAsset.objects.get().pk, state=State.FAILED, due_at=clock.after(delay)
    )


@pytest.mark.parametrize("use_tz", [True, False], ids=["aware", "naive"])
@pytest.mark.parametrize("delay", [timedelta(0), timedelta(hours=24), timedelta(milliseconds=-1500)])
def test_times_are_stored_as_django_stores_them(use_tz: bool, delay: timedelta, settings: Settings) -> None:
    settings.USE_TZ = use_tz
    settings.TIME_ZONE = "Asia/Kolkata"
    stored(delay)
    assert abs(PendingSignal.objects.get().due_at - timezone.now() - delay) < TOLERANCE


@pytest.mark.parametrize("use_tz", [True, False], ids=["aware", "naive"])
@pytest.mark.parametrize(("delay", "due"), [(SECOND, False), (-SECOND, True)], ids=["ahead", "past"])
def test_times_are_compared_in_the_database(use_tz: bool, delay: timedelta, due: bool, settings: Settings) -> None:
    settings.USE_TZ = use_tz
    settings.TIME_ZONE = "America/St_Johns"
    stored(10 * delay)
    assert PendingSignal.objects.filter(due_at__lte=clock.now()).exists() is due


@pytest.fixture(params=[-1, 1], ids=["slow", "fast"])
def wrong_clock(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of this machine is wrong by an hour."""
    now = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: now() + timedelta(hours=request.param))


def test_an_upload_expires_by_the_database_s_clock(owner: User, wrong_clock: None) -> None:
    upload = create_trusted(Declaration(name="picture.png", owner=owner))
    Upload.objects.update(expires_at=clock.after(TOLERANCE))
    assert sweep().uploads_expired == 0
    assert unexpired_asset(owner, upload.pk).pk == upload.pk
    Upload.objects.update(expires_at=clock.after(-SECOND))
    with pytest.raises(UploadGone):
        unexpired_asset(owner, upload.pk)
    assert sweep().uploads_expired == 1


def test_the_expiry_of_a_new_upload_is_stored_by_the_database_s_clock(wrong_clock: None) -> None:
    create_trusted(Declaration(name="picture.png"))
    day = timedelta(hours=24)
    between = Upload.objects.filter(expires_at__gt=clock.after(day - TOLERANCE), expires_at__lte=clock.after(day))
    assert between.exists()


def test_a_lease_is_kept_and_lost_by_the_database_s_clock(received: FileAsset, wrong_clock: None) -> None:
    claim = lifecycle.claim(received.pk)
    assert claim
    lifecycle.renew(claim, Stage.READING, lease=TOLERANCE)
    assert not lifecycle.reclaim(received.pk)
    lifecycle.renew(claim, Stage.READING, lease=-TOLERANCE)
    assert lifecycle.reclaim(received.pk)


def test_the_wait_for_a_worker_is_not_longer_on_a_machine_whose_clock_is_wrong(
    received: FileAsset, wrong_clock: None
) -> None:
    FileAsset.objects.update(updated_at=clock.after(-lifecycle.HAND_OVER), lease_expires_at=clock.now())
    assert lifecycle.reclaim(received.pk)
    wait = 2 * lifecycle.HAND_OVER
    due = FileAsset.objects.filter(
        lease_expires_at__gt=clock.after(wait - TOLERANCE), lease_expires_at__lte=clock.after(wait + SECOND)
    )
    assert due.exists()


def test_mysql_is_asked_for_utc_in_any_time_zone_of_its_server() -> None:
    compiler = FileAsset.objects.all().query.get_compiler(connection=connection)
    sql, _ = clock.DatabaseNow().as_mysql(compiler, connection)
    assert sql == "TIMESTAMPADD(SECOND, 0, UTC_TIMESTAMP(6))"
