from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from io import UnsupportedOperation
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse, UnreadablePostError
from django.test import Client, RequestFactory

from django_largefiles.decorators import UploadedAsset, receive_files
from django_largefiles.doors.body import FIRST_READ
from django_largefiles.intake.creation import Declaration, begin_trusted
from django_largefiles.models import FileAsset
from django_largefiles.options import KIB, MIB
from django_largefiles.states import State
from tests.conftest import EXECUTABLE, Largefiles, png
from tests.databases import full
from tests.multipart import BOUNDARY, CONTENT_TYPE, END, CountingBody, field, file, post_arguments

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.doors.views")]

Stored = Callable[[], list[str]]
PICTURE = png(padding=3 * MIB)


@pytest.fixture
def client(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


def post(client: Client, url: str, body: bytes, **environ: Any) -> Any:
    return client.generic("POST", url, **{**post_arguments(CountingBody(body)), **environ})


def test_a_file_becomes_an_asset(client: Client, owner: User, stored: Stored) -> None:
    answer = post(client, "/accept/", field("note", "hello") + file(PICTURE) + field("more", "yes") + END).json()
    asset = FileAsset.objects.get()
    assert answer == {"ids": [str(asset.pk)], "fields": {"note": "hello", "more": "yes"}}
    assert (asset.state, asset.owner, asset.original_name) == (State.RECEIVED, owner, "picture.png")
    assert (asset.size, asset.sha256) == (len(PICTURE), hashlib.sha256(PICTURE).hexdigest())
    assert stored() == [asset.file.name]


def test_a_full_database_is_told_as_a_full_disk(client: Client, stored: Stored) -> None:
    with full("INSERT"):
        answer = post(client, "/accept/", file(PICTURE) + END)
    assert (answer.status_code, answer.json()["code"]) == (507, "store_full")
    assert stored() == []


def test_a_form_that_cannot_fit_is_refused_before_its_file(client: Client, largefiles: Largefiles) -> None:
    largefiles.set(RESERVED_BYTES=2**62)
    answer = post(client, "/accept/", file(PICTURE) + END)
    assert (answer.status_code, answer.json()["code"]) == (507, "store_full")


def test_a_form_without_a_file_is_a_form(client: Client) -> None:
    assert post(client, "/accept/", field("note", "hello") + END).json() == {"ids": [], "fields": {"note": "hello"}}


def test_a_file_input_that_was_left_empty_is_no_file(client: Client) -> None:
    assert post(client, "/accept/", file(b"", filename="") + END).json()["ids"] == []


def test_a_file_of_a_few_bytes_is_judged_too(client: Client, stored: Stored) -> None:
    assert post(client, "/accept/", file(EXECUTABLE[:100]) + END).json()["code"] == "type_not_allowed"
    assert stored() == []


def test_base64_parts_are_decoded(client: Client) -> None:
    encoded = base64.encodebytes(png())
    part = file(encoded, headers=["Content-Transfer-Encoding: base64"])
    post(client, "/accept/", part + END)
    assert FileAsset.objects.get().sha256 == hashlib.sha256(png()).hexdigest()


@pytest.mark.parametrize("filename", ["..", ".", "../../..", "\x00", "&#47;"])
def test_a_file_with_a_name_that_is_none_gets_one(filename: str, client: Client) -> None:
    post(client, "/accept/", file(png(), filename=filename) + END)
    assert FileAsset.objects.get().original_name == "unnamed"


def test_the_profile_is_the_view_s(client: Client, largefiles: Largefiles) -> None:
    largefiles.set(PROFILES={"videos": {"MAX_UPLOAD_SIZE": 100, "ALLOWED_MIME_TYPES": ["*/*"]}})
    assert post(client, "/videos/", file(png()) + END).json() == {"profile": "videos"}


def test_as_many_files_as_the_view_takes(client: Client) -> None:
    answer = post(client, "/accept-two/", file(png()) + file(png(4, 4)) + END)
    assert answer.json() == {"states": ["received", "received"]}


def test_a_file_that_the_view_does_not_accept_is_discarded(client: Client, stored: Stored) -> None:
    assert post(client, "/ignore/", file(PICTURE) + END).content == b"ignored 1"
    assert not FileAsset.objects.exists()
    assert stored() == []


def test_a_view_that_crashes_leaves_no_file(client: Client, stored: Stored) -> None:
    client.raise_request_exception = False
    assert post(client, "/crash/", file(PICTURE) + END).status_code == 500
    assert not FileAsset.objects.exists()
    assert stored() == []


OTHER_BOUNDARY = CONTENT_TYPE.replace(BOUNDARY, "other")
BODY = file(PICTURE) + END


@pytest.mark.parametrize(
    ("body", "environ", "status", "code"),
    [
        (file(EXECUTABLE) + END, {}, 415, "type_not_allowed"),
        (file(PICTURE, filename="picture.pdf") + END, {}, 415, "type_mismatch"),
        (file(png()) + file(EXECUTABLE, filename="b.png") + END, {}, 400, "too_many_files"),
        (field("sha256", "0" * 64) + file(PICTURE) + END, {}, 422, "digest_mismatch"),
        (field("sha256", "nonsense") + file(PICTURE) + END, {}, 400, "malformed_request"),
        (BODY[:-2000], {"CONTENT_LENGTH": str(len(BODY))}, 400, "incomplete_body"),
        (BODY[:-2000], {}, 400, "incomplete_body"),
        (BODY[:-4], {"CONTENT_LENGTH": str(len(BODY))}, 400, "incomplete_body"),
        (BODY, {"CONTENT_LENGTH": ""}, 411, "length_required"),
        (BODY, {"CONTENT_LENGTH": "-1"}, 400, "malformed_request"),
        (BODY, {"CONTENT_LENGTH": "1e9"}, 400, "malformed_request"),
        (BODY, {"CONTENT_LENGTH": "9" * 5000}, 400, "malformed_request"),
        (BODY, {"CONTENT_TYPE": "multipart/form-data"}, 400, "malformed_request"),
        (BODY, {"CONTENT_TYPE": OTHER_BOUNDARY}, 400, "incomplete_body"),
        (field("x", "y") * 1200 + BODY, {}, 400, "malformed_request"),
        (field("x", "y" * 3 * MIB) + BODY, {}, 400, "malformed_request"),
        (
            file(base64.b64encode(PICTURE)[:-1], headers=["Content-Transfer-Encoding: base64"]) + END,
            {},
            400,
            "malformed_request",
        ),
    ],
    ids=[
        "executable",
        "extension",
        "two files for one",
        "digest",
        "digest that is none",
        "connection closed in the file",
        "no closing boundary",
        "connection closed in the closing boundary",
        "no length",
        "negative length",
        "length not an integer",
        "length without end",
        "no boundary",
        "another boundary",
        "too many fields",
        "a field too large",
        "bad base64",
    ],
)
def test_a_refused_form_leaves_nothing_behind(
    body: bytes, environ: dict[str, str], status: int, code: str | None, client: Client, stored: Stored
) -> None:
    answer = post(client, "/accept/", body, **environ)
    assert answer.status_code == status
    assert answer.json().get("code") == code
    assert not FileAsset.objects.exists()
    assert stored() == []


def test_two_files_under_one_name_are_both_judged(client: Client, stored: Stored) -> None:
    answer = post(client, "/accept-two/", file(png()) + file(EXECUTABLE) + END)
    assert answer.json()["code"] == "type_not_allowed"
    assert stored() == []


def test_hundreds_of_parts_are_refused_without_a_trace(client: Client, stored: Stored) -> None:
    answer = post(client, "/accept/", file(png()) * 500 + END)
    assert answer.status_code == 400
    assert stored() == []


def test_the_wrong_type_costs_one_short_read(client: Client) -> None:
    body = CountingBody(file(EXECUTABLE + bytes(8 * MIB)) + END)
    assert client.generic("POST", "/accept/", **post_arguments(body)).status_code == 415
    assert body.consumed == FIRST_READ


def test_a_body_over_the_limit_is_refused_from_its_headers(client: Client, largefiles: Largefiles) -> None:
    largefiles.set(MAX_UPLOAD_SIZE=1 * MIB)
    body = CountingBody(file(PICTURE) + END)
    answer = client.generic("POST", "/accept/", **post_arguments(body))
    assert answer.status_code == 413
    assert (answer.json()["code"], answer.json()["limit"], answer.json()["value"]) == ("too_large", MIB, body.length)
    assert body.consumed == 0


def test_a_file_over_the_limit_by_less_than_a_form_needs_is_refused_at_the_limit(
    client: Client, largefiles: Largefiles, stored: Stored
) -> None:
    largefiles.set(MAX_UPLOAD_SIZE=len(PICTURE) - 1)
    assert post(client, "/accept/", BODY).json()["code"] == "too_large"
    assert stored() == []


def test_a_part_that_lies_about_its_length_is_refused_at_the_limit(
    client: Client, largefiles: Largefiles, stored: Stored
) -> None:
    largefiles.set(MAX_UPLOAD_SIZE=len(PICTURE) - 1)
    answer = post(client, "/accept/", file(PICTURE, headers=["Content-Length: 10"]) + END)
    assert answer.json()["code"] == "too_large"
    assert stored() == []


def test_a_smaller_limit_of_the_view_s_profile_counts_from_the_first_read(
    client: Client, largefiles: Largefiles
) -> None:
    largefiles.set(PROFILES={"videos": {"MAX_UPLOAD_SIZE": KIB}})
    body = CountingBody(file(PICTURE) + END)
    assert client.generic("POST", "/videos/", **post_arguments(body)).status_code == 413
    assert body.consumed == FIRST_READ


def test_a_connection_that_breaks_is_an_incomplete_body(client: Client, stored: Stored) -> None:
    class Broken(CountingBody):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell():
                raise UnreadablePostError("reset by peer")
            return super().read(size)

    answer = client.generic("POST", "/accept/", **post_arguments(Broken(BODY)))
    assert (answer.status_code, answer.json()["code"]) == (400, "incomplete_body")
    assert stored() == []


def test_who_may_not_upload_is_refused_before_the_body(client: Client) -> None:
    client.logout()
    body = CountingBody(BODY)
    answer = client.generic("POST", "/accept/", **post_arguments(body))
    assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")
    assert body.consumed == 0


class TestCsrf:
    @pytest.fixture
    def client(self, owner: User) -> Client:
        client = Client(enforce_csrf_checks=True)
        client.force_login(owner)
        client.cookies["csrftoken"] = "t" * 32
        return client

    def test_a_token_in_the_header_lets_the_body_in(self, client: Client) -> None:
        assert post(client, "/accept/", BODY, HTTP_X_CSRFTOKEN="t" * 32).status_code == 200

    def test_a_wrong_token_in_the_header_stops_the_body(self, client: Client) -> None:
        body = CountingBody(BODY)
        answer = client.generic("POST", "/accept/", **post_arguments(body), HTTP_X_CSRFTOKEN="u" * 32)
        assert (answer.status_code, answer.json()["code"]) == (403, "csrf_failed")
        assert body.consumed == 0

    def test_a_token_in_a_field_before_the_file_lets_the_file_in(self, client: Client) -> None:
        assert post(client, "/accept/", field("csrfmiddlewaretoken", "t" * 32) + BODY).status_code == 200

    @pytest.mark.parametrize(
        "body",
        [
            BODY,
            field("csrfmiddlewaretoken", "u" * 32) + BODY,
            file(PICTURE) + field("csrfmiddlewaretoken", "t" * 32) + END,
        ],
        ids=["no token", "wrong token", "token after the file"],
    )
    def test_without_a_token_before_it_no_file_is_stored(self, body: bytes, client: Client, stored: Stored) -> None:
        sent = CountingBody(body)
        answer = client.generic("POST", "/accept/", **post_arguments(sent))
        assert (answer.status_code, answer.json()["code"]) == (403, "csrf_failed")
        assert sent.consumed == FIRST_READ
        assert stored() == []

    def test_a_form_without_a_file_needs_a_token_too(self, client: Client) -> None:
        assert post(client, "/accept/", field("a", "b") + END).status_code == 403

    def test_a_foreign_origin_is_refused(self, client: Client) -> None:
        answer = post(client, "/accept/", BODY, HTTP_X_CSRFTOKEN="t" * 32, HTTP_ORIGIN="https://evil.example")
        assert answer.json()["code"] == "csrf_failed"


def test_a_get_is_the_view_s_own(client: Client) -> None:
    assert client.get("/ignore/").content == b"ignored 0"


@pytest.mark.parametrize(
    ("content", "status", "told"),
    [(PICTURE, 200, "received"), (EXECUTABLE, 415, "type_not_allowed")],
    ids=["accepted", "refused"],
)
def test_a_view_may_be_asynchronous(content: bytes, status: int, told: str, client: Client, stored: Stored) -> None:
    answer = post(client, "/asynchronous/", file(content) + END)
    assert answer.status_code == status
    assert told in answer.json().values()
    assert len(stored()) == (status == 200)


def test_a_middleware_that_has_read_the_form_is_named(owner: User) -> None:
    request = RequestFactory().post("/", {"a": "b"})
    request.user = owner
    assert request.POST
    with pytest.raises(ImproperlyConfigured, match="middleware"):
        receive_files()(lambda request: HttpResponse())(request)


def test_after_a_refusal_the_form_is_empty(owner: User, largefiles: Largefiles) -> None:
    largefiles.set(MAX_UPLOAD_SIZE=10)
    request = RequestFactory().generic("POST", "/", **post_arguments(CountingBody(BODY)))
    request.user = owner
    assert receive_files()(lambda request: HttpResponse())(request).status_code == 413
    assert not request.POST


@pytest.mark.parametrize("method", ["read", "chunks", "open"])
def test_an_uploaded_asset_says_where_its_bytes_are(method: str) -> None:
    with begin_trusted(Declaration(name="a.png")) as writer:
        declared = {"name": "a.png", "field_name": "file", "content_type": "image/png"}
        uploaded = UploadedAsset(writer, reception=SimpleNamespace(refused=None), **declared)
        with pytest.raises(UnsupportedOperation, match="accept"):
            getattr(uploaded, method)()
