"""Uploads by anonymous users: each belongs to the session that has made it, if there is one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client

from django_largefiles.models import FileAsset
from django_largefiles.states import Attachment, State
from tests.conftest import Largefiles
from tests.doors.resumable.ietf_client import append, begun
from tests.doors.resumable.tus_client import PICTURE, SHA256, SIZE, Tus, metadata

pytestmark = pytest.mark.django_db(transaction=True)

EVERYONE = "tests.doors.resumable.test_form_uploads.Everyone"
"""Visitors upload, and see nothing."""
ANYONE = "tests.doors.resumable.tus_client.Anyone"
"""Visitors see everything too."""

Act: TypeAlias = Callable[[Tus, str], Any]

ACTS: dict[str, Act] = {
    "append": lambda tus, url: tus.patch(url, 0, PICTURE),
    "append by the draft": lambda tus, url: append(tus.client, url, PICTURE),
    "cancel": lambda tus, url: tus.delete(url),
}


@pytest.fixture(params=[EVERYONE, ANYONE], ids=["see nothing", "see everything"])
def policy(request: pytest.FixtureRequest, largefiles: Largefiles) -> str:
    largefiles.set(ACCESS_POLICY=request.param)
    return str(request.param)


def visitor() -> Tus:
    """The client of an anonymous user with a session, as after a visit of a page."""
    client = Client()
    session = client.session
    session["visited"] = True
    session.save()
    return Tus(client)


def begin(tus: Tus, attachment: str = "standalone") -> str:
    return tus.create(upload_metadata=metadata(filename="a.png", attachment=attachment))


def gone(tus: Tus) -> list[str]:
    """Return the assets that a page is not told of."""
    address = f"/files/events/?asset={FileAsset.objects.get().pk}"
    told: list[str] = tus.client.get(address, headers={"Accept": "application/json"}).json()["gone"]
    return told


def status(answer: Any) -> int:
    return int(answer.status_code)


@pytest.mark.parametrize("attachment", ["standalone", "provisional"])
@pytest.mark.usefixtures("policy")
def test_a_visitor_continues_an_upload(attachment: str) -> None:
    tus = visitor()
    url = begin(tus, attachment)
    assert status(tus.patch(url, 0, PICTURE[:50])) == 204
    assert tus.head(url)["Upload-Offset"] == "50"
    assert status(tus.patch(url, 50, PICTURE[50:])) == 204
    assert FileAsset.objects.get().sha256 == SHA256


@pytest.mark.usefixtures("policy")
def test_a_visitor_continues_an_upload_by_the_draft() -> None:
    client = visitor().client
    assert status(append(client, begun(client), PICTURE)) == 201


@pytest.mark.usefixtures("policy")
def test_a_visitor_cancels_an_upload() -> None:
    tus = visitor()
    assert status(tus.delete(begin(tus))) == 204
    assert not FileAsset.objects.exists()


@pytest.mark.usefixtures("policy")
def test_a_visitor_makes_a_file_of_parts() -> None:
    tus = visitor()
    part = tus.partial(PICTURE)
    assert status(tus.post(upload_concat=f"final;{part}")) == 201
    assert FileAsset.objects.filter(sha256=SHA256).count() == 1


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
@pytest.mark.parametrize("has_session", [True, False], ids=["with a session", "without"])
def test_other_visitors_do_not_change_an_upload(act: Act, has_session: bool, policy: str) -> None:
    url = begin(visitor())
    other = visitor() if has_session else Tus(Client())
    assert status(act(other, url)) in {401, 403, 404}
    asset = FileAsset.objects.select_related("upload").get()
    assert (asset.state, asset.upload.offset) == (State.RECEIVING, 0)


def test_other_visitors_do_not_make_a_file_of_a_part(largefiles: Largefiles) -> None:
    largefiles.set(ACCESS_POLICY=ANYONE)
    part = visitor().partial(PICTURE)
    assert status(visitor().post(upload_concat=f"final;{part}")) in {401, 403}


@pytest.mark.parametrize("is_complete", [True, False], ids=["complete", "arriving"])
def test_other_visitors_get_no_token(is_complete: bool, largefiles: Largefiles) -> None:
    largefiles.set(ACCESS_POLICY=ANYONE)
    tus = visitor()
    url = begin(tus, "provisional")
    if is_complete:
        tus.patch(url, 0, PICTURE)
    answers = [client.head(url) for client in (tus, visitor(), Tus(Client()))]
    assert [("Largefiles-Token" in answer, status(answer)) for answer in answers] == [
        (True, 200),
        (False, 200),
        (False, 200),
    ]


def test_a_visitor_deletes_and_sees_a_file_for_a_form_until_a_row_has_it(largefiles: Largefiles) -> None:
    largefiles.set(ACCESS_POLICY=EVERYONE)
    tus = visitor()
    url = begin(tus, "provisional")
    tus.patch(url, 0, PICTURE)
    assert status(tus.head(url)) == 200
    assert gone(tus) == []
    FileAsset.objects.update(attachment=Attachment.ATTACHED, expires_at=None)
    assert [status(tus.head(url)), status(tus.delete(url))] == [404, 404]
    FileAsset.objects.update(attachment=Attachment.STANDALONE)
    assert status(tus.head(url)) == 404


def test_others_see_no_progress(largefiles: Largefiles) -> None:
    largefiles.set(ACCESS_POLICY=EVERYONE)
    begin(visitor())
    assert [len(gone(tus)) for tus in (visitor(), Tus(Client()))] == [1, 1]


def test_the_policy_decides_for_users(largefiles: Largefiles, staff: User) -> None:
    largefiles.set(ACCESS_POLICY=EVERYONE)
    url, client = begin(visitor()), Client()
    client.force_login(staff)
    tus = Tus(client)
    assert [status(tus.head(url)), status(tus.patch(url, 0, PICTURE)), status(tus.delete(url))] == [200, 403, 204]


def test_an_upload_without_a_session_is_continued_by_its_url(largefiles: Largefiles) -> None:
    largefiles.set(ACCESS_POLICY=ANYONE)
    url = begin(Tus(Client()))
    assert status(Tus(Client()).patch(url, 0, PICTURE[:50])) == 204
    assert status(visitor().patch(url, 50, PICTURE[50:])) == 204
    assert (FileAsset.objects.get().size, FileAsset.objects.get().session) == (SIZE, "")


def test_an_upload_creates_no_session(largefiles: Largefiles) -> None:
    largefiles.set(ACCESS_POLICY=ANYONE)
    begin(Tus(Client()))
    assert not Session.objects.exists()
