from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from io import BytesIO
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

pytest.importorskip("rest_framework", reason="Django REST framework is not installed")

from django_largefiles import lifecycle
from django_largefiles.doors.body import FIRST_READ
from django_largefiles.doors.ingest import ingest
from django_largefiles.intake.creation import Declaration, begin
from django_largefiles.models import FileAsset
from django_largefiles.pipeline.processing import process
from django_largefiles.states import State
from tests.conftest import EXECUTABLE, IMMEDIATE, Largefiles, png
from tests.databases import full
from tests.multipart import END, CountingBody, field, file, post_arguments

pytestmark = pytest.mark.django_db(transaction=True)

Stored = Callable[[], list[str]]
PICTURE = png(padding=200_000)
LIST = "/api/assets/"


@pytest.fixture
def client(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


def post(client: Client, body: bytes, **environ: Any) -> Any:
    return client.generic("POST", LIST, **{**post_arguments(CountingBody(body)), **environ})


def test_a_file_is_created(client: Client, owner: User, stored: Stored) -> None:
    answer = post(client, file(PICTURE) + END)
    asset = FileAsset.objects.get()
    assert answer.status_code == 201
    assert answer["Location"] == f"http://testserver/api/assets/{asset.pk}/"
    assert answer.json() | {"created_at": "", "updated_at": ""} == {
        "id": str(asset.pk),
        "name": "picture.png",
        "profile": "default",
        "state": "received",
        "reason": "",
        "detail": "",
        "words": "",
        "received": len(PICTURE),
        "size": len(PICTURE),
        "stage": "",
        "stage_done": 0,
        "declared_type": "image/png",
        "media_type": "image/png",
        "sha256": hashlib.sha256(PICTURE).hexdigest(),
        "width": None,
        "height": None,
        "duration": None,
        "page_count": None,
        "title": "",
        "extra_attributes": {},
        "extraction_error": "",
        "scan_verdict": "",
        "created_at": "",
        "updated_at": "",
        "processed_at": None,
    }
    assert asset.owner == owner
    assert stored() == [asset.file.name]


def test_a_full_database_is_told_as_a_full_disk(client: Client, stored: Stored) -> None:
    with full("INSERT"):
        answer = post(client, file(PICTURE) + END)
    assert (answer.status_code, answer.json()["code"]) == (507, "store_full")
    assert stored() == []


def test_a_created_file_can_be_followed_and_downloaded(client: Client, largefiles: Largefiles) -> None:
    largefiles.set(DISPATCHER=IMMEDIATE)
    location = post(client, file(PICTURE) + END)["Location"]
    status = client.get(f"{location}status/").json()
    assert status | {"processed_at": ""} == {
        "id": location.split("/")[-2],
        "state": "ready",
        "reason": "",
        "detail": "",
        "words": "",
        "received": len(PICTURE),
        "size": len(PICTURE),
        "stage": "",
        "stage_done": 0,
        "media_type": "image/png",
        "sha256": hashlib.sha256(PICTURE).hexdigest(),
        "extraction_error": "",
        "scan_verdict": "",
        "processed_at": "",
    }
    answer = client.get(f"{location}download/")
    assert b"".join(answer.streaming_content) == PICTURE
    answer.close()
    partial = client.get(f"{location}download/", headers={"Range": "bytes=0-3"})
    assert (partial.status_code, b"".join(partial.streaming_content)) == (206, PICTURE[:4])
    partial.close()
    assert client.head(f"{location}download/")["Content-Length"] == str(len(PICTURE))


def test_profile_and_digest_come_before_the_file(client: Client, largefiles: Largefiles) -> None:
    largefiles.set(PROFILES={"videos": {"ALLOWED_MIME_TYPES": ["*/*"]}})
    fields = field("profile", "videos") + field("sha256", hashlib.sha256(PICTURE).hexdigest())
    assert post(client, fields + file(PICTURE) + END).json()["profile"] == "videos"


def test_the_digest_may_come_after_the_file(client: Client, stored: Stored) -> None:
    assert post(client, file(PICTURE) + field("sha256", "0" * 64) + END).json()["code"] == "digest_mismatch"
    assert stored() == []


@pytest.mark.parametrize(
    ("body", "environ", "status", "code"),
    [
        (file(EXECUTABLE) + END, {}, 415, "type_not_allowed"),
        (file(PICTURE) + file(PICTURE) + END, {}, 400, "too_many_files"),
        (file(PICTURE, name="other") + END, {}, 400, "invalid"),
        (field("a", "b") + END, {}, 400, "invalid"),
        (field("profile", "unknown") + file(PICTURE) + END, {}, 400, "unknown_profile"),
        (file(PICTURE) + field("profile", "videos") + END, {}, 400, "malformed_request"),
        (file(PICTURE)[:-500], {}, 400, "incomplete_body"),
        (file(PICTURE) + END, {"CONTENT_LENGTH": ""}, 411, "length_required"),
        (b"{}", {"CONTENT_TYPE": "application/json"}, 415, "unsupported_media_type"),
        (file(b"") + END, {}, 415, "type_not_allowed"),
    ],
    ids=[
        "executable",
        "two files",
        "another field",
        "no file",
        "unknown profile",
        "profile after the file",
        "truncated",
        "no length",
        "JSON",
        "empty",
    ],
)
def test_bad_requests_are_told_as_problems_and_leave_nothing(
    body: bytes,
    environ: dict[str, str],
    status: int,
    code: str,
    client: Client,
    largefiles: Largefiles,
    stored: Stored,
) -> None:
    largefiles.set(PROFILES={"videos": {}})
    answer = post(client, body, **environ)
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert (answer.json()["status"], answer.json()["code"]) == (status, code)
    assert not FileAsset.objects.exists()
    assert stored() == []


def test_a_field_that_is_wrong_is_named(client: Client) -> None:
    assert post(client, END).json()["errors"] == {"file": ["No file was submitted."]}


def test_too_large_is_refused_from_the_headers(client: Client, largefiles: Largefiles) -> None:
    largefiles.set(MAX_UPLOAD_SIZE=1000)
    body = CountingBody(file(PICTURE) + END)
    answer = client.generic("POST", LIST, **post_arguments(body))
    assert (answer.status_code, answer.json()["code"], body.consumed) == (413, "too_large", 0)


def test_an_empty_file_is_taken_where_everything_is(client: Client, largefiles: Largefiles) -> None:
    largefiles.set(ALLOWED_MIME_TYPES=["*/*"], EXTENSION_MUST_MATCH=False, DISPATCHER=IMMEDIATE)
    asset = post(client, file(b"") + END).json()
    assert (asset["state"], asset["size"]) == ("ready", 0)
    answer = client.get(f"{LIST}{asset['id']}/download/")
    assert b"".join(answer.streaming_content) == b""
    answer.close()


def test_an_anonymous_user_is_refused_before_the_file_is_stored(stored: Stored) -> None:
    body = CountingBody(file(PICTURE + bytes(500_000)) + END)
    answer = Client().generic("POST", LIST, **post_arguments(body))
    assert (answer.status_code, answer.json()["code"]) == (403, "not_authenticated")
    assert body.consumed == FIRST_READ
    assert stored() == []


def test_basic_authentication_is_asked_for(settings: Any) -> None:
    from rest_framework.authentication import BasicAuthentication

    from django_largefiles.api.views import AssetViewSet

    before = AssetViewSet.authentication_classes
    AssetViewSet.authentication_classes = [BasicAuthentication]
    try:
        answer = Client().generic("POST", LIST, **post_arguments(CountingBody(file(PICTURE) + END)))
    finally:
        AssetViewSet.authentication_classes = before
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Basic realm="api"')


class TestCsrf:
    @pytest.fixture
    def client(self, owner: User) -> Client:
        client = Client(enforce_csrf_checks=True)
        client.force_login(owner)
        client.cookies["csrftoken"] = "t" * 32
        return client

    def test_the_header_lets_the_body_in(self, client: Client) -> None:
        assert post(client, file(PICTURE) + END, HTTP_X_CSRFTOKEN="t" * 32).status_code == 201

    def test_without_it_not_a_byte_is_read(self, client: Client) -> None:
        body = CountingBody(field("csrfmiddlewaretoken", "t" * 32) + file(PICTURE) + END)
        answer = client.generic("POST", LIST, **post_arguments(body))
        assert (answer.status_code, body.consumed) == (403, 0)


class TestAnothersAsset:
    @pytest.fixture
    def theirs(self, client: Client, stranger: User) -> FileAsset:
        return ingest(BytesIO(PICTURE), name="theirs.png", owner=stranger)

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("get", ""),
            ("head", ""),
            ("delete", ""),
            ("get", "status/"),
            ("get", "download/"),
            ("post", "reprocess/"),
        ],
    )
    def test_it_is_not_there(self, method: str, path: str, client: Client, theirs: FileAsset) -> None:
        for pk in (theirs.pk, uuid4()):
            assert getattr(client, method)(f"{LIST}{pk}/{path}").status_code == 404
        assert FileAsset.objects.filter(pk=theirs.pk).exists()

    def test_it_is_not_listed(self, client: Client, theirs: FileAsset) -> None:
        assert client.get(LIST).json()["results"] == []

    def test_staff_see_it(self, client: Client, theirs: FileAsset, staff: User) -> None:
        client.force_login(staff)
        assert client.get(f"{LIST}{theirs.pk}/").status_code == 200


