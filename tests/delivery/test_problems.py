from __future__ import annotations

import json
import logging

import pytest
from django.test import Client
from django.utils import translation
from pytest_django.fixtures import Settings

from django_largefiles.delivery.problems import problem_details, problem_response
from django_largefiles.exceptions import AssetNotFound, NotReady, StoreFull, StoreUnavailable, TooLarge, UploadGone
from django_largefiles.states import State


def test_the_members_are_those_of_rfc_9457_and_ours() -> None:
    assert problem_details(AssetNotFound("there is no such file", value="7")) == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "there is no such file",
        "code": "not_found",
        "limit": None,
        "value": "7",
        "words": "The uploaded file is not there any more. Choose it again.",
    }


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        pytest.param(TooLarge("too large", limit=5, value=9), 413, "too_large", id="refusal"),
        pytest.param(UploadGone("gone"), 410, "upload_gone", id="refusal without numbers"),
        pytest.param(StoreUnavailable("no answer"), 503, "store_unavailable", id="store unavailable"),
        pytest.param(StoreFull("full"), 507, "store_full", id="store full"),
    ],
)
def test_the_response_has_the_status_and_says_it_again(
    error: TooLarge | UploadGone | StoreUnavailable | StoreFull, status: int, code: str
) -> None:
    response = problem_response(error)
    body = json.loads(response.content)
    assert (response.status_code, body["status"], body["code"]) == (status, status, code)
    assert (body["limit"], body["value"]) == (error.limit, error.value)


def test_the_response_is_of_the_registered_media_type() -> None:
    assert problem_response(UploadGone("gone"))["Content-Type"] == "application/problem+json"


WORDS = {
    "en": "The uploaded file is not there any more. Choose it again.",
    "de": "Die hochgeladene Datei ist nicht mehr da. Wählen Sie sie noch einmal aus.",
}


@pytest.mark.parametrize(
    ("language", "detail", "words"),
    [
        pytest.param("en", "there is no such file", WORDS["en"], id="English"),
        pytest.param("de-AT", WORDS["de"], WORDS["de"], id="translated"),
        pytest.param("nl", "there is no such file", WORDS["en"], id="not translated"),
    ],
)
def test_detail_and_words_follow_the_language(
    language: str, detail: str, words: str, client: Client, settings: Settings
) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.locale.LocaleMiddleware"]
    # Afterwards the thread has the language of before.
    with translation.override("en"):
        problem = client.get("/files/uploads/none", headers={"Accept-Language": language}).json()
    assert (problem.pop("detail"), problem.pop("words")) == (detail, words)
    assert problem == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "code": "not_found",
        "limit": None,
        "value": "none",
    }


def test_a_state_is_told_as_its_value() -> None:
    response = problem_response(NotReady("not ready", limit=State.READY, value=State.FAILED))
    body = json.loads(response.content)
    assert (body["limit"], body["value"]) == ("ready", "failed")


def test_a_failing_storage_is_logged_with_its_cause(caplog: pytest.LogCaptureFixture) -> None:
    error = StoreUnavailable("the storage does not answer")
    problem_response(error)
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("django_largefiles.delivery.problems", logging.ERROR)
    assert record.getMessage() == "The storage failed: the storage does not answer"
    assert record.exc_info is not None
    assert record.exc_info[1] is error


def test_a_refusal_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    problem_response(TooLarge("too large"))
    assert not caplog.records
