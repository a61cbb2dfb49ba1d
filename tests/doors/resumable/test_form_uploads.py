"""Uploads that a form is to be saved with: their client gets a token, which the form submits."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from django.test import Client

from django_largefiles.access import OwnerOrStaff, User as AnyUser
from django_largefiles.exceptions import UploadTokenOfAnotherUser
from django_largefiles.models import FileAsset
from django_largefiles.states import Attachment
from django_largefiles.upload_tokens import read
from tests.conftest import Largefiles, png
from tests.doors.resumable.ietf_client import UPLOADS, append, create, retrieve
from tests.doors.resumable.tus_client import Tus

pytestmark = pytest.mark.django_db(transaction=True)

PICTURE = png(padding=5000)

Begin: TypeAlias = Callable[..., Any]


class Everyone(OwnerOrStaff):
    """Anonymous users too."""

    def may_upload(self, user: AnyUser, profile: str) -> bool:
        return True


def metadata(attachment: str) -> str:
    return f"attachment {b64encode(attachment.encode()).decode()}"


def by_tus(client: Client, attachment: str = "provisional") -> Any:
    return Tus(client).post(upload_length=str(len(PICTURE)), upload_metadata=metadata(attachment))


def by_the_draft(client: Client, attachment: str = "provisional") -> Any:
    return create(client, to=f"{UPLOADS}?attachment={attachment}", upload_complete="?0")


@pytest.fixture(params=[by_tus, by_the_draft], ids=["tus", "draft"])
def begin(request: pytest.FixtureRequest) -> Begin:
    begin: Begin = request.param
    return begin


@pytest.fixture
def client(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


def next_request(client: Client) -> HttpRequest:
    request: HttpRequest = client.get("/nowhere").wsgi_request
    return request


def heads(client: Client, url: str) -> list[Any]:
    return [retrieve(client, url), Tus(client).head(url)]


def test_the_creation_and_each_question_for_the_offset_give_a_token(begin: Begin, client: Client) -> None:
    answer = begin(client)
    asset = FileAsset.objects.get(attachment=Attachment.PROVISIONAL)
    for told in (answer, *heads(client, answer["Location"])):
        assert read(told["Largefiles-Token"], next_request(client)).asset_id == asset.pk


def test_a_complete_upload_gives_a_token_until_a_row_has_it(begin: Begin, client: Client) -> None:
    url = begin(client)["Location"]
    append(client, url, PICTURE)
    assert all("Largefiles-Token" in told for told in heads(client, url))
    FileAsset.objects.update(attachment=Attachment.ATTACHED, expires_at=None)
    assert not any("Largefiles-Token" in told for told in heads(client, url))


@pytest.mark.parametrize("attachment", ["", "standalone"])
def test_other_uploads_have_no_token(attachment: str, begin: Begin, client: Client) -> None:
    answer = begin(client, attachment)
    assert FileAsset.objects.get().attachment == Attachment.STANDALONE
    assert not any("Largefiles-Token" in told for told in (answer, *heads(client, answer["Location"])))


@pytest.mark.parametrize("attachment", ["attached", "soon"])
def test_another_attachment_is_refused(attachment: str, begin: Begin, client: Client) -> None:
    answer = begin(client, attachment)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_header")
    assert not FileAsset.objects.exists()


def test_a_user_who_may_only_see_an_upload_gets_no_token(begin: Begin, client: Client, staff: User) -> None:
    url = begin(client)["Location"]
    client.force_login(staff)
    assert [(told.status_code, "Largefiles-Token" in told) for told in heads(client, url)] == [
        (204, False),
        (200, False),
    ]


def test_a_part_of_a_final_upload_has_no_token(client: Client) -> None:
    said = {"upload_length": "5", "upload_concat": "partial", "upload_metadata": metadata("provisional")}
    assert "Largefiles-Token" not in Tus(client).post(**said)


def test_anonymous_users_have_the_token_of_their_session(begin: Begin, largefiles: Largefiles, owner: User) -> None:
    largefiles.set(ACCESS_POLICY=f"{__name__}.Everyone")
    client = Client()
    token = begin(client)["Largefiles-Token"]
    request = next_request(client)
    assert isinstance(request.user, AnonymousUser) and isinstance(request.session, SessionStore)
    assert read(token, request)
    client.force_login(owner)
    with pytest.raises(UploadTokenOfAnotherUser):
        read(token, next_request(client))


def test_anonymous_users_without_a_session_upload_for_no_form(
    begin: Begin, largefiles: Largefiles, settings: Any
) -> None:
    largefiles.set(ACCESS_POLICY=f"{__name__}.Everyone")
    settings.MIDDLEWARE = []
    answer = begin(Client())
    assert (answer.status_code, answer.json()["code"]) in {(403, "not_permitted"), (401, "not_authenticated")}
    assert not FileAsset.objects.exists()
