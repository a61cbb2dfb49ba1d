from __future__ import annotations

import errno
import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from django_largefiles import lifecycle
from django_largefiles.exceptions import StoreUnavailable
from django_largefiles.models import FileAsset, Upload
from django_largefiles.states import Reason, State
from django_largefiles.stores.base import Appender, StoreState
from django_largefiles.stores.filesystem import translated_errors
from tests.conftest import EXECUTABLE, Largefiles, png
from tests.doors.resumable.ietf_client import (
    PARTIAL,
    PROBLEM_TYPES,
    append,
    asset_at,
    begun,
    create,
    kept,
    problem,
    refused,
    retrieve,
    send,
    unknown,
    upload_at,
)
from tests.doors.resumable.storages import appender_class, store_class
from tests.multipart import CountingBody

pytestmark = pytest.mark.django_db(transaction=True)

Stored = Callable[[], list[str]]
PICTURE = png(padding=200_000)
REST = PICTURE[1000:]


@pytest.fixture
def client(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


@pytest.fixture
def url(client: Client) -> str:
    """An upload of which the first thousand bytes are there, of a length that nobody has told."""
    return begun(client, PICTURE[:1000])


@pytest.mark.each_storage
def test_the_last_part_completes_the_file(client: Client, url: str, owner: User, stored: Stored) -> None:
    answer = append(client, url, REST, at=1000)
    asset = FileAsset.objects.get()
    assert (answer.status_code, answer["Upload-Complete"], answer["Upload-Offset"]) == (201, "?1", str(len(PICTURE)))
    assert (asset.state, asset.owner, asset.size) == (State.RECEIVED, owner, len(PICTURE))
    assert asset.sha256 == hashlib.sha256(PICTURE).hexdigest()
    assert stored() == [asset.file.name]
    assert not Upload.objects.exists()


@pytest.mark.parametrize("there", [0, 1000], ids=["the first", "another"])
def test_a_part_that_is_not_the_last_is_acknowledged(there: int, client: Client) -> None:
    url = begun(client, PICTURE[:there])
    answer = append(client, url, PICTURE[there:2000], at=there, upload_complete="?0")
    assert (answer.status_code, answer["Upload-Complete"], answer["Upload-Offset"]) == (204, "?0", "2000")
    assert answer["Upload-Limit"].startswith("max-size=5368709120, max-age=")
    assert "Location" not in answer


@pytest.mark.parametrize(("content", "size"), [(png(), 1), (png(padding=7000), 700)], ids=["1 byte", "700 bytes"])
def test_a_file_may_come_in_small_parts(content: bytes, size: int, client: Client) -> None:
    send_in_parts(client, content, size)


@pytest.mark.each_storage
@pytest.mark.parametrize("size", [65_536, 100_000], ids=lambda size: f"{size} bytes")
def test_a_file_may_come_in_large_parts(size: int, client: Client) -> None:
    send_in_parts(client, PICTURE, size)


def send_in_parts(client: Client, content: bytes, size: int) -> None:
    url = begun(client)
    for start in range(0, len(content), size):
        assert append(client, url, content[start : start + size], at=start, upload_complete="?0").status_code == 204
    assert append(client, url, at=len(content)).status_code == 201
    assert asset_at(url).sha256 == hashlib.sha256(content).hexdigest()


def test_a_request_without_content_may_complete_the_file(client: Client) -> None:
    url = begun(client, PICTURE)
    assert append(client, url, at=len(PICTURE))["Upload-Complete"] == "?1"
    assert asset_at(url).state == State.RECEIVED


def test_a_request_without_content_may_leave_it_as_it_is(client: Client, url: str) -> None:
    before = kept(url)
    assert append(client, url, at=1000, upload_complete="?0")["Upload-Offset"] == "1000"
    assert kept(url) == before


@pytest.mark.parametrize(
    ("said", "length"),
    [
        ({"upload_complete": "?0", "upload_length": 5000}, 5000),
        ({"upload_complete": "?1", "content_length": 4000}, 5000),
        ({"upload_complete": "?1", "content_length": 4000, "upload_length": 5000}, 5000),
        ({"upload_complete": "?0", "upload_length": "-1"}, None),
    ],
    ids=["Upload-Length", "all of the content", "both", "ignored"],
)
def test_the_length_is_recorded_from_any_request(
    said: dict[str, Any], length: int | None, client: Client, url: str
) -> None:
    append(client, url, PICTURE[1000:2000], at=1000, **said)
    assert (upload_at(url).length, asset_at(url).size) == (length, length)


def test_content_in_chunks_ends_where_the_server_says(client: Client, url: str) -> None:
    assert append(client, url, REST, at=1000, content_length=None)["Upload-Complete"] == "?1"
    assert asset_at(url).sha256 == hashlib.sha256(PICTURE).hexdigest()


@pytest.mark.each_storage
def test_an_interrupted_part_counts_as_far_as_it_came_and_completes_nothing(client: Client, url: str) -> None:
    answer = append(client, url, PICTURE[1000:150_000], at=1000, content_length=len(REST))
    assert (answer.status_code, answer["Upload-Complete"], answer["Upload-Offset"]) == (204, "?0", "150000")
    assert retrieve(client, url)["Upload-Offset"] == "150000"
    assert append(client, url, PICTURE[150_000:], at=150_000)["Upload-Complete"] == "?1"
    assert asset_at(url).sha256 == hashlib.sha256(PICTURE).hexdigest()


def test_each_part_puts_the_expiry_off(client: Client, url: str) -> None:
    Upload.objects.update(expires_at=timezone.now() + timedelta(minutes=1))
    append(client, url, PICTURE[1000:2000], at=1000, upload_complete="?0")
    assert upload_at(url).expires_at > timezone.now() + timedelta(hours=23)


@pytest.mark.parametrize("offset", [0, 999, 1001, 10**15 - 1])
def test_another_offset_is_refused_with_the_right_one(offset: int, client: Client, url: str) -> None:
    before = kept(url)
    answer = append(client, url, REST, at=offset)
    assert problem(answer) == (409, "offset_mismatch")
    assert answer["Upload-Offset"] == "1000"
    assert answer.json() | {"detail": "", "limit": 0, "value": 0, "words": ""} == {
        "type": f"{PROBLEM_TYPES}#mismatching-upload-offset",
        "title": "Mismatching Upload Offset",
        "status": 409,
        "detail": "",
        "code": "offset_mismatch",
        "limit": 0,
        "value": 0,
        "words": "",
        "expected-offset": 1000,
        "provided-offset": offset,
    }
    assert kept(url) == before


def test_another_offset_costs_no_read(client: Client, url: str) -> None:
    body = CountingBody(REST)
    append(client, url, body, at=999)
    assert body.consumed == 0


LENGTH = len(PICTURE)


@pytest.mark.parametrize(
    ("body", "fields", "status", "code"),
    [
        (REST, {"content_type": "application/octet-stream"}, 415, "unsupported_content_type"),
        (REST, {"content_type": None, "upload_complete": "?0"}, 415, "unsupported_content_type"),
        (REST, {"content_type": "application/offset+octet-stream"}, 415, "unsupported_content_type"),
        (REST, {"upload_offset": None}, 400, "missing_header"),
        *((REST, {"upload_offset": offset}, 400, "missing_header") for offset in ("", "-1")),
        (REST, {"upload_complete": None}, 400, "missing_header"),
        (REST, {"upload_complete": "true"}, 400, "missing_header"),
        (REST, {"content_length": "-1"}, 400, "malformed_request"),
        (REST, {"content_digest": "sha-256=7"}, 400, "malformed_header"),
        (REST, {"upload_length": LENGTH + 1}, 400, "inconsistent_length"),
        (REST[:-1], {"upload_length": LENGTH}, 400, "inconsistent_length"),
        (b"", {"upload_complete": "?0", "upload_length": 999}, 400, "inconsistent_length"),
        (b"", {"upload_complete": "?0", "upload_length": 10**15 - 1}, 413, "too_large"),
    ],
    ids=[
        "another content type",
        "no content type",
        "content type of tus",
        "no offset",
        "empty offset",
        "negative offset",
        "no completeness",
        "completeness as a word",
        "negative Content-Length",
        "digest that is none",
        "too few bytes for the length of the same request",
        "too few bytes by one",
        "length below the offset",
        "length beyond the limit",
    ],
)
def test_a_refused_part_changes_nothing(
    body: bytes, fields: dict[str, Any], status: int, code: str, client: Client, url: str, stored: Stored
) -> None:
    before, files = kept(url), stored()
    offset, fields = (
        fields.get("upload_offset", 1000),
        {name: fields[name] for name in fields if name != "upload_offset"},
    )
    assert problem(append(client, url, body, at=offset, **fields)) == (status, code)
    assert (kept(url), stored()) == (before, files)
    assert append(client, url, REST, at=1000)["Upload-Complete"] == "?1"


def test_another_content_type_is_told_the_right_one(client: Client, url: str) -> None:
    assert append(client, url, REST, at=1000, content_type="image/png")["Accept-Patch"] == PARTIAL


@pytest.mark.each_storage
@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (REST[:-1], {}),
        (REST + b"!", {}),
        (b"", {"upload_complete": "?0", "upload_length": LENGTH + 1}),
        (REST[:-1], {"content_length": None}),
    ],
    ids=["too few bytes", "too many bytes", "another length", "too few bytes in chunks"],
)
def test_a_length_other_than_the_one_told_before_is_refused_and_changes_nothing(
    body: bytes, fields: dict[str, Any], client: Client
) -> None:
    url = begun(client, PICTURE[:1000], upload_length=LENGTH)
    before = kept(url)
    answer = append(client, url, body, at=1000, **fields)
    assert problem(answer) == (400, "inconsistent_length")
    assert answer.json()["type"] == f"{PROBLEM_TYPES}#inconsistent-upload-length"
    assert kept(url) == before


