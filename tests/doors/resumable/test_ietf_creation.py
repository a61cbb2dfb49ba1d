from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from django_largefiles.doors.body import FIRST_READ
from django_largefiles.models import FileAsset, Upload
from django_largefiles.options import MIB
from django_largefiles.states import State
from tests.conftest import EXECUTABLE, Largefiles, png
from tests.doors.resumable.ietf_client import (
    PARTIAL,
    PROBLEM_TYPES,
    UPLOADS,
    append,
    asset_at,
    begun,
    create,
    problem,
    retrieve,
    send,
    upload_at,
)
from tests.multipart import CountingBody

pytestmark = pytest.mark.django_db(transaction=True)

Stored = Callable[[], list[str]]
PICTURE = png(padding=200_000)


@pytest.fixture
def client(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


@pytest.mark.each_storage
def test_the_whole_representation_in_one_request_is_a_file(client: Client, owner: User, stored: Stored) -> None:
    answer = create(client, PICTURE)
    asset = FileAsset.objects.get()
    assert (answer.status_code, answer["Upload-Complete"], answer["Upload-Offset"]) == (201, "?1", str(len(PICTURE)))
    assert (asset.state, asset.owner, asset.size) == (State.RECEIVED, owner, len(PICTURE))
    assert asset.sha256 == hashlib.sha256(PICTURE).hexdigest()
    assert stored() == [asset.file.name]
    assert not Upload.objects.exists()


def test_a_beginning_answers_where_the_rest_goes_and_within_which_limits(client: Client) -> None:
    answer = create(client, PICTURE[:1000], upload_complete="?0")
    assert (answer.status_code, answer["Upload-Complete"], answer["Upload-Offset"]) == (201, "?0", "1000")
    assert answer["Location"] == f"http://testserver{UPLOADS}{upload_at(answer['Location']).pk}"
    assert answer["Upload-Limit"].startswith("max-size=5368709120, max-age=")


def test_a_careful_creation_has_no_content(client: Client) -> None:
    answer = create(client, upload_complete="?0")
    assert (answer.status_code, answer["Upload-Offset"]) == (201, "0")
    assert retrieve(client, answer["Location"])["Upload-Offset"] == "0"


@pytest.mark.each_storage
def test_an_empty_representation_can_be_complete(client: Client, largefiles: Largefiles) -> None:
    largefiles.set(ALLOWED_MIME_TYPES=["*/*"])
    answer = create(client)
    assert (answer.status_code, answer["Upload-Complete"], answer["Upload-Offset"]) == (201, "?1", "0")
    assert asset_at(answer["Location"]).size == 0


def test_the_location_is_the_same_to_the_end(client: Client) -> None:
    url = begun(client, PICTURE[:1000])
    assert append(client, url, PICTURE[1000:], at=1000)["Location"] == url


@pytest.mark.parametrize("version", [None, "7", "8", "nonsense"])
def test_nothing_depends_on_an_interim_response(version: str | None, client: Client) -> None:
    answer = create(client, PICTURE[:1000], upload_complete="?0", upload_draft_interop_version=version)
    assert (answer.status_code, answer["Upload-Offset"]) == (201, "1000")
    assert append(client, answer["Location"], PICTURE[1000:], at=1000).status_code == 201


@pytest.mark.parametrize(
    ("said", "length"),
    [
        ({"upload_complete": "?0"}, None),
        ({"upload_complete": "?0", "upload_length": len(PICTURE)}, len(PICTURE)),
        ({"upload_complete": "?0", "upload_length": f"{len(PICTURE)};a=1"}, len(PICTURE)),
        ({"upload_complete": "?1", "content_length": len(PICTURE)}, len(PICTURE)),
        ({"upload_complete": "?1", "content_length": None}, None),
        ({"upload_complete": "?1", "content_length": len(PICTURE), "upload_length": len(PICTURE)}, len(PICTURE)),
        *(({"upload_complete": "?0", "upload_length": ignored}, None) for ignored in ("-1", "")),
    ],
    ids=[
        "nobody says",
        "Upload-Length",
        "Upload-Length with a parameter",
        "all of the content",
        "all of the content in chunks",
        "both",
        "negative is ignored",
        "empty is ignored",
    ],
)
def test_the_length_is_recorded(said: dict[str, object], length: int | None, client: Client) -> None:
    lengths: list[int | None] = []

    class Watched(CountingBody):
        def read(self, size: int | None = -1, /) -> bytes:
            lengths.append(Upload.objects.get().length)
            return super().read(size)

    create(client, Watched(PICTURE), **said)
    assert set(lengths) == {length}


@pytest.mark.each_storage
def test_an_interrupted_creation_keeps_what_came_and_is_not_complete(client: Client, stored: Stored) -> None:
    answer = create(client, PICTURE[:150_000], content_length=len(PICTURE))
    assert (answer["Upload-Complete"], answer["Upload-Offset"]) == ("?0", "150000")
    state = retrieve(client, answer["Location"])
    assert (state["Upload-Complete"], state["Upload-Offset"]) == ("?0", "150000")
    assert state["Upload-Length"] == str(len(PICTURE))
    assert append(client, answer["Location"], PICTURE[150_000:], at=150_000)["Upload-Complete"] == "?1"
    assert FileAsset.objects.get().sha256 == hashlib.sha256(PICTURE).hexdigest()


def test_content_in_chunks_ends_where_the_server_says(client: Client) -> None:
    answer = create(client, PICTURE, content_length=None)
    assert (answer["Upload-Complete"], answer["Upload-Offset"]) == ("?1", str(len(PICTURE)))


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        (None, "unnamed"),
        ("inline", "unnamed"),
        ('inline; filename="a b.png"', "a b.png"),
        ("attachment; filename=a.png", "a.png"),
        ("inline; filename=\"a.png\"; filename*=UTF-8''%C3%A4.png", "ä.png"),
        ("inline; filename*=UTF-8''%C3%A4.png; filename=\"a.png\"", "ä.png"),
        ('inline; filename="../../etc/a.png"', "a.png"),
        ('inline; filename="a.php%00.png"', "a.php.png"),
        ("form-data; name=file; filename=a.png", "a.png"),
    ],
    ids=[
        "no field",
        "no name",
        "quoted",
        "token",
        "in another alphabet",
        "in another alphabet first",
        "a path",
        "a NUL",
        "of a form",
    ],
)
def test_content_disposition_gives_the_name(disposition: str | None, name: str, client: Client) -> None:
    url = begun(client, content_disposition=disposition)
    assert asset_at(url).original_name == name


