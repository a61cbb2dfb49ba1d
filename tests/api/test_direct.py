from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from datetime import timedelta
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from pytest_django.fixtures import Settings

pytest.importorskip("rest_framework", reason="Django REST framework is not installed")

from rest_framework.permissions import BasePermission

from django_largefiles.api.direct import DirectUploadViewSet
from django_largefiles.api.requests import LARGEST_JSON
from django_largefiles.exceptions import UploadTokenOfAnotherUser
from django_largefiles.intake import direct as direct_intake
from django_largefiles.intake.direct import SIGNED_AT_ONCE
from django_largefiles.models import FileAsset, Upload
from django_largefiles.options import MIB
from django_largefiles.pipeline.processing import process
from django_largefiles.states import Attachment, Reason, State
from django_largefiles.stores.s3 import objects
from django_largefiles.stores.s3.bucket import Bucket
from django_largefiles.stores.s3.plan import PART
from django_largefiles.sweeper import sweep
from django_largefiles.upload_tokens import read
from tests.api.direct_client import COLLECTION, DirectClient, put
from tests.conftest import EXECUTABLE, IMMEDIATE, Largefiles, png
from tests.s3.servers import S3Bucket

pytestmark = pytest.mark.django_db(transaction=True)

SMALL = png(padding=1000)
TWO_PARTS = png(padding=PART + 1000)


@pytest.fixture(autouse=True)
def storage(settings: Settings, bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.STORAGES = {**settings.STORAGES, "default": bucket.setting}
    # An object that is not there at once will not come either.
    monkeypatch.setattr(objects, "COMPLETION_SECONDS", 0.3)


@pytest.fixture
def direct(client: Client, owner: User) -> DirectClient:
    client.force_login(owner)
    return DirectClient(client)


@pytest.fixture
def strange(stranger: User) -> DirectClient:
    client = Client()
    client.force_login(stranger)
    return DirectClient(client)


def test_an_upload_for_a_form_has_a_token_for_its_user(direct: DirectClient, strange: DirectClient) -> None:
    upload = direct.create(SMALL, attachment="provisional")
    asset = FileAsset.objects.get(attachment=Attachment.PROVISIONAL)
    request = direct.client.get("/").wsgi_request
    assert read(upload["token"], request).asset_id == asset.pk
    assert read(direct.get(upload).json()["token"], request).asset_id == asset.pk
    with pytest.raises(UploadTokenOfAnotherUser):
        read(upload["token"], strange.client.get("/").wsgi_request)


def test_there_is_no_upload_for_a_row_that_exists(direct: DirectClient) -> None:
    answer = direct.post(COLLECTION, {"name": "picture.png", "size": 5, "attachment": "attached"})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["attachment"])


def test_a_right_head_promises_nothing(direct: DirectClient) -> None:
    upload = direct.create(EXECUTABLE, head=b64encode(SMALL).decode())
    direct.send(upload, EXECUTABLE)
    process(direct.complete(upload).json()["id"])
    assert FileAsset.objects.get().reason == Reason.TYPE_NOT_ALLOWED


def test_an_upload_is_arranged(direct: DirectClient, owner: User, bucket: S3Bucket) -> None:
    answer = direct.post(COLLECTION, {"name": "a/picture.png", "size": len(TWO_PARTS), "media_type": "image/png"})
    upload, asset = Upload.objects.get(), FileAsset.objects.get()
    own = f"http://testserver{COLLECTION}{asset.pk}/"
    assert answer.status_code == 201
    assert answer["Location"] == own
    body = answer.json()
    assert abs(parse_datetime(body.pop("expires_at")) - upload.expires_at) < timedelta(minutes=1)  # type: ignore[operator]
    assert body == {
        "id": str(asset.pk),
        "state": "receiving",
        "reason": "",
        "size": len(TWO_PARTS),
        "part_size": PART,
        "part_count": 2,
        "parts": [],
        "token": "",
        "urls": {"self": own, "sign": f"{own}sign/", "complete": f"{own}complete/"},
    }
    assert (asset.owner, asset.original_name, asset.declared_type) == (owner, "picture.png", "image/png")
    assert (upload.kind, upload.length, upload.reserved) == (Upload.Kind.DIRECT, len(TWO_PARTS), len(TWO_PARTS))
    assert bucket.unfinished() == [upload.store_state["name"]]


