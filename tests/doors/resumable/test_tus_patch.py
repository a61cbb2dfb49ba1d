"""The numbers of rows are those of the checklist that the door is held to (tus 1.0.0)."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from django.db import OperationalError
from django.utils import timezone

from django_largefiles import digests, lifecycle
from django_largefiles.doors.body import FIRST_READ
from django_largefiles.exceptions import StoreUnavailable
from django_largefiles.intake.writing import UploadWriter
from django_largefiles.models import FileAsset, Upload
from django_largefiles.options import MIB
from django_largefiles.pipeline.processing import process
from django_largefiles.states import Reason, State
from django_largefiles.sweeper import sweep
from tests.conftest import EXECUTABLE, Largefiles, png
from tests.databases import error, failing, full
from tests.doors.resumable.storages import appender_class, fill_the_disk
from tests.doors.resumable.tus_client import (
    BYTES,
    CHUNKED,
    COLLECTION,
    PICTURE,
    SHA256,
    SIZE,
    BrokenBody,
    Tus,
    asset_at,
    everything,
    metadata,
    problem,
    upload_at,
)
from tests.multipart import CountingBody

pytestmark = pytest.mark.django_db(transaction=True)

Stored = Callable[[], list[str]]
UNKNOWN = f"{COLLECTION}00000000-0000-4000-8000-000000000000/"


def finish(tus: Tus, url: str) -> None:
    offset = int(tus.head(url)["Upload-Offset"])
    assert tus.patch(url, offset, PICTURE[offset:]).status_code == 204
    assert asset_at(url).sha256 == SHA256


@pytest.mark.each_storage
def test_row_13_bytes_go_to_the_offset(tus: Tus, url: str) -> None:
    assert tus.patch(url, 4000, PICTURE[4000:5000])["Upload-Offset"] == "5000"
    finish(tus, url)


def test_row_13_both_spellings_of_the_url_take_bytes(tus: Tus, url: str) -> None:
    assert tus.patch(url + "/", 4000, PICTURE[4000:5000]).status_code == 204
    finish(tus, url)


@pytest.mark.parametrize(
    "content_type",
    [None, "image/png", f"{BYTES}x"],
    ids=["none", "the file's own", "longer"],
)
def test_row_14_another_content_type(content_type: str | None, tus: Tus, url: str) -> None:
    before = everything()
    answer = tus.patch(url, 4000, PICTURE[4000:], content_type=content_type)
    assert problem(answer) == (415, "unsupported_content_type")
    assert everything() == before
    finish(tus, url)


@pytest.mark.parametrize("offset", [0, 3999, 4001, 2**63 - 1])
def test_row_15_another_offset_changes_nothing(offset: int, tus: Tus, url: str) -> None:
    before = everything()
    answer = tus.patch(url, offset, PICTURE[offset : offset + 100])
    assert problem(answer) == (409, "offset_mismatch")
    assert (answer["Upload-Offset"], answer.json()["limit"], answer.json()["value"]) == ("4000", 4000, offset)
    assert everything() == before
    finish(tus, url)


def test_row_15_another_offset_of_a_complete_upload(tus: Tus, url: str) -> None:
    tus.patch(url, 4000, PICTURE[4000:])
    before = everything()
    answer = tus.patch(url, 4000, PICTURE[4000:])
    assert (problem(answer), answer["Upload-Offset"]) == ((409, "offset_mismatch"), str(SIZE))
    assert everything() == before


@pytest.mark.each_storage
def test_row_15_of_two_patches_at_one_offset_the_later_counts(tus: Tus, url: str) -> None:
    class Overtaken(CountingBody):
        """Before its second piece comes, the client has given up on the connection and sent another request."""

        def read(self, size: int | None = -1, /) -> bytes:
            if self.consumed == 1000:
                answers.append(Tus(tus.client).patch(url, 4000, PICTURE[4000:5000]))
            return super().read(1000 if self.consumed == 0 else size)

    answers: list[Any] = []
    assert problem(tus.patch(url, 4000, Overtaken(b"x" * (SIZE - 4000)), length=SIZE - 4000)) == (423, "taken_over")
    assert [(answer.status_code, answer["Upload-Offset"]) for answer in answers] == [(204, "5000")]
    finish(tus, url)


@pytest.mark.parametrize("size", [0, 1, 1000, SIZE - 4000], ids=["none", "one", "some", "all"])
def test_row_16_the_new_offset_is_the_old_one_and_what_was_stored(size: int, tus: Tus, url: str) -> None:
    answer = tus.patch(url, 4000, PICTURE[4000 : 4000 + size])
    assert (answer.status_code, answer["Upload-Offset"], answer.content) == (204, str(4000 + size), b"")


def test_row_16_an_empty_patch_of_a_complete_upload_is_well(tus: Tus, url: str) -> None:
    finish(tus, url)
    answer = tus.patch(url, SIZE, b"")
    assert (answer.status_code, answer["Upload-Offset"]) == (204, str(SIZE))


@pytest.mark.each_storage
@pytest.mark.parametrize("body", [b"x", PICTURE], ids=["one byte", "all of them again"])
def test_bytes_for_a_complete_upload_are_refused(body: bytes, tus: Tus, url: str, stored: Stored) -> None:
    finish(tus, url)
    before = everything()
    assert problem(tus.patch(url, SIZE, body)) == (400, "upload_completed")
    assert everything() == before
    assert stored() == [asset_at(url).file.name]


def test_bytes_for_a_rejected_file_are_refused(tus: Tus, url: str) -> None:
    finish(tus, url)
    claim = lifecycle.claim(asset_at(url).pk)
    assert claim
    lifecycle.reject(claim, Reason.TYPE_MISMATCH, "it is something else")
    answer = tus.patch(url, SIZE, b"")
    assert (problem(answer), answer.json()["value"]) == ((410, "upload_gone"), "type_mismatch")


def test_row_17_an_upload_that_is_not_there(tus: Tus) -> None:
    assert problem(tus.patch(UNKNOWN, 0, PICTURE)) == (404, "not_found")
    assert not FileAsset.objects.exists()


def test_row_17_an_upload_whose_bytes_were_lost(tus: Tus, url: str, media: Path, stored: Stored) -> None:
    os.truncate(media / ".incoming" / upload_at(url).pk.hex, 1000)
    assert problem(tus.patch(url, 4000, PICTURE[4000:])) == (410, "upload_gone")
    assert problem(tus.patch(url, 4000, PICTURE[4000:])) == (404, "not_found")
    assert stored() == []


def test_row_18_a_client_that_goes_away_is_no_error_of_ours(tus: Tus, url: str) -> None:
    answer = tus.patch(url, 4000, BrokenBody(PICTURE[4000:6000]), length=SIZE - 4000)
    assert (answer.status_code, answer["Upload-Offset"]) == (204, "6000")


def chunked(body: BytesIO) -> dict[str, Any]:
    return {"body": body, **CHUNKED}


def measured(body: BytesIO) -> dict[str, Any]:
    return {"body": body, "length": SIZE - 4000}


@pytest.mark.each_storage
@pytest.mark.parametrize(
    "sent",
    [
        measured(BytesIO(PICTURE[4000:6000])),
        measured(BrokenBody(PICTURE[4000:6000])),
        chunked(BrokenBody(PICTURE[4000:6000])),
    ],
    ids=["end of file", "error", "error in chunks"],
)
def test_row_19_of_an_interrupted_body_the_bytes_count(sent: dict[str, Any], tus: Tus, url: str) -> None:
    sent["body"].seek(0)
    tus.patch(url, 4000, **sent)
    assert (upload_at(url).offset, tus.head(url)["Upload-Offset"]) == (6000, "6000")
    finish(tus, url)


def test_row_19_an_interrupted_body_of_which_nothing_came(tus: Tus, url: str) -> None:
    assert tus.patch(url, 4000, BrokenBody(b""), length=10)["Upload-Offset"] == "4000"
    finish(tus, url)


@pytest.mark.each_storage
def test_row_19_bytes_count_while_they_arrive(restless: None, tus: Tus, url: str, largefiles: Largefiles) -> None:
    offsets: list[int] = []

    class Watched(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            offsets.append(upload_at(url).offset)
            return super().read(size)

    largefiles.set(CHUNK_SIZE=2000)
    tus.patch(url, 4000, Watched(PICTURE[4000:8000]), length=4000)
    assert offsets == [4000, 6000]


@pytest.mark.each_storage
@pytest.mark.parametrize("lost", ["state", "library"])
def test_without_the_state_of_the_digest_the_worker_makes_it(
    lost: str, tus: Tus, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if lost == "state":
        Upload.objects.update(digest_state=None)
    else:
        monkeypatch.setattr(digests, "IMPLEMENTATIONS", ())
    tus.patch(url, 4000, PICTURE[4000:])
    assert (asset_at(url).state, asset_at(url).sha256) == (State.RECEIVED, "")
    process(asset_at(url).pk)
    assert (asset_at(url).state, asset_at(url).sha256) == (State.READY, SHA256)


@pytest.mark.parametrize(
    ("length", "body"), [(SIZE - 3999, PICTURE[4000:] + b"x"), (10**18, b"x")], ids=["by one", "by far"]
)
def test_more_bytes_than_the_length_are_refused_unread(length: int, body: bytes, tus: Tus, url: str) -> None:
    before, sent = everything(), CountingBody(body)
    answer = tus.patch(url, 4000, sent, length=length)
    assert problem(answer) == (413, "too_large")
    assert (answer.json()["limit"], answer.json()["value"]) == (SIZE, 4000 + length)
    assert sent.consumed == 0
    assert everything() == before
    finish(tus, url)


@pytest.mark.each_storage
def test_more_bytes_than_the_length_in_chunks_are_refused(tus: Tus, url: str, largefiles: Largefiles) -> None:
    largefiles.set(CHUNK_SIZE=1000)
    before = everything()
    answer = tus.patch(url, 4000, BytesIO(PICTURE[4000:] + b"x"), **CHUNKED)
    assert problem(answer) == (413, "too_large")
    assert everything() == before
    finish(tus, url)


@pytest.mark.parametrize("sent", [{"length": 7000}, CHUNKED], ids=["measured", "chunked"])
def test_more_bytes_than_the_maximum_are_refused(sent: dict[str, Any], tus: Tus, largefiles: Largefiles) -> None:
    url = tus.create(None)
    tus.patch(url, 0, PICTURE[:4000])
    largefiles.set(MAX_UPLOAD_SIZE=5000)
    before = everything()
    assert problem(tus.patch(url, 4000, BytesIO(PICTURE[:7000]), **sent)) == (413, "too_large")
    assert everything() == before


@pytest.mark.parametrize("length", ["-1", "1e9", "1.5", "1,1", "9" * 30, "9" * 5000], ids=lambda length: length[:30])
def test_a_malformed_content_length(length: str, tus: Tus, url: str) -> None:
    before = everything()
    assert problem(tus.patch(url, 4000, PICTURE, length=length)) == (400, "malformed_request")
    assert everything() == before


def test_chunks_that_the_server_does_not_put_together_are_no_bytes(tus: Tus, url: str) -> None:
    answer = tus.patch(url, 4000, BytesIO(PICTURE[4000:]), transfer_encoding="chunked")
    assert answer["Upload-Offset"] == "4000"


@pytest.mark.each_storage
def test_a_full_disk(tus: Tus, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = everything()
    with monkeypatch.context() as patched:
        fill_the_disk(patched, at=5000)
        assert problem(tus.patch(url, 4000, PICTURE[4000:])) == (507, "store_full")
    assert everything() == before
    finish(tus, url)


def test_a_full_disk_gets_the_bytes_back_that_do_not_count(
    tus: Tus, url: str, media: Path, monkeypatch: pytest.MonkeyPatch, largefiles: Largefiles
) -> None:
    largefiles.set(CHUNK_SIZE=1000)
    fill_the_disk(monkeypatch, at=8000)
    assert problem(tus.patch(url, 4000, PICTURE[4000:])) == (507, "store_full")
    assert (media / ".incoming" / upload_at(url).pk.hex).stat().st_size == upload_at(url).offset == 4000


def test_an_upload_that_cannot_fit_is_refused_before_its_bytes(tus: Tus, url: str, largefiles: Largefiles) -> None:
    largefiles.set(RESERVED_BYTES=2**62)
    before, body = everything(), CountingBody(PICTURE[4000:])
    assert problem(tus.patch(url, 4000, body, length=body.length)) == (507, "store_full")
    assert problem(tus.post(upload_length=str(SIZE))) == (507, "store_full")
    assert (everything(), body.consumed) == (before, 0)


def test_on_a_full_disk_an_upload_can_be_deleted(tus: Tus, url: str, stored: Stored, largefiles: Largefiles) -> None:
    largefiles.set(RESERVED_BYTES=2**62)
    assert tus.delete(url).status_code == 204
    assert stored() == []


def test_a_full_database_is_told_as_a_full_disk(
    tus: Tus, url: str, media: Path, restless: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with full("UPDATE", "digest_state"):
        assert problem(tus.patch(url, 4000, PICTURE[4000:8000])) == (507, "store_full")
    assert (media / ".incoming" / upload_at(url).pk.hex).stat().st_size == upload_at(url).offset == 4000
    finish(tus, url)


def test_bytes_whose_saving_was_not_answered_are_kept(
    tus: Tus, url: str, media: Path, restless: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with failing(error(None), "UPDATE", "digest_state"), pytest.raises(OperationalError):
        tus.patch(url, 4000, PICTURE[4000:8000])
    assert (media / ".incoming" / upload_at(url).pk.hex).stat().st_size == 8000


@pytest.mark.each_storage
def test_a_store_that_fails(tus: Tus, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise StoreUnavailable("down")

    before = everything()
    with monkeypatch.context() as patched:
        patched.setattr(appender_class(), "conclude", fail)
        assert problem(tus.patch(url, 4000, PICTURE[4000:])) == (503, "store_unavailable")
    assert everything() == before
    finish(tus, url)


@pytest.mark.each_storage
def test_a_crash_between_the_deferred_length_and_the_completion_is_repaired(
    tus: Tus, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = tus.create(None)
    tus.patch(url, 0, PICTURE)
    with monkeypatch.context() as patched:
        patched.setattr(UploadWriter, "finish", Mock(side_effect=ZeroDivisionError))
        with pytest.raises(ZeroDivisionError):
            tus.patch(url, SIZE, b"", upload_length=str(SIZE))
    assert tus.head(url)["Upload-Offset"] == tus.head(url)["Upload-Length"] == str(SIZE)
    Upload.objects.update(expires_at=timezone.now() + timedelta(hours=23))
    sweep()
    assert asset_at(url).sha256 == SHA256


@pytest.mark.each_storage
def test_the_wrong_type_costs_one_short_read(tus: Tus, stored: Stored) -> None:
    url = tus.create(length=8 * MIB)
    body = CountingBody(EXECUTABLE + bytes(MIB))
    assert problem(tus.patch(url, 0, body, length=body.length)) == (415, "type_not_allowed")
    assert body.consumed == FIRST_READ
    assert not FileAsset.objects.exists()
    assert stored() == []
    assert tus.head(url).status_code == 404


@pytest.mark.each_storage
def test_the_wrong_type_is_found_out_over_several_patches(tus: Tus, stored: Stored) -> None:
    url = tus.create()
    assert tus.patch(url, 0, EXECUTABLE[:1000]).status_code == 204
    assert problem(tus.patch(url, 1000, EXECUTABLE[1000:3000])) == (415, "type_not_allowed")
    assert stored() == []


def test_the_wrong_type_of_a_short_file_is_found_out_at_its_end(tus: Tus, stored: Stored) -> None:
    url = tus.create(length=1000)
    assert problem(tus.patch(url, 0, EXECUTABLE[:1000])) == (415, "type_not_allowed")
    assert stored() == []


def test_an_extension_that_does_not_fit_the_content(tus: Tus, stored: Stored) -> None:
    url = tus.create(upload_metadata=metadata(filename="a.pdf"))
    assert problem(tus.patch(url, 0, PICTURE)) == (415, "type_mismatch")
    assert stored() == []


@pytest.mark.each_storage
@pytest.mark.parametrize("padding", [0, 10_000], ids=["short", "long"])
def test_a_promised_digest_that_does_not_hold(padding: int, tus: Tus, stored: Stored) -> None:
    content = png(padding=padding)
    url = tus.create(len(content), upload_metadata=metadata(sha256="0" * 64))
    tus.patch(url, 0, content[:50])
    answer = tus.patch(url, 50, content[50:])
    assert (problem(answer), answer.json()["limit"]) == ((422, "digest_mismatch"), "0" * 64)
    assert not FileAsset.objects.exists()
    assert stored() == []


def test_a_promised_digest_that_holds(tus: Tus) -> None:
    url = tus.create(upload_metadata=metadata(sha256=SHA256))
    tus.patch(url, 0, PICTURE[:4000])
    finish(tus, url)


def test_a_promised_digest_is_checked_by_the_worker_where_the_door_cannot(tus: Tus) -> None:
    url = tus.create(upload_metadata=metadata(sha256="0" * 64))
    tus.patch(url, 0, PICTURE[:4000])
    Upload.objects.update(digest_state=None)
    tus.patch(url, 4000, PICTURE[4000:])
    process(asset_at(url).pk)
    assert (asset_at(url).state, asset_at(url).reason) == (State.REJECTED, Reason.DIGEST_MISMATCH)