@pytest.mark.parametrize(
    ("content_type", "declared"),
    [
        (None, ""),
        ("image/png", "image/png"),
        ("Image/PNG; q=1", "image/png"),
        ("application/octet-stream", "application/octet-stream"),
        (PARTIAL, ""),
    ],
    ids=["none", "plain", "with a parameter", "unknown", "of a part"],
)
def test_content_type_declares_the_type(content_type: str | None, declared: str, client: Client) -> None:
    assert asset_at(begun(client, content_type=content_type)).declared_type == declared


def test_the_profile_is_the_target_s(client: Client, largefiles: Largefiles) -> None:
    largefiles.set(PROFILES={"small": {"MAX_UPLOAD_SIZE": 5000}})
    answer = create(client, to=f"{UPLOADS}?profile=small", upload_complete="?0")
    assert asset_at(answer["Location"]).profile == "small"
    assert answer["Upload-Limit"].startswith("max-size=5000, ")


@pytest.mark.parametrize("url", [UPLOADS, UPLOADS.rstrip("/")], ids=["slash", "no slash"])
def test_both_spellings_of_the_collection_answer(url: str, client: Client) -> None:
    assert create(client, PICTURE, to=url).status_code == 201


NAMES = 'inline; filename="a.png"'
HEX = "0" * 64
SMALL = f"{UPLOADS}?profile=small"


@pytest.mark.parametrize(
    ("body", "fields", "status", "code"),
    [
        (PICTURE, {"upload_complete": None, "content_type": PARTIAL}, 400, "missing_header"),
        (PICTURE, {"upload_complete": None, "upload_draft_interop_version": "8"}, 400, "missing_header"),
        (PICTURE, {"upload_complete": "?2", "content_type": PARTIAL}, 400, "missing_header"),
        (PICTURE, {"content_length": "-1"}, 400, "malformed_request"),
        (PICTURE, {"upload_length": 10}, 400, "inconsistent_length"),
        (PICTURE, {"upload_length": len(PICTURE) + 1}, 400, "inconsistent_length"),
        (PICTURE, {"content_length": None, "upload_length": len(PICTURE) + 1}, 400, "inconsistent_length"),
        (PICTURE, {"upload_complete": "?0", "upload_length": 10}, 413, "too_large"),
        (PICTURE, {"upload_complete": "?0", "content_length": None, "upload_length": 10}, 413, "too_large"),
        (PICTURE, {"upload_complete": "?0", "to": SMALL}, 413, "too_large"),
        (PICTURE, {"to": SMALL}, 413, "too_large"),
        (PICTURE, {"content_length": None, "to": SMALL}, 413, "too_large"),
        (b"", {"upload_complete": "?0", "upload_length": 5001, "to": SMALL}, 413, "too_large"),
        (b"", {"upload_complete": "?0", "upload_length": 10**15 - 1}, 413, "too_large"),
        (PICTURE, {"to": f"{UPLOADS}?profile=none"}, 400, "unknown_profile"),
        (PICTURE, {"repr_digest": "sha-256=nonsense"}, 400, "malformed_header"),
        (PICTURE, {"content_digest": "?"}, 400, "malformed_header"),
        (PICTURE, {"content_disposition": "inline; filename*=nonsense''a.png"}, 400, "malformed_header"),
        (PICTURE, {"content_disposition": "inline; filename*=idna''%FF.png"}, 400, "malformed_header"),
        (PICTURE, {"content_disposition": f"inline; filename*{'9' * 5000}=a"}, 400, "malformed_header"),
    ],
    ids=[
        "no Upload-Complete for a part",
        "no Upload-Complete for an interop version",
        "Upload-Complete that is none",
        "negative Content-Length",
        "all of the content is more than the length",
        "all of the content is less than the length",
        "all of the content in chunks is less than the length",
        "content beyond the length",
        "content in chunks beyond the length",
        "content beyond the limit",
        "all of the content beyond the limit",
        "content in chunks beyond the limit",
        "length beyond the limit",
        "length beyond any limit",
        "unknown profile",
        "digest that is none",
        "digest field that is none",
        "name in no charset",
        "name not of its charset",
        "name in no part",
    ],
)
def test_a_refused_creation_leaves_nothing_behind(
    body: bytes,
    fields: dict[str, Any],
    status: int,
    code: str,
    client: Client,
    largefiles: Largefiles,
    stored: Stored,
) -> None:
    largefiles.set(PROFILES={"small": {"MAX_UPLOAD_SIZE": 5000}})
    assert problem(create(client, body, **fields)) == (status, code)
    assert not FileAsset.objects.exists()
    assert stored() == []