@pytest.mark.each_storage
@pytest.mark.parametrize("content_length", [len(REST) + 1, None], ids=["told", "in chunks"])
def test_content_past_the_length_makes_the_upload_invalid(
    content_length: int | None, client: Client, stored: Stored
) -> None:
    url = begun(client, PICTURE[:1000], upload_length=LENGTH)
    answer = append(client, url, REST + b"!", at=1000, upload_complete="?0", content_length=content_length)
    assert problem(answer) == (413, "too_large")
    assert refused(retrieve(client, url)) == 404
    assert problem(append(client, url, REST, at=1000)) == (404, "not_found")
    assert stored() == []


@pytest.mark.parametrize("content_length", [len(REST), None], ids=["told", "in chunks"])
def test_content_past_the_limit_makes_the_upload_invalid(
    content_length: int | None, client: Client, url: str, largefiles: Largefiles, stored: Stored
) -> None:
    largefiles.set(MAX_UPLOAD_SIZE=5000)
    answer = append(client, url, REST, at=1000, upload_complete="?0", content_length=content_length)
    assert problem(answer) == (413, "too_large")
    assert answer["Upload-Limit"] == "max-size=5000"
    assert refused(retrieve(client, url)) == 404
    assert stored() == []


@pytest.mark.each_storage
@pytest.mark.parametrize("complete", ["?0", "?1"], ids=["more to come", "complete"])
def test_the_wrong_content_is_the_target_s_answer_and_leaves_nothing_behind(
    complete: str, client: Client, stored: Stored
) -> None:
    answer = append(client, begun(client), EXECUTABLE, upload_complete=complete)
    assert (answer.status_code, answer.json()["code"], answer["Upload-Complete"]) == (415, "type_not_allowed", "?1")
    assert not FileAsset.objects.exists()
    assert stored() == []


