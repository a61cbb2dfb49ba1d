"""The numbers of rows are those of the checklist that the door is held to (tus 1.0.0)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from django_largefiles.models import FileAsset, Upload
from django_largefiles.sweeper import sweep
from tests.conftest import Largefiles
from tests.doors.resumable.tus_client import COLLECTION, PICTURE, SIZE, Tus, asset_at, everything, problem, upload_at

pytestmark = pytest.mark.django_db(transaction=True)


def expire() -> None:
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


def expiry(answer: Any) -> datetime:
    return parsedate_to_datetime(answer["Upload-Expires"])


def test_expiration_is_announced(tus: Tus) -> None:
    assert "expiration" in tus.request("OPTIONS", COLLECTION)["Tus-Extension"].split(",")


def test_row_44_a_patch_of_an_unfinished_upload_tells_its_expiry(tus: Tus) -> None:
    url = tus.create()
    answer = tus.patch(url, 0, PICTURE[:10])
    assert expiry(answer) == upload_at(url).expires_at.replace(microsecond=0)


def test_row_44_a_patch_of_nothing_tells_it_too(tus: Tus) -> None:
    assert "Upload-Expires" in tus.patch(tus.create(), 0, b"")


def test_row_44_a_patch_that_completes_an_upload_does_not(tus: Tus) -> None:
    assert "Upload-Expires" not in tus.patch(tus.create(), 0, PICTURE)


def test_row_44_bytes_put_the_expiry_off(tus: Tus) -> None:
    url = tus.create()
    Upload.objects.update(expires_at=timezone.now() + timedelta(minutes=1))
    assert expiry(tus.patch(url, 0, PICTURE[:10])) > timezone.now() + timedelta(hours=23)


@pytest.mark.parametrize("body", [b"", PICTURE[:10]], ids=["without bytes", "with bytes"])
def test_row_45_a_creation_tells_the_expiry(body: bytes, tus: Tus, largefiles: Largefiles) -> None:
    largefiles.set(UPLOAD_EXPIRES_AFTER=timedelta(hours=2))
    before = timezone.now().replace(microsecond=0)
    answer = tus.post(body, upload_length=str(SIZE))
    assert before + timedelta(hours=2) <= expiry(answer) <= timezone.now() + timedelta(hours=2)


def test_row_45_a_creation_that_is_complete_does_not(tus: Tus) -> None:
    assert "Upload-Expires" not in tus.post(PICTURE, upload_length=str(SIZE))


def test_head_tells_the_expiry(tus: Tus) -> None:
    url = tus.create()
    assert expiry(tus.head(url)) == upload_at(url).expires_at.replace(microsecond=0)


def test_row_46_the_expiry_is_an_http_date(tus: Tus) -> None:
    url = tus.create()
    Upload.objects.update(expires_at=datetime(2100, 1, 2, 3, 4, 5, 600, tzinfo=UTC))
    assert tus.head(url)["Upload-Expires"] == "Sat, 02 Jan 2100 03:04:05 GMT"


@pytest.mark.parametrize("method", ["PATCH", "DELETE", "GET"])
def test_row_47_an_expired_upload_is_gone(method: str, tus: Tus) -> None:
    url = tus.create()
    expire()
    before = everything()
    answer = {
        "PATCH": lambda: tus.patch(url, 0, PICTURE),
        "DELETE": lambda: tus.delete(url),
        "GET": lambda: tus.request("GET", url),
    }[method]()
    assert problem(answer) == (410, "upload_gone")
    assert everything() == before


def test_row_47_head_of_an_expired_upload(tus: Tus) -> None:
    url = tus.create()
    expire()
    assert tus.head(url).status_code == 410


def test_row_47_an_expired_upload_is_nobody_else_s_business(tus: Tus, stranger: User) -> None:
    url = tus.create()
    expire()
    tus.client.force_login(stranger)
    assert tus.head(url).status_code == 404


@pytest.mark.each_storage
def test_row_47_a_swept_upload_is_not_there(tus: Tus, stored: Callable[[], list[str]]) -> None:
    url = tus.create()
    tus.patch(url, 0, PICTURE[:4000])
    expire()
    sweep()
    assert tus.head(url).status_code == 404
    assert problem(tus.patch(url, 4000, PICTURE[4000:])) == (404, "not_found")
    assert not FileAsset.objects.exists()
    assert stored() == []


def test_a_complete_upload_does_not_expire(tus: Tus) -> None:
    url = tus.create()
    tus.patch(url, 0, PICTURE)
    sweep()
    assert tus.head(url).status_code == 200
    assert asset_at(url).size == SIZE
