from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from django.test import RequestFactory

from django_largefiles import upload_tokens
from django_largefiles.models import FileAsset
from django_largefiles.states import Attachment, State
from django_largefiles.testing import make_asset
from tests.conftest import Largefiles


@pytest.fixture(autouse=True)
def _profiles(largefiles: Largefiles) -> None:
    largefiles.set(PROFILES={"videos": {"ALLOWED_MIME_TYPES": ["image/png", "video/*"]}})


class Visitor:
    """A user and a session, who uploads files and sends forms."""

    def __init__(self, user: User | AnonymousUser, session: SessionBase | None = None) -> None:
        self.user = user
        self.session = SessionStore() if session is None else session

    @property
    def request(self) -> HttpRequest:
        request = RequestFactory().post("/")
        request.user = self.user
        request.session = self.session
        return request

    def upload(self, profile: str = "videos", **columns: Any) -> FileAsset:
        """A file that a form of theirs has uploaded."""
        return make_asset(
            **{
                "state": State.RECEIVED,
                "owner": self.user if self.user.is_authenticated else None,
                "profile": profile,
                "attachment": Attachment.PROVISIONAL,
                "name": "holiday.png",
                **columns,
            }
        )

    def token(self, asset: FileAsset | None = None, **columns: Any) -> str:
        return upload_tokens.issue(self.upload(**columns) if asset is None else asset, self.request)


@pytest.fixture
def visitor(owner: User) -> Visitor:
    return Visitor(owner)


@pytest.fixture
def anonymous(db: None) -> Visitor:
    return Visitor(AnonymousUser())


Token = Callable[[Visitor], str]
