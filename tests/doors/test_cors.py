from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.test import Client

from django_largefiles.doors.cors import add_cors_headers
from django_largefiles.models import FileAsset
from tests.conftest import Largefiles, png
from tests.doors.resumable.ietf_client import UPLOADS, append, begun, cancel, create, send

pytestmark = pytest.mark.django_db(transaction=True)

SITE = "https://app.example"
OTHER = "https://evil.example"
PICTURE = png(padding=5000)

REQUESTED = [
    "authorization",
    "content-digest",
    "content-disposition",
    "content-type",
    "if-range",
    "range",
    "repr-digest",
    "tus-resumable",
    "upload-checksum",
    "upload-complete",
    "upload-concat",
    "upload-defer-length",
    "upload-draft-interop-version",
    "upload-length",
    "upload-metadata",
    "upload-offset",
    "want-content-digest",
    "want-repr-digest",
    "x-csrftoken",
    "x-http-method-override",
    "x-request-id",
    "x-requested-with",
]
"""Those of tus, of the draft, of ranges and of Django that a page may not send unasked."""

ANSWERED = [
    "Content-Digest",
    "Content-Disposition",
    "Content-Range",
    "ETag",
    "Largefiles-Token",
    "Location",
    "Repr-Digest",
    "Tus-Checksum-Algorithm",
    "Tus-Extension",
    "Tus-Max-Size",
    "Tus-Resumable",
    "Tus-Version",
    "Upload-Complete",
    "Upload-Concat",
    "Upload-Defer-Length",
    "Upload-Expires",
    "Upload-Length",
    "Upload-Limit",
    "Upload-Metadata",
    "Upload-Offset",
]
"""Those of tus, of the draft, of a download and of an upload for a form, which a page may not read unasked."""