@pytest.mark.each_storage
def test_the_content_is_judged_over_the_border_of_two_parts(client: Client, stored: Stored) -> None:
    url = begun(client, EXECUTABLE[:1000])
    answer = append(client, url, EXECUTABLE[1000:], at=1000)
    assert (answer.status_code, answer.json()["code"]) == (415, "type_not_allowed")
    assert stored() == []


class TestComplete:
    @pytest.fixture
    def url(self, client: Client) -> str:
        url: str = create(client, PICTURE)["Location"]
        return url

    def test_the_final_answer_is_replayed(self, client: Client, url: str) -> None:
        answer = append(client, url, at=LENGTH)
        assert (answer.status_code, answer["Upload-Complete"], answer["Location"]) == (201, "?1", url)

    @pytest.mark.parametrize(
        ("body", "complete"), [(b"!", "?1"), (b"!", "?0"), (b"", "?0")], ids=["more", "more to come", "not complete"]
    )
    def test_nothing_more_can_be_appended(self, body: bytes, complete: str, client: Client, url: str) -> None:
        assert problem(append(client, url, body, at=LENGTH, upload_complete=complete)) == (400, "upload_completed")
        assert asset_at(url).size == LENGTH

    def test_another_offset_is_refused_with_the_right_one(self, client: Client, url: str) -> None:
        answer = append(client, url, REST, at=1000)
        assert problem(answer) == (409, "offset_mismatch")
        assert answer["Upload-Offset"] == str(LENGTH)

    def test_what_was_rejected_is_gone(self, client: Client, url: str) -> None:
        claim = lifecycle.claim(asset_at(url).pk)
        assert claim
        lifecycle.reject(claim, Reason.TYPE_NOT_ALLOWED, "on a second look")
        assert problem(append(client, url, at=LENGTH)) == (410, "upload_gone")


