"""The numbers of rows are those of the checklist that the door is held to (tus 1.0.0)."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import pytest

from django_largefiles.models import FileAsset, Upload
from tests.conftest import Largefiles
from tests.doors.resumable.tus_client import COLLECTION, PICTURE, SIZE, Tus, everything, problem, upload_at

pytestmark = pytest.mark.django_db(transaction=True)

Stored = Callable[[], list[str]]


def test_termination_is_announced(tus: Tus) -> None:
    assert "termination" in tus.request("OPTIONS", COLLECTION)["Tus-Extension"].split(",")


@pytest.mark.each_storage
@pytest.mark.parametrize("size", [0, 4000, SIZE], ids=["empty", "unfinished", "complete"])
def test_row_58_delete_frees_everything(size: int, tus: Tus, stored: Stored) -> None:
    url = tus.create()
    tus.patch(url, 0, PICTURE[:size])
    answer = tus.delete(url)
    assert (answer.status_code, answer.content) == (204, b"")
    assert not FileAsset.objects.exists()
    assert not Upload.objects.exists()
    assert stored() == []


def test_row_58_delete_does_not_touch_another_upload(tus: Tus, stored: Stored) -> None:
    url, other = tus.create(), tus.create()
    tus.patch(other, 0, PICTURE[:4000])
    tus.delete(url)
    assert upload_at(other).offset == 4000
    assert tus.patch(other, 4000, PICTURE[4000:]).status_code == 204


def test_row_59_a_deleted_upload_is_not_there(tus: Tus) -> None:
    url = tus.create()
    tus.delete(url)
    assert tus.head(url).status_code == 404
    assert problem(tus.patch(url, 0, PICTURE)) == (404, "not_found")
    assert problem(tus.delete(url)) == (404, "not_found")


@pytest.mark.each_storage
@pytest.mark.parametrize("size", [SIZE, 5000], ids=["to its end", "to be continued"])
def test_an_upload_that_is_deleted_while_bytes_arrive_does_not_come_back(size: int, tus: Tus, stored: Stored) -> None:
    url = tus.create()

    class Deleting(BytesIO):
        def read(self, count: int | None = -1, /) -> bytes:
            tus.delete(url)
            return super().read(count)

    assert problem(tus.patch(url, 0, Deleting(PICTURE[:size]), length=size)) == (410, "upload_gone")
    assert not FileAsset.objects.exists()
    assert stored() == []


def test_deleting_is_asked_of_the_policy(tus: Tus, largefiles: Largefiles) -> None:
    url = tus.create()
    largefiles.set(ACCESS_POLICY="tests.policies.LookButDoNotTouch")
    before = everything()
    assert problem(tus.delete(url)) == (403, "not_permitted")
    assert everything() == before
