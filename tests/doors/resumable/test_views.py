"""Which protocol a request is of, and what the two have in common."""

from __future__ import annotations

from contextlib import closing
from uuid import UUID

import pytest
from django.test import Client
from django.urls import resolve
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from django_largefiles.models import FileAsset
from tests.conftest import Largefiles
from tests.doors.resumable.tus_client import COLLECTION, PICTURE, SIZE, Tus, needs_framework, problem, upload_at

pytestmark = pytest.mark.django_db(transaction=True)


def test_tus_is_chosen_by_its_version(tus: Tus) -> None:
    answer = tus.head(tus.create())
    assert ("Tus-Resumable" in answer, "Upload-Complete" in answer) == (True, False)


@pytest.mark.parametrize("headers", [{}, {"upload_draft_interop_version": "8"}], ids=["nothing", "version"])
def test_the_offset_may_be_asked_for_without_a_version_of_tus(headers: dict[str, str], tus: Tus) -> None:
    answer = tus.head(tus.create(), tus_resumable=None, **headers)
    assert (answer["Upload-Offset"], answer["Upload-Complete"], "Tus-Resumable" in answer) == ("0", "?0", False)


def test_an_upload_may_be_cancelled_without_a_version_of_tus(tus: Tus) -> None:
    assert tus.delete(tus.create(), tus_resumable=None).status_code == 204
    assert not FileAsset.objects.exists()


@pytest.mark.parametrize("version", ["1.0.0", None], ids=["tus", "ietf"])
def test_a_download_looks_the_asset_up_once(
    version: str | None, tus: Tus, ready: FileAsset, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    # The session, its user, and the asset.
    with django_assert_num_queries(3):
        answer = tus.request("GET", f"{COLLECTION}{ready.pk}/", tus_resumable=version)
        assert len(b"".join(answer)) == ready.size


def test_the_draft_is_chosen_by_its_headers(tus: Tus) -> None:
    headers = {"tus_resumable": None, "upload_complete": "?1", "content_type": "image/png"}
    answer = tus.post(PICTURE, **headers)
    assert (answer["Upload-Complete"], "Tus-Resumable" in answer) == ("?1", False)


def test_a_refusal_of_the_draft_s_is_one(tus: Tus) -> None:
    url = tus.create()
    headers = {"tus_resumable": None, "upload_complete": "?0", "content_type": "application/partial-upload"}
    answer = tus.patch(url, 5, PICTURE[5:10], **headers)
    assert (answer.status_code, answer["Content-Type"]) == (409, "application/problem+json")
    details = answer.json()
    assert (details["code"], details["expected-offset"], details["provided-offset"]) == ("offset_mismatch", 0, 5)
    assert upload_at(url).offset == 0


@needs_framework
def test_whoever_could_log_in_is_asked_to(client: Client, largefiles: Largefiles, settings: Settings) -> None:
    largefiles.set(AUTHENTICATOR="django_largefiles.api.authentication.FrameworkAuthenticator")
    basic = "rest_framework.authentication.BasicAuthentication"
    settings.REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": [basic]}
    answer = Tus(client).post(upload_length=str(SIZE))
    assert problem(answer) == (401, "not_authenticated")
    assert answer["WWW-Authenticate"] == 'Basic realm="api"'


def test_whoever_is_logged_in_is_not_asked_again(tus: Tus, largefiles: Largefiles, settings: Settings) -> None:
    largefiles.set(ACCESS_POLICY="tests.doors.resumable.tus_client.NoMoreUploads")
    answer = tus.post(upload_length=str(SIZE))
    assert problem(answer) == (403, "not_permitted")
    assert "WWW-Authenticate" not in answer


@pytest.mark.parametrize("path", ["x", "x/", f"{UUID(int=7)}/x", "a//b", "..%2f", f"{UUID(int=7)}//"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PATCH", "DELETE", "PUT"])
def test_a_path_of_no_upload_is_answered_as_that_of_an_unknown_one(
    method: str, path: str, tus: Tus, largefiles: Largefiles
) -> None:
    largefiles.set(CORS_ALLOWED_ORIGINS=["https://app.example"])
    answer = tus.request(method, f"{COLLECTION}{path}", origin="https://app.example")
    assert (answer.status_code, answer["Tus-Resumable"], answer["Cache-Control"]) == (404, "1.0.0", "no-store")
    assert answer["Access-Control-Allow-Origin"] == "https://app.example"
    assert answer["Content-Type"] == "application/problem+json"


def test_a_path_of_no_upload_is_answered_in_the_words_of_the_draft_too(tus: Tus) -> None:
    answer = tus.request("GET", f"{COLLECTION}x", tus_resumable=None)
    assert (answer.status_code, answer["Upload-Complete"], answer.json()["code"]) == (404, "?0", "not_found")


def test_a_preflight_succeeds_at_a_path_of_no_upload(tus: Tus, largefiles: Largefiles) -> None:
    largefiles.set(CORS_ALLOWED_ORIGINS=["https://app.example"])
    answer = tus.request("OPTIONS", f"{COLLECTION}x", origin="https://app.example")
    assert (answer.status_code, "PATCH" in answer["Access-Control-Allow-Methods"]) == (200, True)


def test_options_tell_both_protocols(tus: Tus) -> None:
    answer = tus.request("OPTIONS", COLLECTION)
    assert answer["Accept-Patch"] == "application/offset+octet-stream, application/partial-upload"
    assert answer["Upload-Limit"].split(", ")[0] == f"max-size={answer['Tus-Max-Size']}"


def test_the_routes_may_be_included_under_a_variable_prefix(tus: Tus, settings: Settings, ready: FileAsset) -> None:
    link = resolve(ready.signed_url()).kwargs["token"]
    settings.ROOT_URLCONF = "tests.prefixed_urls"
    created = tus.post(PICTURE, url="/acme/files/uploads/", upload_length=str(SIZE))
    pk = FileAsset.objects.exclude(pk=ready.pk).get().pk
    assert (created.status_code, created["Location"]) == (201, f"http://testserver/acme/files/uploads/{pk}")
    assert tus.head(created["Location"])["Upload-Offset"] == str(SIZE)
    assert problem(tus.delete("/acme/files/uploads/none")) == (404, "not_found")
    for path in (f"assets/{ready.pk}/download/", f"links/{link}/"):
        with closing(tus.client.get(f"/acme/files/{path}")) as answer:
            assert (answer.status_code, len(b"".join(answer))) == (200, ready.size)
    assert tus.client.get(f"/acme/files/events/?asset={ready.pk}", HTTP_ACCEPT="application/json").json()["settled"]