@pytest.mark.parametrize("content", [SMALL, TWO_PARTS], ids=["one part", "two parts"])
def test_what_is_sent_to_the_storage_becomes_a_file(
    direct: DirectClient, bucket: S3Bucket, largefiles: Largefiles, content: bytes
) -> None:
    largefiles.set(DISPATCHER=IMMEDIATE)
    answer = direct.upload(content, sha256=hashlib.sha256(content).hexdigest())
    asset = FileAsset.objects.get()
    assert answer.status_code == 200
    assert answer.json()["state"] == State.READY
    assert (asset.size, asset.sha256, asset.media_type) == (
        len(content),
        hashlib.sha256(content).hexdigest(),
        "image/png",
    )
    assert (bucket.keys(), bucket.unfinished()) == ([asset.file.name], [])
    assert bucket.content(asset.file.name) == content
    assert not Upload.objects.exists()


def test_an_empty_file_has_one_part(direct: DirectClient, largefiles: Largefiles) -> None:
    largefiles.set(ALLOWED_MIME_TYPES=["*/*"], EXTENSION_MUST_MATCH=False)
    assert direct.upload(b"").json()["size"] == 0


def test_a_complete_file_waits_for_a_worker(direct: DirectClient) -> None:
    body = direct.upload(SMALL).json()
    assert (body["state"], body["received"], body["size"]) == (State.RECEIVED, len(SMALL), len(SMALL))
    assert (body["sha256"], body["media_type"]) == ("", "")
    assert direct.client.get(f"/api/assets/{body['id']}/download/").status_code == 409


def test_no_part_is_asked_for_twice_after_a_restart(direct: DirectClient) -> None:
    upload = direct.create(TWO_PARTS)
    direct.send(upload, TWO_PARTS, 2)
    found = direct.get(upload)
    assert found.status_code == 200
    told = {"parts": [{"number": 2, "size": len(TWO_PARTS) - PART}], "expires_at": found.json()["expires_at"]}
    assert found.json() == {**upload, **told}
    direct.send(upload, TWO_PARTS, 1)
    assert direct.complete(upload).status_code == 200


def test_parts_beyond_a_page_of_the_storage_are_told(
    direct: DirectClient, bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = Bucket._call

    def call_for_short_pages(self: Bucket, operation: str, **arguments: Any) -> Any:
        return call(self, operation, **arguments, **({"MaxParts": 2} if operation == "ListParts" else {}))

    monkeypatch.setattr(Bucket, "_call", call_for_short_pages)
    answer = direct.post(COLLECTION, {"name": "a.png", "size": 5 * PART}).json()
    state = Upload.objects.get().store_state
    for number in range(1, 6):
        bucket.client.upload_part(
            Bucket=bucket.name, Key=state["name"], UploadId=state["handle"], PartNumber=number, Body=b"part"
        )
    assert [part["number"] for part in direct.get(answer).json()["parts"]] == [1, 2, 3, 4, 5]


def test_a_signed_part_is_for_its_very_bytes(direct: DirectClient, largefiles: Largefiles) -> None:
    largefiles.set(PART_URL_EXPIRES_AFTER=timedelta(minutes=3))
    upload = direct.create(TWO_PARTS)
    now = timezone.now()
    (last,) = direct.sign(upload, 2).json()
    query = parse_qs(urlsplit(last["url"]).query)
    assert (last["number"], last["size"]) == (2, len(TWO_PARTS) - PART)
    assert last["headers"] == {"Content-Length": str(len(TWO_PARTS) - PART)}
    assert timedelta(minutes=2) < parse_datetime(last["expires_at"]) - now <= timedelta(minutes=4)  # type: ignore[operator]
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert query["X-Amz-SignedHeaders"] == ["content-length;host"]
    assert query["X-Amz-Expires"] == ["180"]
    assert (query["partNumber"], query["uploadId"]) == (["2"], [Upload.objects.get().store_state["handle"]])


@pytest.mark.parametrize("version", ["s3", "s3v4", None], ids=["SigV2", "SigV4", "none"])
def test_what_the_storage_itself_signs_with_does_not_matter(
    direct: DirectClient, settings: Settings, bucket: S3Bucket, version: str | None
) -> None:
    options = {**bucket.options, "signature_version": version}
    backend = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "default": backend}
    (part,) = direct.sign(direct.create(SMALL), 1).json()
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in part["url"]


