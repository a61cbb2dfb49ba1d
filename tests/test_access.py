from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest
from django.contrib.auth.models import AnonymousUser, Permission, User as Account
from django.test import override_settings

from django_largefiles.access import AccessPolicy, OwnerOrStaff, User, access_policy
from django_largefiles.exceptions import NotImportable
from django_largefiles.models import FileAsset, FileAssetQuerySet
from django_largefiles.states import State
from tests.conftest import Largefiles

pytestmark = pytest.mark.django_db

ACTIONS = ("may_view", "may_download", "may_delete", "may_reprocess")


NOT_OWNERS = [
    ("stranger", False),
    ("staff", True),
    ("clerk", False),
    ("superuser", True),
    ("service", False),
    ("anonymous", False),
]


class OnlyPictures(AccessPolicy):
    """What a host has to write, and no more."""

    def may_upload(self, user: User, profile: str) -> bool:
        return profile == "pictures"

    def may_view(self, user: User, asset: FileAsset) -> bool:
        return asset.profile == "pictures"

    def visible(self, user: User, assets: FileAssetQuerySet) -> FileAssetQuerySet:
        return assets.filter(profile="pictures")


@pytest.fixture
def users(owner: Account, stranger: Account, staff: Account) -> dict[str, User]:
    return {
        "owner": owner,
        "stranger": stranger,
        "staff": staff,
        "anonymous": AnonymousUser(),
        "clerk": Account.objects.create_user("clerk", is_staff=True),
        "superuser": Account.objects.create_superuser("superuser"),
        # A custom user model without has_perm, and a user that was never saved.
        "service": cast("User", SimpleNamespace(pk=None, is_authenticated=True)),
    }


@pytest.fixture
def owned(owner: Account) -> FileAsset:
    return asset(owner)


def asset(owner: Account | None, *, profile: str = "default") -> FileAsset:
    return FileAsset.objects.create(owner=owner, original_name="x.png", state=State.RECEIVED, size=1, profile=profile)


@pytest.mark.parametrize(
    ("name", "may"),
    [("owner", True), ("stranger", True), ("staff", True), ("service", True), ("anonymous", False)],
)
def test_authenticated_users_may_upload(users: dict[str, User], name: str, may: bool) -> None:
    assert OwnerOrStaff().may_upload(users[name], "default") is may


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize(
    ("name", "may"),
    [
        ("owner", True),
        ("stranger", False),
        ("staff", True),
        ("clerk", False),
        ("superuser", True),
        ("service", False),
        ("anonymous", False),
    ],
)
def test_assets_are_accessible_to_owners_and_users_with_the_permission(
    users: dict[str, User], owned: FileAsset, name: str, may: bool, action: str
) -> None:
    assert getattr(OwnerOrStaff(), action)(users[name], owned) is may


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize(
    ("name", "may"),
    [
        ("stranger", False),
        ("staff", True),
        ("clerk", False),
        ("superuser", True),
        ("service", False),
        ("anonymous", False),
    ],
)
def test_assets_without_an_owner_are_accessible_to_users_with_the_permission(
    users: dict[str, User], name: str, may: bool, action: str
) -> None:
    assert getattr(OwnerOrStaff(), action)(users[name], asset(None)) is may


@pytest.mark.parametrize(
    ("name", "may"),
    [("owner", True), ("stranger", False), ("staff", False), ("service", False), ("anonymous", False)],
)
def test_an_upload_is_gone_on_with_by_its_owner_alone(
    users: dict[str, User], owned: FileAsset, name: str, may: bool
) -> None:
    assert OwnerOrStaff().may_append(users[name], owned) is may


@pytest.mark.parametrize(("profile", "may"), [("pictures", True), ("default", False)])
def test_an_upload_is_gone_on_with_while_uploading_is_permitted(profile: str, may: bool) -> None:
    assert OnlyPictures().may_append(AnonymousUser(), asset(None, profile=profile)) is may


@pytest.mark.parametrize(
    ("permission", "allowed"),
    [
        ("view", {"may_view", "may_download"}),
        ("delete", {"may_delete"}),
        ("reprocess", {"may_reprocess"}),
        ("add", set()),
    ],
)
def test_each_permission_allows_its_actions(
    permission: str, allowed: set[str], owned: FileAsset, stranger: Account
) -> None:
    stranger.user_permissions.set(Permission.objects.filter(codename=f"{permission}_fileasset"))
    assert {action for action in ACTIONS if getattr(OwnerOrStaff(), action)(stranger, owned)} == allowed


def test_inactive_users_have_no_permissions(owned: FileAsset, staff: Account) -> None:
    staff.is_active = False
    assert not OwnerOrStaff().may_view(staff, owned)
    assert not OwnerOrStaff().visible(staff, FileAsset.objects.all())


@pytest.mark.parametrize("name", ["owner", "stranger", "staff", "clerk", "superuser", "service", "anonymous"])
def test_what_is_visible_is_what_may_be_viewed(users: dict[str, User], owned: FileAsset, name: str) -> None:
    for somebody in (users["stranger"], users["staff"], None):
        asset(cast("Account | None", somebody))
    policy = OwnerOrStaff()
    wanted = {each.pk for each in FileAsset.objects.all() if policy.may_view(users[name], each)}
    assert set(policy.visible(users[name], FileAsset.objects.all()).values_list("pk", flat=True)) == wanted


def test_the_owner_sees_something_and_not_all(users: dict[str, User], owned: FileAsset) -> None:
    asset(cast("Account", users["stranger"]))
    assert list(OwnerOrStaff().visible(users["owner"], FileAsset.objects.all())) == [owned]


def test_what_is_visible_is_of_the_assets_asked_for(users: dict[str, User], owned: FileAsset) -> None:
    others = FileAsset.objects.exclude(pk=owned.pk)
    assert not OwnerOrStaff().visible(users["staff"], others)


def test_the_policy_is_the_hosts(largefiles: Largefiles) -> None:
    largefiles.set(ACCESS_POLICY=f"{__name__}.OnlyPictures")
    assert access_policy().may_upload(AnonymousUser(), "pictures")


def test_the_setting_is_read_at_each_use() -> None:
    assert isinstance(access_policy(), OwnerOrStaff)
    with override_settings(LARGEFILES={"ACCESS_POLICY": f"{__name__}.OnlyPictures"}):
        assert isinstance(access_policy(), OnlyPictures)
    assert isinstance(access_policy(), OwnerOrStaff)


def test_a_policy_that_is_none_is_refused(largefiles: Largefiles) -> None:
    largefiles.set(ACCESS_POLICY="django_largefiles.models.FileAsset")
    with pytest.raises(NotImportable, match=r"^ACCESS_POLICY: .*AccessPolicy"):
        access_policy()


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize(("profile", "may"), [("pictures", True), ("default", False)])
def test_who_may_view_may_do_the_rest_unless_the_host_says_otherwise(profile: str, may: bool, action: str) -> None:
    assert getattr(OnlyPictures(), action)(AnonymousUser(), asset(None, profile=profile)) is may


def test_the_visible_ones_are_the_hosts_choice() -> None:
    picture, _ = asset(None, profile="pictures"), asset(None)
    assert list(OnlyPictures().visible(AnonymousUser(), FileAsset.objects.all())) == [picture]


@pytest.mark.parametrize("duty", ["may_upload", "may_view", "visible"])
def test_a_policy_without_one_of_its_duties_cannot_be_made(duty: str) -> None:
    careless = type("Careless", (OnlyPictures,), {duty: getattr(AccessPolicy, duty)})
    with pytest.raises(TypeError, match=duty):
        careless()