@pytest.mark.each_storage
@pytest.mark.parametrize(
    ("body", "fields", "status", "code"),
    [
        (EXECUTABLE, {}, 415, "type_not_allowed"),
        (EXECUTABLE, {"upload_complete": "?0"}, 415, "type_not_allowed"),
        (PICTURE, {"content_disposition": 'inline; filename="a.pdf"'}, 415, "type_mismatch"),
        (b"", {"upload_complete": "?0", "content_disposition": 'inline; filename="a.exe"'}, 415, "type_mismatch"),
        (b"", {"upload_complete": "?0", "content_type": "text/html"}, 415, "type_not_allowed"),
        (PICTURE, {"repr_digest": "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:"}, 422, "digest_mismatch"),
    ],
    ids=[
        "an executable",
        "the beginning of an executable",
        "another extension",
        "an extension never allowed",
        "a declared type that is not allowed",
        "another digest",
    ],
)
def test_a_file_that_is_not_wanted_is_the_target_s_answer_and_leaves_nothing_behind(
    body: bytes, fields: dict[str, Any], status: int, code: str, client: Client, stored: Stored
) -> None:
    answer = create(client, body, **fields)
    assert (answer.status_code, answer.json()["code"], answer["Upload-Complete"]) == (status, code, "?1")
    assert not FileAsset.objects.exists()
    assert stored() == []


def test_lengths_that_contradict_each_other_are_a_problem_of_the_draft_s(client: Client) -> None:
    details = create(client, PICTURE, upload_length=10).json()
    assert details["type"] == f"{PROBLEM_TYPES}#inconsistent-upload-length"
    assert details["title"] == "Inconsistent Upload Length Values"


def test_too_large_a_file_is_told_the_limit_of_its_profile(client: Client, largefiles: Largefiles) -> None:
    largefiles.set(PROFILES={"small": {"MAX_UPLOAD_SIZE": 5000}})
    answer = create(client, PICTURE, to=SMALL)
    assert (answer.status_code, answer["Upload-Limit"]) == (413, "max-size=5000")


@pytest.mark.parametrize("fields", [{"upload_complete": "?1"}, {"upload_complete": "?0"}], ids=["whole", "beginning"])
def test_a_file_over_the_limit_costs_no_read(fields: dict[str, str], client: Client, largefiles: Largefiles) -> None:
    largefiles.set(MAX_UPLOAD_SIZE=5000)
    body = CountingBody(PICTURE)
    assert create(client, body, **fields).status_code == 413
    assert body.consumed == 0


def test_the_wrong_type_costs_one_short_read(client: Client) -> None:
    body = CountingBody(EXECUTABLE + bytes(8 * MIB))
    assert create(client, body).status_code == 415
    assert body.consumed == FIRST_READ


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"content_type": "image/png"},
        {"upload_length": 5},
        {"upload_offset": 0},
        {"upload_complete": "yes"},
        {"upload_complete": "?1", "tus_resumable": "0.2.2"},
    ],
    ids=["bare", "a picture", "a length", "an offset", "completeness that is none", "tus"],
)
def test_a_creation_without_the_draft_s_fields_is_none_of_the_draft_s(
    fields: dict[str, object], client: Client, stored: Stored
) -> None:
    answer = send(client, "POST", UPLOADS, PICTURE, **fields)
    assert (answer.status_code, answer["Tus-Resumable"]) == (412, "1.0.0")
    assert "Upload-Complete" not in answer
    assert not FileAsset.objects.exists()
    assert stored() == []


@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE", "GET", "HEAD"])
def test_the_collection_takes_only_creations(method: str, client: Client) -> None:
    answer = send(client, method, UPLOADS, upload_complete="?1")
    assert (answer.status_code, answer["Allow"]) == (405, "OPTIONS, POST")


def test_who_may_not_upload_is_refused_before_the_content(client: Client, stored: Stored) -> None:
    client.logout()
    body = CountingBody(PICTURE)
    assert problem(create(client, body)) == (403, "not_permitted")
    assert body.consumed == 0
    assert stored() == []
