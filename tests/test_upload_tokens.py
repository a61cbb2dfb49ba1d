from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, TypeAlias

import pytest
from django.contrib.auth import login
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.db import SessionStore as DatabaseSession
from django.contrib.sessions.backends.signed_cookies import SessionStore as CookieSession
from django.core import signing
from django.http import HttpRequest
from django.test import RequestFactory
from pytest_django.fixtures import Settings

from django_largefiles import upload_tokens
from django_largefiles.access import User as AnyUser
from django_largefiles.exceptions import (
    NotPermitted,
    UploadTokenExpired,
    UploadTokenInvalid,
    UploadTokenOfAnotherSession,
    UploadTokenOfAnotherUser,
    UploadTokenRefused,
)
from django_largefiles.upload_tokens import UPLOAD_TIME, UploadToken, issue, issue_permit, permitted_profile, read

pytestmark = pytest.mark.django_db

LIFETIME = UPLOAD_TIME + timedelta(hours=24)
ASSET = SimpleNamespace(pk=uuid.UUID(int=7), profile="vidéos")

Stores: TypeAlias = Callable[..., SessionBase]


def request_of(user: AnyUser, session: SessionBase | None = None) -> HttpRequest:
    request = RequestFactory().get("/")
    request.user = user  # type: ignore[assignment]  # as the middleware sets it
    if session is not None:
        request.session = session
    return request


def reloaded(session: SessionBase) -> SessionBase:
    """The session as the next request finds it."""
    session.save()
    return type(session)(session.session_key)


@pytest.fixture(params=[DatabaseSession, CookieSession], ids=["database", "signed cookies"])
def new_session(request: pytest.FixtureRequest) -> Stores:
    store: Stores = request.param
    return store


@pytest.mark.parametrize("anonymous", [False, True], ids=["user", "anonymous"])
def test_a_token_is_read_by_the_user_and_the_session_that_it_was_made_for(
    anonymous: bool, new_session: Stores, owner: User
) -> None:
    user = AnonymousUser() if anonymous else owner
    first = request_of(user, new_session())
    token = issue(ASSET, first)
    content = read(token, request_of(user, reloaded(first.session)))
    assert content == UploadToken(asset_id=ASSET.pk, profile="vidéos", expires_at=content.expires_at)
    assert content.expires_at == pytest.approx(time.time() + LIFETIME.total_seconds(), abs=60)


def test_a_token_is_for_the_user_whom_the_door_has_authenticated(owner: User) -> None:
    token = issue(ASSET, request_of(AnonymousUser()), user=owner)
    assert read(token, request_of(owner)).asset_id == ASSET.pk


def test_a_token_of_a_user_without_a_session_is_read_in_any(owner: User) -> None:
    assert read(issue(ASSET, request_of(owner)), request_of(owner, DatabaseSession())).asset_id == ASSET.pk


@pytest.mark.parametrize("change", ["cycle_key", "login"])
def test_a_session_may_change_its_key(change: str, new_session: Stores, owner: User) -> None:
    session = reloaded(new_session())
    request = request_of(owner, session)
    token = issue(ASSET, request)
    key = session.session_key
    if change == "login":
        login(request, owner)
    else:
        session.cycle_key()
    assert session.session_key != key
    assert read(token, request_of(owner, reloaded(session))).asset_id == ASSET.pk


def test_two_first_requests_of_a_session_make_tokens_that_are_both_good(new_session: Stores, owner: User) -> None:
    key = reloaded(new_session()).session_key
    first, second = (request_of(owner, new_session(key)) for _ in range(2))
    tokens = [issue(ASSET, first), issue(ASSET, second)]
    first.session.save()
    last = request_of(owner, reloaded(second.session))
    assert {read(token, last).asset_id for token in tokens} == {ASSET.pk}


Refused: TypeAlias = tuple[type[UploadTokenRefused], Callable[[Any], Any]]

REFUSED: dict[str, Refused] = {
    "another user": (UploadTokenOfAnotherUser, lambda case: (case.token, case.stranger, case.session)),
    "logged out": (UploadTokenOfAnotherUser, lambda case: (case.token, AnonymousUser(), case.session)),
    "another session": (UploadTokenOfAnotherSession, lambda case: (case.token, case.owner, case.other)),
    "no session": (UploadTokenOfAnotherSession, lambda case: (case.token, case.owner, None)),
    "changed": (UploadTokenInvalid, lambda case: (f"{case.token[:-1]}=", case.owner, case.session)),
    "another purpose": (UploadTokenInvalid, lambda case: (signing.dumps([1]), case.owner, case.session)),
    "a bare id": (UploadTokenInvalid, lambda case: (str(ASSET.pk), case.owner, case.session)),
    "empty": (UploadTokenInvalid, lambda case: ("", case.owner, case.session)),
    "a permit": (UploadTokenInvalid, lambda case: (case.permit, case.owner, case.session)),
}


@pytest.fixture
def case(owner: User, stranger: User) -> SimpleNamespace:
    request, other = request_of(owner, DatabaseSession()), request_of(owner, DatabaseSession())
    issue(ASSET, other)
    permit = issue_permit("video", "videos", request)
    token = issue(ASSET, request)
    return SimpleNamespace(
        owner=owner, stranger=stranger, token=token, permit=permit, session=request.session, other=other.session
    )


@pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED)
def test_a_token_of_others_is_refused(refused: Refused, case: SimpleNamespace) -> None:
    error, arguments = refused
    token, user, session = arguments(case)
    with pytest.raises(error):
        read(token, request_of(user, session))


def test_a_token_expires(case: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    later = time.time() + (LIFETIME + timedelta(seconds=1)).total_seconds()
    monkeypatch.setattr(upload_tokens, "time", SimpleNamespace(time=lambda: later))
    with pytest.raises(UploadTokenExpired):
        read(case.token, request_of(case.owner, case.session))


def test_a_token_outlives_a_change_of_the_key(case: SimpleNamespace, settings: Settings) -> None:
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "the next one"
    assert read(case.token, request_of(case.owner, case.session)).asset_id == ASSET.pk


def test_there_is_no_token_that_anyone_could_use() -> None:
    with pytest.raises(NotPermitted):
        issue(ASSET, request_of(AnonymousUser()))


def test_a_token_does_not_tell_the_secret_of_its_session(case: SimpleNamespace) -> None:
    content = signing.b64_decode(case.token.partition(":")[0].encode())
    assert ASSET.pk.hex.encode() in content
    assert case.session[upload_tokens.SESSION_KEY].encode() not in content


def test_a_permit_is_for_one_field_of_one_session(case: SimpleNamespace) -> None:
    own, other = request_of(case.owner, case.session), request_of(case.owner, case.other)
    assert permitted_profile(case.permit, "video", own) == "videos"
    assert permitted_profile(case.permit, "picture", own) is None
    assert permitted_profile(case.permit, "video", other) is None
    assert permitted_profile(case.permit, "video", request_of(case.owner)) is None
    assert permitted_profile(case.token, "video", own) is None


def test_there_is_no_permit_without_a_session(owner: User) -> None:
    assert issue_permit("video", "videos", request_of(owner)) == ""