def test_what_has_expired_is_gone(client: Client, url: str) -> None:
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    before = kept(url)
    assert problem(append(client, url, REST, at=1000)) == (410, "upload_gone")
    assert kept(url) == before


def test_what_is_not_there_is_not_found(client: Client, url: str) -> None:
    assert problem(append(client, unknown(url), REST, at=1000)) == (404, "not_found")


def test_another_s_upload_is_not_found(client: Client, url: str, stranger: User) -> None:
    before = kept(url)
    client.force_login(stranger)
    assert problem(append(client, url, REST, at=1000)) == (404, "not_found")
    assert kept(url) == before


def test_who_may_upload_no_more_may_not_go_on(client: Client, url: str, largefiles: Largefiles) -> None:
    before = kept(url)
    largefiles.set(ACCESS_POLICY="tests.policies.NoMoreUploads")
    assert problem(append(client, url, REST, at=1000)) == (403, "not_permitted")
    assert kept(url) == before


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_an_upload_takes_no_other_method(method: str, client: Client, url: str) -> None:
    answer = send(client, method, url, REST, upload_complete="?1")
    assert (answer.status_code, answer["Allow"]) == (405, "OPTIONS, HEAD, GET, PATCH, DELETE")


@pytest.mark.each_storage
class TestFullDisk:
    @pytest.fixture
    def full(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A disk with room for one piece of a body."""
        write, written = appender_class().write, list[bytes]()

        def write_once(self: Appender, chunk: bytes) -> StoreState | None:
            with translated_errors():
                if written:
                    raise OSError(errno.ENOSPC, "no space")
            written.append(chunk)
            return write(self, chunk)

        monkeypatch.setattr(appender_class(), "write", write_once)

    def test_a_creation_leaves_nothing_behind(self, client: Client, full: None, stored: Stored) -> None:
        assert problem(create(client, PICTURE)) == (507, "store_full")
        assert not FileAsset.objects.exists()
        assert stored() == []

    def test_a_part_changes_nothing_and_may_be_sent_again(
        self, client: Client, url: str, monkeypatch: pytest.MonkeyPatch, largefiles: Largefiles, full: None
    ) -> None:
        largefiles.set(CHUNK_SIZE=65_536)
        before = kept(url)
        assert problem(append(client, url, REST, at=1000, upload_complete="?0")) == (507, "store_full")
        assert kept(url) == before
        monkeypatch.undo()
        assert append(client, url, REST, at=1000)["Upload-Complete"] == "?1"
        assert asset_at(url).sha256 == hashlib.sha256(PICTURE).hexdigest()

    def test_an_upload_that_cannot_be_begun_leaves_nothing_behind(
        self, client: Client, monkeypatch: pytest.MonkeyPatch, stored: Stored
    ) -> None:
        def fail(*arguments: object) -> None:
            with translated_errors():
                raise OSError(errno.ENOSPC, "no space")

        monkeypatch.setattr(store_class(), "append", fail)
        assert problem(create(client, PICTURE)) == (507, "store_full")
        assert not FileAsset.objects.exists()
        assert stored() == []


@pytest.mark.each_storage
class TestStoreThatFailsAtTheEnd:
    @pytest.fixture
    def failing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*arguments: object) -> None:
            raise StoreUnavailable("the storage does not answer")

        monkeypatch.setattr(store_class(), "finish", fail)

    def test_a_creation_leaves_nothing_behind(self, client: Client, failing: None, stored: Stored) -> None:
        assert problem(create(client, PICTURE)) == (503, "store_unavailable")
        assert not FileAsset.objects.exists()
        assert stored() == []

    def test_the_last_part_may_be_sent_again(
        self, client: Client, url: str, monkeypatch: pytest.MonkeyPatch, failing: None
    ) -> None:
        assert problem(append(client, url, REST, at=1000)) == (503, "store_unavailable")
        assert retrieve(client, url)["Upload-Offset"] == "1000"
        monkeypatch.undo()
        assert append(client, url, REST, at=1000)["Upload-Complete"] == "?1"