def test_the_list_is_paged_newest_first(client: Client, owner: User) -> None:
    made = [
        FileAsset.objects.create(original_name=f"{n}.png", size=1, state=State.READY, owner=owner) for n in range(5)
    ]
    first = client.get(f"{LIST}?page_size=3").json()
    second = client.get(first["next"]).json()
    assert [asset["name"] for asset in first["results"] + second["results"]] == [
        asset.original_name for asset in reversed(made)
    ]
    assert second["next"] is None


def cursor(position: str) -> str:
    """A cursor as REST framework writes it."""
    return base64.b64encode(urlencode({"p": position}).encode()).decode()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("garbage", id="no-base64"),
        pytest.param(cursor("garbage"), id="no-time"),
        pytest.param(cursor(""), id="empty"),
        pytest.param(cursor("\0"), id="nul"),
        pytest.param(cursor("2026-01-01 \0"), id="nul-for-the-time"),
        pytest.param(cursor("2026-01-01 00:00:00+99:99"), id="bad-zone"),
        pytest.param(cursor("2026-01-01 00:00:00"), id="no-zone"),
        pytest.param(cursor("2026-13-01 00:00:00+00:00"), id="bad-month"),
        pytest.param(cursor("0001-01-01 00:00:00+14:00"), id="before-the-first-year"),
        pytest.param(cursor("9999-12-31 23:59:59-12:00"), id="after-the-last-year"),
        pytest.param("\udc80".encode("utf-8", "surrogatepass"), id="surrogate"),
    ],
)
def test_a_cursor_that_no_page_gave_is_not_found(text: str, client: Client, ready: FileAsset) -> None:
    answer = client.get(LIST, {"cursor": text})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_the_pages_of_a_site_without_time_zones(client: Client, owner: User, settings: Settings) -> None:
    settings.USE_TZ = False
    for n in range(3):
        FileAsset.objects.create(original_name=f"{n}.png", size=1, state=State.READY, owner=owner)
    first = client.get(f"{LIST}?page_size=2").json()
    assert [asset["name"] for asset in client.get(first["next"]).json()["results"]] == ["0.png"]
    assert client.get(LIST, {"cursor": cursor("2026-01-01 00:00:00+00:00")}).status_code == 404