@pytest.fixture
def client(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


def cors(answer: Any) -> dict[str, str]:
    """The fields of the CORS protocol in an answer."""
    return {name: value for name, value in answer.items() if name.startswith("Access-Control-")}


def names(field: str) -> list[str]:
    return [name.strip() for name in field.split(",")]


def preflight(client: Client, origin: str, method: str = "PATCH", url: str = UPLOADS) -> Any:
    return send(client, "OPTIONS", url, origin=origin, access_control_request_method=method)


@pytest.mark.parametrize("header", REQUESTED)
def test_a_page_of_an_allowed_origin_may_send(header: str, client: Client, largefiles: Largefiles) -> None:
    largefiles.set(CORS_ALLOWED_ORIGINS=[SITE])
    assert header in names(preflight(client, SITE)["Access-Control-Allow-Headers"].lower())


@pytest.mark.parametrize("method", ["OPTIONS", "POST", "HEAD", "PATCH", "DELETE", "GET"])
def test_a_page_of_an_allowed_origin_may_use(method: str, client: Client, largefiles: Largefiles) -> None:
    largefiles.set(CORS_ALLOWED_ORIGINS=[SITE])
    answer = preflight(client, SITE, method)
    assert answer.status_code == 200
    assert method in names(answer["Access-Control-Allow-Methods"])


def test_a_preflight_is_kept_for_a_day(client: Client, largefiles: Largefiles) -> None:
    largefiles.set(CORS_ALLOWED_ORIGINS=[SITE])
    assert preflight(client, SITE)["Access-Control-Max-Age"] == "86400"


def test_a_preflight_carries_no_credentials_and_needs_none(client: Client, largefiles: Largefiles) -> None:
    largefiles.set(CORS_ALLOWED_ORIGINS=[SITE])
    url = begun(client)
    client.logout()
    assert preflight(client, SITE, url=url)["Access-Control-Allow-Origin"] == SITE


@pytest.mark.parametrize("header", ANSWERED)
def test_a_page_of_an_allowed_origin_may_read(header: str, client: Client, largefiles: Largefiles) -> None:
    largefiles.set(CORS_ALLOWED_ORIGINS=[SITE])
    answer = create(client, PICTURE, origin=SITE)
    assert header in names(answer["Access-Control-Expose-Headers"])


def test_an_actual_answer_says_nothing_of_methods(client: Client, largefiles: Largefiles) -> None:
    largefiles.set(CORS_ALLOWED_ORIGINS=[SITE])
    assert set(cors(create(client, PICTURE, origin=SITE))) == {
        "Access-Control-Allow-Origin",
        "Access-Control-Allow-Credentials",
        "Access-Control-Expose-Headers",
    }


@pytest.mark.parametrize(
    ("allowed", "origin", "answered", "credentials"),
    [
        ([SITE], SITE, SITE, "true"),
        ([SITE, OTHER], OTHER, OTHER, "true"),
        (["http://localhost:5173"], "http://localhost:5173", "http://localhost:5173", "true"),
        (["*"], SITE, "*", None),
        (["*"], "null", "*", None),
        ([SITE, "*"], SITE, SITE, "true"),
        ([SITE, "*"], OTHER, "*", None),
    ],
    ids=["named", "one of two", "with a port", "any", "any, opaque", "named beside any", "any beside a named"],
)
@pytest.mark.parametrize("method", ["OPTIONS", "HEAD"])
def test_credentials_are_for_named_origins_alone(
    method: str,
    allowed: list[str],
    origin: str,
    answered: str,
    credentials: str | None,
    client: Client,
    largefiles: Largefiles,
) -> None:
    largefiles.set(CORS_ALLOWED_ORIGINS=allowed)
    answer = send(client, method, begun(client), origin=origin)
    assert answer["Access-Control-Allow-Origin"] == answered
    assert answer.get("Access-Control-Allow-Credentials") == credentials


@pytest.mark.parametrize(
    "origin",
    [
        OTHER,
        "null",
        "http://app.example",
        "https://app.example:8443",
        "https://app.example.evil.example",
        "https://APP.example",
        "*",
        "",
        None,
    ],
    ids=["another", "opaque", "scheme", "port", "longer", "case", "asterisk", "empty", "none"],
)
@pytest.mark.parametrize("method", ["OPTIONS", "HEAD"])
def test_any_other_origin_gets_nothing(
    method: str, origin: str | None, client: Client, largefiles: Largefiles
) -> None:
    largefiles.set(CORS_ALLOWED_ORIGINS=[SITE])
    assert cors(send(client, method, begun(client), origin=origin)) == {}


def test_without_the_setting_no_origin_is_allowed(client: Client) -> None:
    answer = preflight(client, SITE)
    assert cors(answer) == {}
    assert "Origin" not in answer.get("Vary", "")


@pytest.mark.parametrize("origin", [SITE, OTHER, None], ids=["allowed", "another", "none"])
def test_caches_are_told_that_the_origin_matters(origin: str | None, client: Client, largefiles: Largefiles) -> None:
    largefiles.set(CORS_ALLOWED_ORIGINS=[SITE])
    assert "Origin" in names(send(client, "HEAD", begun(client), origin=origin)["Vary"])


def test_what_else_matters_to_caches_is_kept(largefiles: Largefiles) -> None:
    largefiles.set(CORS_ALLOWED_ORIGINS=[SITE])
    response = HttpResponse(headers={"Vary": "Cookie"})
    add_cors_headers(HttpRequest(), response)
    assert names(response["Vary"]) == ["Cookie", "Origin"]


@pytest.mark.parametrize(("tus", "status"), [(None, 409), ("1.0.0", 415)], ids=["draft", "tus"])
def test_a_page_may_read_why_it_was_refused(
    tus: str | None, status: int, client: Client, largefiles: Largefiles
) -> None:
    largefiles.set(CORS_ALLOWED_ORIGINS=[SITE])
    answer = append(client, begun(client), PICTURE, at=7, origin=SITE, tus_resumable=tus)
    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (status, SITE)
    assert "Upload-Offset" in names(answer["Access-Control-Expose-Headers"])


def test_a_page_may_read_that_the_user_is_anonymous(client: Client, largefiles: Largefiles) -> None:
    largefiles.set(CORS_ALLOWED_ORIGINS=[SITE])
    client.logout()
    answer = create(client, PICTURE, origin=SITE)
    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (403, SITE)


def test_an_origin_that_is_allowed_to_read_is_not_thereby_trusted(owner: User, largefiles: Largefiles) -> None:
    largefiles.set(CORS_ALLOWED_ORIGINS=[SITE])
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    client.cookies["csrftoken"] = "t" * 32
    answer = create(client, PICTURE, origin=SITE, x_csrftoken="t" * 32)
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf_failed")
    assert not FileAsset.objects.exists()


def test_a_whole_upload_from_another_site(client: Client, largefiles: Largefiles) -> None:
    largefiles.set(CORS_ALLOWED_ORIGINS=[SITE])
    url = create(client, origin=SITE, upload_complete="?0")["Location"]
    answers = [append(client, url, PICTURE, origin=SITE), cancel(client, url)]
    assert [answer.status_code for answer in answers] == [201, 204]
