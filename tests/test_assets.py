from __future__ import annotations

import uuid
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.test import RequestFactory

from django_largefiles import upload_tokens
from django_largefiles.assets import check_attachable, check_may_attach, uploaded_asset
from django_largefiles.exceptions import AssetNotFound, NotAttachable, NotPermitted
from django_largefiles.models import FileAsset
from django_largefiles.states import Attachment, State

pytestmark = pytest.mark.django_db


def token_for(asset: Any, owner: User) -> FileAsset:
    request = RequestFactory().get("/")
    request.user = owner
    return uploaded_asset(upload_tokens.issue(asset, request), request)


def test_a_token_leads_to_its_asset(received: FileAsset, owner: User) -> None:
    assert token_for(received, owner) == received


def test_an_asset_that_is_gone_is_not_found(owner: User) -> None:
    with pytest.raises(AssetNotFound):
        token_for(SimpleNamespace(pk=uuid.uuid4(), profile="default"), owner)


@pytest.mark.parametrize("who", ["owner", "stranger", "staff", "nobody"])
def test_only_the_owner_attaches_by_id(
    who: str, received: FileAsset, owner: User, stranger: User, staff: User
) -> None:
    users = {"owner": owner, "stranger": stranger, "staff": staff, "nobody": AnonymousUser()}
    if who == "owner":
        check_may_attach(owner, received)
        return
    with pytest.raises(NotPermitted):
        check_may_attach(users[who], received)


def test_nobody_owns_what_has_no_owner() -> None:
    with pytest.raises(NotPermitted):
        check_may_attach(AnonymousUser(), FileAsset(owner=None))


ATTACHABLE = [
    *({"state": state} for state in (State.RECEIVED, State.PROCESSING, State.READY, State.FAILED)),
    {"attachment": Attachment.PROVISIONAL},
    {"attachment": Attachment.ATTACHED, "shared": True},
]
NOT_ATTACHABLE = [
    {"state": State.RECEIVING},
    {"state": State.REJECTED},
    {"attachment": Attachment.ATTACHED},
    {"profile": "videos"},
    {"profile": "videos", "shared": True},
]


def check(*, shared: bool = False, **columns: Any) -> None:
    check_attachable(FileAsset(**{"state": State.RECEIVED, **columns}), profile="default", shared=shared)


@pytest.mark.parametrize("case", ATTACHABLE, ids=str)
def test_an_asset_that_is_complete_and_free_can_be_attached(case: dict[str, Any]) -> None:
    check(**case)


@pytest.mark.parametrize("case", NOT_ATTACHABLE, ids=str)
def test_other_assets_cannot_be_attached(case: dict[str, Any]) -> None:
    with pytest.raises(NotAttachable):
        check(**case)