def test_the_list_costs_the_same_however_many_there_are(
    client: Client, owner: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(10):
        begin(Declaration(name="a.png", owner=owner))._appender.close()
    # Two of them read the permissions of the user.
    with django_assert_max_num_queries(5):
        assert len(client.get(LIST).json()["results"]) == 10


def test_an_arriving_file_tells_how_much_is_there(client: Client, owner: User) -> None:
    with begin(Declaration(name="a.png", owner=owner, length=100)) as writer:
        status = client.get(f"{LIST}{writer.asset_id}/status/").json()
    assert (status["state"], status["received"], status["size"]) == ("receiving", 0, 100)


def test_a_file_is_deleted_with_its_bytes(client: Client, ready: FileAsset, stored: Stored) -> None:
    assert client.delete(f"{LIST}{ready.pk}/").status_code == 204
    assert client.get(f"{LIST}{ready.pk}/").status_code == 404
    assert stored() == []


@pytest.mark.parametrize("accept", ["image/png", "image/*", "text/html", "application/json", "nonsense", ""])
def test_a_download_is_served_whatever_media_type_is_accepted(accept: str, client: Client, ready: FileAsset) -> None:
    served = client.get(f"{LIST}{ready.pk}/download/", headers={"Accept": accept})
    assert (served.status_code, served["Content-Type"]) == (200, "image/png")
    assert b"".join(served.streaming_content) == png()
    served.close()


def test_a_download_that_is_refused_is_told_why_whatever_is_accepted(client: Client, received: FileAsset) -> None:
    answer = client.get(f"{LIST}{received.pk}/download/", headers={"Accept": "image/png"})
    assert (answer.status_code, answer["Content-Type"]) == (409, "application/problem+json")


def test_a_file_that_is_not_ready_is_not_served(client: Client, received: FileAsset) -> None:
    answer = client.get(f"{LIST}{received.pk}/download/")
    assert (answer.status_code, answer.json()["code"], answer.json()["value"]) == (409, "not_ready", "received")


def test_a_ready_file_is_processed_again(client: Client, ready: FileAsset) -> None:
    answer = client.post(f"{LIST}{ready.pk}/reprocess/")
    assert (answer.status_code, answer.json()["state"]) == (202, "received")


def test_a_file_in_quarantine_is_scanned_again_and_never_served(
    client: Client, received: FileAsset, largefiles: Largefiles
) -> None:
    scanner = {"BACKEND": "django_largefiles.testing.scanners.FakeScanner"}
    largefiles.set(SCANNERS=[{**scanner, "OPTIONS": {"max_size": 1}}])
    process(received.pk)
    answer = client.get(f"{LIST}{received.pk}/").json()
    assert (answer["state"], answer["reason"], answer["scan_verdict"]) == ("rejected", "unscannable", "unscannable")
    assert client.get(f"{LIST}{received.pk}/download/").status_code == 409
    largefiles.set(SCANNERS=[scanner])
    assert client.post(f"{LIST}{received.pk}/reprocess/").json()["scan_verdict"] == ""
    process(received.pk)
    assert client.get(f"{LIST}{received.pk}/status/").json()["scan_verdict"] == "clean"
    served = client.get(f"{LIST}{received.pk}/download/")
    assert b"".join(served.streaming_content) == png()
    served.close()


def test_a_blocked_file_is_not_processed_again(client: Client, ready: FileAsset) -> None:
    lifecycle.block(ready.pk)
    answer = client.post(f"{LIST}{ready.pk}/reprocess/")
    assert (answer.status_code, answer.json()["code"]) == (409, "state_conflict")


@pytest.mark.parametrize(("method", "path"), [("delete", ""), ("get", "download/"), ("post", "reprocess/")])
def test_the_policy_may_let_one_look_and_no_more(
    method: str, path: str, client: Client, ready: FileAsset, largefiles: Largefiles
) -> None:
    largefiles.set(ACCESS_POLICY="tests.policies.LookButDoNotTouch")
    answer = getattr(client, method)(f"{LIST}{ready.pk}/{path}")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")


@pytest.mark.parametrize("path", ["not-a-uuid/", "%00/", "../", "0/"])
def test_an_id_that_is_none_is_not_found(path: str, client: Client) -> None:
    assert client.get(LIST + path).status_code == 404


@pytest.mark.parametrize("path", ["assets/not-a-uuid/", "assets/%0A/", "assets/0/status/", "direct-uploads/a/b/"])
@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_clients_can_read_that_an_id_is_none(method: str, path: str, client: Client) -> None:
    answer = getattr(client, method)(f"/api/{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_slash_that_is_missing_is_still_added(client: Client, ready: FileAsset, settings: Settings) -> None:
    settings.MIDDLEWARE = ["django.middleware.common.CommonMiddleware", *settings.MIDDLEWARE]
    url = f"{LIST}{ready.pk}"
    assert client.get(url)["Location"] == f"{url}/"


def test_a_hostile_name_survives_the_round_trip(client: Client) -> None:
    answer = client.post(LIST, {"file": SimpleUploadedFile("x\u202e<script>.png", PICTURE, "image/png")})
    assert answer.status_code == 201
    assert client.get(answer["Location"]).json()["name"] == answer.json()["name"]


def test_uploads_hold_no_transaction(client: Client, settings: Any) -> None:
    from django.urls import resolve

    assert resolve(LIST).func._non_atomic_requests == {"default"}  # type: ignore[attr-defined]
