"""No answer without content says how long that is, though ``CommonMiddleware`` tells it of every answer."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django.fixtures import Settings

from django_largefiles.models import FileAsset
from tests.doors.resumable.tus_client import COLLECTION, PICTURE, Tus

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def common(settings: Settings) -> None:
    settings.MIDDLEWARE = ["django.middleware.common.CommonMiddleware", *settings.MIDDLEWARE]


def tus_patch(tus: Tus, url: str) -> Any:
    return tus.patch(url, 4000, PICTURE[4000:5000])


def draft_patch(tus: Tus, url: str) -> Any:
    headers = {"tus_resumable": None, "upload_complete": "?0", "content_type": "application/partial-upload"}
    return tus.patch(url, 4000, PICTURE[4000:5000], **headers)


def draft_head(tus: Tus, url: str) -> Any:
    return tus.head(url, tus_resumable=None)


def tus_delete(tus: Tus, url: str) -> Any:
    return tus.delete(url)


def draft_delete(tus: Tus, url: str) -> Any:
    return tus.delete(url, tus_resumable=None)


@pytest.mark.parametrize("ask", [tus_patch, draft_patch, draft_head, tus_delete, draft_delete])
def test_an_answer_without_content_has_no_length(ask: Any, tus: Tus, url: str) -> None:
    answer = ask(tus, url)
    assert (answer.status_code, "Content-Length" in answer, "Content-Type" in answer) == (204, False, False)


def test_a_download_that_has_not_changed_has_no_length(tus: Tus, ready: FileAsset) -> None:
    url = f"{COLLECTION}{ready.pk}/"
    answer = tus.request("GET", url, if_none_match=f'"{ready.sha256}"')
    assert (answer.status_code, "Content-Length" in answer) == (304, False)
