"""A form that a browser submits is shown again when its file is refused, and read no further."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.test import Client, RequestFactory

from django_largefiles.delivery.pages import prefers_html
from django_largefiles.doors.body import FIRST_READ
from django_largefiles.doors.form_files import RefusedFile, refused_file
from django_largefiles.doors.multipart import FIELDS_BEFORE_FILES
from django_largefiles.exceptions import StoreUnavailable, TypeNotAllowed
from django_largefiles.models import FileAsset
from django_largefiles.options import MIB
from django_largefiles.stores.filesystem import FilesystemStore
from tests.conftest import EXECUTABLE, Largefiles, png
from tests.databases import full
from tests.multipart import END, CountingBody, field, file, post_arguments

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.doors.views")]

Stored = Callable[[], list[str]]
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
TITLE, NOTE = field("title", "Holiday"), field("note", "sunny")
PROGRAM = EXECUTABLE + bytes(8 * MIB)
WORDS = "This is a program, not an image. Allowed here: JPEG, PNG, GIF, WebP, PDF, audio, videos."


@pytest.fixture
def client(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


def post(client: Client, url: str, body: bytes | CountingBody, **environ: Any) -> Any:
    sent = CountingBody(body) if isinstance(body, bytes) else body
    return client.generic("POST", url, HTTP_ACCEPT=BROWSER, **{**post_arguments(sent), **environ})


@pytest.mark.parametrize(
    ("accept", "html"),
    [
        (BROWSER, True),
        ("text/html", True),
        ("*/*", False),
        ("application/json", False),
        ("application/json, text/html", False),
        ("text/html;q=0.5, application/json", False),
        ("image/png", False),
    ],
)
def test_who_gets_pages(accept: str, html: bool) -> None:
    assert prefers_html(RequestFactory(headers={"accept": accept}).get("/")) is html


@pytest.mark.parametrize("url", ["/form/", "/form-asynchronous/"])
def test_the_form_is_shown_with_the_reason_and_the_fields_before_the_file(
    url: str, client: Client, stored: Stored
) -> None:
    body = CountingBody(TITLE + file(PROGRAM) + NOTE + END)
    answer = post(client, url, body)
    page = answer.content.decode()
    assert answer.status_code == 415
    assert WORDS in page and "Holiday" in page and "sunny" not in page
    assert body.consumed == FIRST_READ
    assert stored() == []


def test_a_form_that_is_too_large_is_read_as_far_as_its_file(client: Client, largefiles: Largefiles) -> None:
    largefiles.set(MAX_UPLOAD_SIZE=MIB)
    body = CountingBody(TITLE + file(png(padding=8 * MIB)) + END)
    answer = post(client, "/form/", body)
    assert answer.status_code == 413
    assert "larger than 1.0\xa0MB" in answer.content.decode() and "Holiday" in answer.content.decode()
    assert body.consumed == FIRST_READ


def test_a_form_that_is_too_large_without_a_file_is_read_within_bounds(client: Client, largefiles: Largefiles) -> None:
    largefiles.set(MAX_UPLOAD_SIZE=MIB)
    body = CountingBody(field("title", "x" * 8 * MIB) + file(png()) + END)
    answer = post(client, "/form/", body)
    assert (answer.status_code, b"<form" in answer.content) == (413, False)
    assert body.consumed < FIELDS_BEFORE_FILES + MIB


def test_files_that_came_before_the_refused_one_can_be_kept(client: Client, stored: Stored) -> None:
    answer = post(client, "/form/", TITLE + file(png()) + file(EXECUTABLE) + END)
    assert answer.content.startswith(b"1 kept")
    assert stored() == [FileAsset.objects.get().file.name]


@pytest.mark.parametrize("accept", [BROWSER, "*/*"], ids=["browser", "program"])
def test_a_view_that_accepts_each_file_keeps_all_or_none(accept: str, client: Client, stored: Stored) -> None:
    body = CountingBody(file(png()) + file(EXECUTABLE) + END)
    answer = client.generic("POST", "/accept-two/", HTTP_ACCEPT=accept, **post_arguments(body))
    assert answer.status_code == 415
    assert (stored(), FileAsset.objects.count()) == ([], 0)


def test_one_file_too_many_is_refused_as_others_are(client: Client) -> None:
    answer = post(client, "/form/", TITLE + file(png()) * 3 + END)
    assert (answer.status_code, answer.content[:6]) == (400, b"2 kept")
    assert b"Send no more than 2 files at once." in answer.content


def test_a_failing_storage_is_shown_and_logged(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def check_room(store: FilesystemStore, size: int) -> None:
        raise StoreUnavailable("/mnt: not mounted")

    monkeypatch.setattr(FilesystemStore, "check_room", check_room)
    with caplog.at_level(logging.ERROR, logger="django_largefiles"):
        answer = post(client, "/form/", TITLE + file(png()) + END)
    assert answer.status_code == 503
    assert b"cannot be stored at the moment" in answer.content
    assert [record.getMessage() for record in caplog.records if record.name.startswith("django_largefiles")] == [
        "The storage failed: /mnt: not mounted"
    ]


def test_a_full_database_is_shown_too(client: Client) -> None:
    with full("INSERT"):
        answer = post(client, "/form/", TITLE + file(png()) + END)
    assert answer.status_code == 507
    assert b"cannot be stored at the moment" in answer.content


@pytest.mark.parametrize("token", [b"", field("csrfmiddlewaretoken", "u" * 32)], ids=["none", "wrong"])
def test_the_view_is_not_called_without_a_csrf_token(token: bytes, owner: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    answer = post(client, "/form/", token + TITLE + file(EXECUTABLE) + END)
    assert answer.status_code == 403
    assert answer["Content-Type"].startswith("text/html")
    assert b"The page was open for too long." in answer.content and b"Holiday" not in answer.content


def test_what_the_view_cannot_show_is_a_page(client: Client) -> None:
    client.logout()
    answer = post(client, "/form/", TITLE + file(png()) + END)
    assert answer.status_code == 403
    assert b"<h1>Forbidden</h1><p>You may not upload files here.</p>" in answer.content


def test_a_view_that_accepts_the_refused_file_is_answered_for(client: Client) -> None:
    answer = post(client, "/accept/", file(EXECUTABLE) + END)
    assert (answer.status_code, WORDS in answer.content.decode()) == (415, True)


def test_an_asynchronous_view_that_accepts_the_refused_file_is_answered_for(client: Client) -> None:
    answer = post(client, "/asynchronous/", file(EXECUTABLE) + END)
    assert (answer.status_code, WORDS in answer.content.decode()) == (415, True)


def test_a_view_may_redirect_and_its_client_can_read_that(client: Client) -> None:
    body = CountingBody(file(PROGRAM) + END)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.close()
        answer = post(client, "/redirect/", body, **{"gunicorn.socket": ours})
    assert answer.status_code == 302
    assert FIRST_READ < body.consumed < body.length


def test_the_view_says_what_is_answered(client: Client, largefiles: Largefiles) -> None:
    answer = post(client, "/teapot/", TITLE + file(PROGRAM) + END)
    assert (answer.status_code, answer.content) == (418, b"type_not_allowed")
    client.logout()
    assert post(client, "/teapot/", TITLE + END).content == b"not_permitted"


def test_the_view_chooses_to_show_a_refusal_to_programs_too(client: Client, largefiles: Largefiles) -> None:
    largefiles.set(MAX_UPLOAD_SIZE=MIB)
    body = CountingBody(TITLE + file(png(padding=2 * MIB)) + END)
    answer = client.generic("POST", "/teapot/", **post_arguments(body))
    assert (answer.status_code, b"Holiday" in answer.content) == (413, True)


def test_a_refused_file_raises_the_refusal_for_all_that_is_done_with_it() -> None:
    refused = RefusedFile(TypeNotAllowed("no"), name="a.png", field_name="file", content_type="image/png")
    for do in (refused.accept, refused.read, refused.chunks, refused.open):
        with pytest.raises(TypeNotAllowed):
            do()
    with pytest.raises(ValidationError):
        refused.size  # noqa: B018
    refused.close()


def test_a_request_whose_form_was_not_parsed_has_no_refused_file() -> None:
    assert refused_file(RequestFactory().post("/", {"a": "b"})) is None