def test_signing_puts_the_expiry_off(direct: DirectClient) -> None:
    upload = direct.create(SMALL)
    soon = timezone.now() + timedelta(seconds=30)
    Upload.objects.update(expires_at=soon)
    direct.sign(upload, 1)
    assert Upload.objects.get().expires_at > soon + timedelta(hours=1)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"parts": [3]}, "malformed_request"),
        ({"parts": [0]}, "malformed_request"),
        ({"parts": [-1]}, "malformed_request"),
        ({"parts": [10**30]}, "malformed_request"),
        ({"parts": []}, "invalid"),
        ({"parts": list(range(1, SIGNED_AT_ONCE + 2))}, "invalid"),
        ({"parts": "1"}, "invalid"),
        ({"parts": ["one"]}, "invalid"),
        ({}, "invalid"),
        ([1], "invalid"),
    ],
    ids=["beyond", "zero", "negative", "huge", "none", "too many", "no list", "no number", "nothing", "no object"],
)
def test_numbers_that_cannot_be_signed(direct: DirectClient, said: Any, code: str) -> None:
    answer = direct.post(direct.create(TWO_PARTS)["urls"]["sign"], said)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [
        ({"size": 6 * 1024 * MIB}, 413, "too_large"),
        ({"size": 10**30}, 413, "too_large"),
        ({"size": -1}, 400, "invalid"),
        ({"size": "many"}, 400, "invalid"),
        ({"size": None}, 400, "invalid"),
        ({"name": "a.exe"}, 415, "type_mismatch"),
        ({"name": "a.png\0"}, 400, "invalid"),
        ({"media_type": "text/html"}, 415, "type_not_allowed"),
        ({"head": b64encode(EXECUTABLE).decode()}, 415, "type_not_allowed"),
        ({"head": "#"}, 400, "invalid"),
        ({"head": 5}, 400, "invalid"),
        ({"sha256": "none"}, 400, "malformed_request"),
        ({"profile": "other"}, 400, "unknown_profile"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_refused_before_a_byte_is_sent(
    direct: DirectClient, bucket: S3Bucket, said: dict[str, Any], status: int, code: str
) -> None:
    answer = direct.post(COLLECTION, {"name": "a.png", "size": 1, **said})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer["Content-Type"] == "application/problem+json"
    assert not FileAsset.objects.exists()
    assert bucket.unfinished() == []


def test_a_quota_counts_what_is_arranged(direct: DirectClient, largefiles: Largefiles) -> None:
    largefiles.set(QUOTA={"BYTES": 1000})
    assert direct.post(COLLECTION, {"name": "a.png", "size": 900}).status_code == 201
    answer = direct.post(COLLECTION, {"name": "a.png", "size": 101})
    assert (answer.status_code, answer.json()["code"]) == (413, "quota_exceeded")


def test_json_without_a_length_is_read(direct: DirectClient) -> None:
    said = json.dumps({"name": "picture.png", "size": len(SMALL)}).encode()
    environ = {
        "wsgi.input": BytesIO(said),
        "wsgi.input_terminated": True,
        "CONTENT_LENGTH": "",
        "CONTENT_TYPE": "application/json",
        "HTTP_TRANSFER_ENCODING": "chunked",
    }
    answer = direct.client.generic("POST", COLLECTION, **environ)  # type: ignore[arg-type]
    assert (answer.status_code, Upload.objects.get().length) == (201, len(SMALL))


def test_json_is_not_read_beyond_its_limit(direct: DirectClient) -> None:
    answer = direct.post(COLLECTION, {"name": "a" * LARGEST_JSON, "size": 1})
    assert (answer.status_code, answer.json()["code"], answer.json()["limit"]) == (413, "too_large", LARGEST_JSON)


@pytest.mark.parametrize(
    "body",
    [b"{", b'{"name": NaN}', b"\xff", b"", b"[" * 60_000],
    ids=["cut off", "NaN", "no UTF-8", "empty", "nested deeply"],
)
def test_a_body_that_is_no_json(direct: DirectClient, body: bytes) -> None:
    assert direct.client.post(COLLECTION, body, content_type="application/json").status_code == 400


def test_nothing_is_arranged_for_who_may_not_upload(client: Client) -> None:
    answer = DirectClient(client).post(COLLECTION, {"name": "a.png", "size": 1})
    assert answer.status_code in {401, 403}
    assert not FileAsset.objects.exists()


def test_a_session_needs_the_csrf_token(owner: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    answer = DirectClient(client).post(COLLECTION, {"name": "a.png", "size": 1})
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")


@pytest.mark.parametrize("act", ["get", "sign", "complete", "delete"])
def test_the_upload_of_another_user_is_not_found(direct: DirectClient, strange: DirectClient, act: str) -> None:
    upload = direct.create(SMALL)
    numbers = [1] if act == "sign" else []
    assert getattr(strange, act)(upload, *numbers).status_code == 404
    assert Upload.objects.exists()


@pytest.mark.parametrize("act", ["sign", "complete"])
def test_staff_may_see_but_not_go_on(direct: DirectClient, staff: User, act: str) -> None:
    upload, client = direct.create(SMALL), Client()
    client.force_login(staff)
    seeing = DirectClient(client)
    assert seeing.get(upload).status_code == 200
    answer = getattr(seeing, act)(upload, *([1] if act == "sign" else []))
    assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")


def test_what_never_was(direct: DirectClient) -> None:
    assert direct.client.get(f"{COLLECTION}{uuid4()}/").status_code == 404


def test_missing_parts_are_named_and_nothing_changes(direct: DirectClient, bucket: S3Bucket) -> None:
    upload = direct.create(TWO_PARTS)
    direct.send(upload, TWO_PARTS, 1)
    answer = direct.complete(upload)
    assert answer.status_code == 409
    assert answer.json()["code"] == "parts_missing"
    assert (answer.json()["limit"], answer.json()["value"]) == (2, "2")
    assert bucket.keys() == []
    direct.send(upload, TWO_PARTS, 2)
    assert direct.complete(upload).status_code == 200


@pytest.mark.parametrize("change", [-1, 1], ids=["shorter", "longer"])
def test_a_part_of_another_size_is_refused_where_the_storage_took_it(
    direct: DirectClient, bucket: S3Bucket, change: int
) -> None:
    upload = direct.create(SMALL)
    (part,) = direct.sign(upload, 1).json()
    put(part["url"], (SMALL + b"\0")[: len(SMALL) + change])
    answer = direct.complete(upload)
    assert (answer.status_code, answer.json()["code"], answer.json()["value"]) == (409, "parts_missing", "1")
    put(part["url"], SMALL)
    assert direct.complete(upload).status_code == 200
    assert bucket.content(FileAsset.objects.get().file.name) == SMALL


def test_a_part_beyond_the_plan_does_not_count(direct: DirectClient, bucket: S3Bucket) -> None:
    upload = direct.create(SMALL)
    direct.send(upload, SMALL)
    state = Upload.objects.get().store_state
    bucket.client.upload_part(
        Bucket=bucket.name, Key=state["name"], UploadId=state["handle"], PartNumber=2, Body=b"more"
    )
    assert direct.complete(upload).status_code == 200
    assert bucket.content(FileAsset.objects.get().file.name) == SMALL


def test_completing_twice_gives_the_same_answer(direct: DirectClient) -> None:
    upload = direct.create(SMALL)
    direct.send(upload, SMALL)
    first, second = direct.complete(upload), direct.complete(upload)
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json() == second.json()


def test_completing_after_a_crash_between_storage_and_database(
    direct: DirectClient, bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = direct.create(TWO_PARTS)
    direct.send(upload, TWO_PARTS)

    def crash(*args: Any, **kwargs: Any) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as crashing:
        crashing.setattr("django_largefiles.lifecycle.complete", crash)
        with pytest.raises(KeyboardInterrupt):
            direct.complete(upload)
    assert direct.get(upload).json()["parts"] == []
    assert direct.complete(upload).status_code == 200
    assert bucket.content(FileAsset.objects.get().file.name) == TWO_PARTS


def completed_upload(direct: DirectClient) -> Upload:
    """As a request sees it that has asked for it and was then overtaken by another."""
    upload = direct.create(SMALL)
    direct.send(upload, SMALL)
    overtaken = Upload.objects.select_related("asset").get()
    assert direct.complete(upload).status_code == 200
    return overtaken


def test_two_requests_complete_at_once(direct: DirectClient, owner: User) -> None:
    overtaken = completed_upload(direct)
    assert direct_intake.complete(owner, overtaken).state == State.RECEIVED


def test_a_request_completes_what_a_worker_has_rejected_meanwhile(
    direct: DirectClient, owner: User, bucket: S3Bucket
) -> None:
    overtaken = completed_upload(direct)
    FileAsset.objects.update(expected_sha256="0" * 64)
    process(overtaken.pk)
    assert bucket.keys() == []
    assert direct_intake.complete(owner, overtaken).state == State.REJECTED


def test_deleting_wins_against_completing(
    direct: DirectClient, bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = direct.create(SMALL)
    direct.send(upload, SMALL)
    finish = Bucket.complete

    def deleted_meanwhile(*args: Any) -> None:
        direct.delete(upload)
        monkeypatch.setattr(Bucket, "complete", finish)
        # The storage had begun to put it together before it was told to abort.
        bucket.client.put_object(Bucket=bucket.name, Key=args[1], Body=SMALL)

    monkeypatch.setattr(Bucket, "complete", deleted_meanwhile)
    answer = direct.complete(upload)
    assert (answer.status_code, answer.json()["code"]) == (410, "upload_gone")
    assert (bucket.keys(), bucket.unfinished()) == ([], [])


def test_an_upload_that_the_storage_has_dropped_is_gone(direct: DirectClient, bucket: S3Bucket) -> None:
    upload = direct.create(SMALL)
    state = Upload.objects.get().store_state
    bucket.client.abort_multipart_upload(Bucket=bucket.name, Key=state["name"], UploadId=state["handle"])
    answer = direct.complete(upload)
    assert (answer.status_code, answer.json()["code"]) == (410, "upload_gone")


def test_an_object_of_another_size_is_refused_and_removed(
    direct: DirectClient, bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = direct.create(SMALL)
    direct.send(upload, SMALL)

    def completed_wrongly(self: Bucket, key: str, *args: Any) -> None:
        bucket.client.put_object(Bucket=bucket.name, Key=key, Body=SMALL[:-1])

    monkeypatch.setattr(Bucket, "complete", completed_wrongly)
    answer = direct.complete(upload)
    assert (answer.status_code, answer.json()["code"]) == (422, "size_mismatch")
    assert not FileAsset.objects.exists()
    assert (bucket.keys(), bucket.unfinished()) == ([], [])


def test_an_upload_is_aborted(direct: DirectClient, bucket: S3Bucket) -> None:
    upload = direct.create(TWO_PARTS)
    direct.send(upload, TWO_PARTS, 1)
    assert direct.delete(upload).status_code == 204
    assert bucket.unfinished() == []
    assert [act.status_code for act in (direct.get(upload), direct.sign(upload, 1), direct.complete(upload))] == [
        404
    ] * 3


@pytest.mark.parametrize("act", ["get", "sign", "complete", "delete"])
def test_an_expired_upload_is_gone(direct: DirectClient, act: str) -> None:
    upload = direct.create(SMALL)
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    answer = getattr(direct, act)(upload, *([1] if act == "sign" else []))
    assert (answer.status_code, answer.json()["code"]) == (410, "upload_gone")


def test_an_expired_upload_is_swept_with_its_parts(direct: DirectClient, bucket: S3Bucket) -> None:
    upload = direct.create(TWO_PARTS)
    direct.send(upload, TWO_PARTS, 1)
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert sweep().uploads_expired == 1
    assert (bucket.keys(), bucket.unfinished()) == ([], [])


def test_a_complete_upload_takes_no_more_parts(direct: DirectClient) -> None:
    upload = direct.create(SMALL)
    direct.send(upload, SMALL)
    direct.complete(upload)
    answer = direct.sign(upload, 1)
    assert (answer.status_code, answer.json()["code"]) == (409, "state_conflict")


def test_a_complete_upload_says_so(direct: DirectClient) -> None:
    upload = direct.create(SMALL)
    direct.send(upload, SMALL)
    direct.complete(upload)
    nothing = {"part_size": None, "part_count": None, "expires_at": None}
    assert direct.get(upload).json() == {**upload, **nothing, "state": "received"}


def test_an_upload_that_is_completed_while_its_parts_are_signed(
    direct: DirectClient, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    direct.create(SMALL)
    upload = Upload.objects.select_related("asset").get()
    Upload.objects.all().delete()
    with pytest.raises(direct_intake.UploadGone):
        direct_intake.sign(owner, upload, [1])


@pytest.mark.parametrize("number", [1, SIGNED_AT_ONCE + 1])
def test_too_many_parts_are_not_signed(direct: DirectClient, owner: User, largefiles: Largefiles, number: int) -> None:
    largefiles.set(MAX_UPLOAD_SIZE=1000 * PART)
    direct.post(COLLECTION, {"name": "a.png", "size": 1000 * PART})
    upload = Upload.objects.select_related("asset").get()
    if number == 1:
        assert len(direct_intake.sign(owner, upload, [1, 1])) == 1
        return
    with pytest.raises(direct_intake.MalformedRequest):
        direct_intake.sign(owner, upload, range(1, number + 1))


@pytest.mark.parametrize(
    ("content", "said", "reason"),
    [
        (EXECUTABLE, {}, Reason.TYPE_NOT_ALLOWED),
        (SMALL, {"name": "a.jpg"}, Reason.TYPE_MISMATCH),
        (SMALL, {"sha256": "0" * 64}, Reason.DIGEST_MISMATCH),
    ],
    ids=["type", "extension", "digest"],
)
def test_a_broken_promise_is_never_served(
    direct: DirectClient, bucket: S3Bucket, content: bytes, said: dict[str, str], reason: Reason
) -> None:
    asset_id = direct.upload(content, **said).json()["id"]
    process(FileAsset.objects.get().pk)
    asset = FileAsset.objects.get()
    assert (asset.state, asset.reason) == (State.REJECTED, reason)
    assert bucket.keys() == []
    assert direct.client.get(f"/api/assets/{asset_id}/download/").status_code == 409


@pytest.mark.parametrize("swapped", [SMALL[:-1], SMALL + b"\0"], ids=["shorter", "longer"])
def test_an_object_swapped_before_the_worker_came_is_noticed_by_its_size(
    direct: DirectClient, bucket: S3Bucket, swapped: bytes
) -> None:
    direct.upload(SMALL)
    asset = FileAsset.objects.get()
    bucket.client.put_object(Bucket=bucket.name, Key=asset.file.name, Body=swapped)
    process(asset.pk)
    asset.refresh_from_db()
    assert (asset.state, asset.reason) == (State.REJECTED, Reason.SIZE_MISMATCH)


def test_an_object_swapped_before_the_worker_came_is_noticed_by_its_digest(
    direct: DirectClient, bucket: S3Bucket
) -> None:
    direct.upload(SMALL, sha256=hashlib.sha256(SMALL).hexdigest())
    asset = FileAsset.objects.get()
    bucket.client.put_object(Bucket=bucket.name, Key=asset.file.name, Body=SMALL[:-1] + b"\1")
    process(asset.pk)
    asset.refresh_from_db()
    assert (asset.state, asset.reason) == (State.REJECTED, Reason.DIGEST_MISMATCH)


class TestOtherDoors:
    """An upload goes through the door by which it came."""

    TUS = {"Tus-Resumable": "1.0.0"}

    @pytest.fixture
    def resource(self, direct: DirectClient) -> str:
        return f"/files/uploads/{direct.create(SMALL)['id']}/"

    @pytest.mark.parametrize("headers", [TUS, {}], ids=["tus", "draft"])
    def test_its_offset_is_not_told(self, client: Client, resource: str, headers: dict[str, str]) -> None:
        assert client.head(resource, headers=headers).status_code == 409

    @pytest.mark.parametrize(
        ("headers", "content_type"),
        [
            ({**TUS, "Upload-Offset": "0"}, "application/offset+octet-stream"),
            (
                {"Upload-Draft-Interop-Version": "8", "Upload-Offset": "0", "Upload-Complete": "?1"},
                "application/partial-upload",
            ),
        ],
        ids=["tus", "draft"],
    )
    def test_it_takes_no_bytes(
        self, client: Client, resource: str, headers: dict[str, str], content_type: str, bucket: S3Bucket
    ) -> None:
        answer = client.patch(resource, SMALL, content_type=content_type, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (409, "state_conflict")
        assert bucket.keys() == []

    def test_it_can_be_removed(self, client: Client, resource: str, bucket: S3Bucket) -> None:
        assert client.delete(resource, headers=self.TUS).status_code == 204
        assert bucket.unfinished() == []

    @pytest.mark.parametrize("act", ["get", "sign", "complete"])
    def test_a_resumable_upload_is_none_of_this_door(self, direct: DirectClient, act: str) -> None:
        metadata = f"filename {b64encode(b'a.png').decode()}"
        headers = {**self.TUS, "Upload-Length": "10", "Upload-Metadata": metadata}
        assert direct.client.generic("POST", "/files/uploads/", headers=headers).status_code == 201
        own = f"{COLLECTION}{Upload.objects.get().pk}/"
        upload = {"urls": {"self": own, "sign": f"{own}sign/", "complete": f"{own}complete/"}}
        answer = getattr(direct, act)(upload, *([1] if act == "sign" else []))
        assert (answer.status_code, answer.json()["code"]) == (409, "state_conflict")


def test_a_storage_that_takes_none(direct: DirectClient, settings: Settings) -> None:
    backend = {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    settings.STORAGES = {**settings.STORAGES, "default": backend}
    answer = direct.post(COLLECTION, {"name": "a.png", "size": 1})
    assert (answer.status_code, answer.json()["code"]) == (409, "direct_unsupported")
    assert not FileAsset.objects.exists()


def test_a_customers_key_is_never_given_away(direct: DirectClient, settings: Settings, bucket: S3Bucket) -> None:
    options = {**bucket.options, "object_parameters": {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}}
    backend = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "default": backend}
    answer = direct.post(COLLECTION, {"name": "a.png", "size": 1})
    assert (answer.status_code, answer.json()["code"]) == (409, "direct_unsupported")


class Closed(BasePermission):
    def has_object_permission(self, request: object, view: object, asset: object) -> bool:
        return False


def test_permissions_of_objects_are_asked(direct: DirectClient, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = direct.create(SMALL)
    monkeypatch.setattr(DirectUploadViewSet, "permission_classes", [Closed])
    acts = (direct.get, lambda upload: direct.sign(upload, 1), direct.complete, direct.delete)
    answers = [act(upload) for act in acts]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(403, "permission_denied")] * 4
    assert Upload.objects.exists()


def test_an_upload_that_the_view_set_leaves_out_is_not_there(
    direct: DirectClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = direct.create(SMALL)
    monkeypatch.setattr(DirectUploadViewSet, "get_queryset", lambda view: FileAsset.objects.filter(profile="videos"))
    acts = (direct.get, lambda upload: direct.sign(upload, 1), direct.complete, direct.delete)
    answers = [act(upload) for act in acts]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, "not_found")] * 4
    assert Upload.objects.exists()


def test_the_urls_have_the_prefix_of_the_request(client: Client, owner: User, settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.prefixed_urls"
    client.force_login(owner)
    said = {"name": "picture.png", "size": len(SMALL)}
    answer = client.post("/acme/api/direct-uploads/", said, "application/json")
    upload = answer.json()
    assert answer["Location"] == upload["urls"]["self"]
    assert upload["urls"]["self"] == f"http://testserver/acme/api/direct-uploads/{upload['id']}/"
    assert client.get(upload["urls"]["self"]).json()["id"] == upload["id"]
    assert client.post(upload["urls"]["sign"], {"parts": [1]}, "application/json").status_code == 200
    assert client.post(upload["urls"]["complete"]).json()["code"] == "parts_missing"
    assert client.delete(upload["urls"]["self"]).status_code == 204


def test_a_visitor_s_upload_is_of_their_session(largefiles: Largefiles) -> None:
    largefiles.set(ACCESS_POLICY="tests.doors.resumable.tus_client.Anyone")
    visitor, other = DirectClient(Client()), DirectClient(Client())
    upload = visitor.create(SMALL, attachment="provisional")
    assert [bool(client.get(upload).json()["token"]) for client in (visitor, other)] == [True, False]
    assert other.sign(upload, 1).status_code in {401, 403}
    assert other.delete(upload).status_code in {401, 403}
    visitor.send(upload, SMALL)
    assert visitor.complete(upload).json()["size"] == len(SMALL)
