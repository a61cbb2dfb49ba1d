"""The page of the admin that adds a file."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from django_largefiles.access import OwnerOrStaff
from django_largefiles.models import FileAsset
from django_largefiles.states import Attachment
from django_largefiles.testing import make_asset, upload_token
from tests.conftest import EXECUTABLE, Largefiles, png

pytestmark = pytest.mark.django_db

ADD = "/admin/django_largefiles/fileasset/add/"


@pytest.fixture(autouse=True)
def _profiles(largefiles: Largefiles) -> None:
    largefiles.set(PROFILES={"images": {"ALLOWED_MIME_TYPES": ["image/*"]}})


def picture(content: bytes = b"") -> SimpleUploadedFile:
    return SimpleUploadedFile("picture.png", content or png(), content_type="image/png")


def test_a_file_that_comes_with_the_form_becomes_an_asset_of_its_own(admin_client: Client, admin_user: User) -> None:
    response = admin_client.post(f"{ADD}?profile=images", {"uploaded_file": picture()})
    asset = FileAsset.objects.get()
    assert response.status_code == 302
    assert (asset.original_name, asset.owner, asset.profile) == ("picture.png", admin_user, "images")
    assert (asset.attachment, asset.expires_at) == (Attachment.STANDALONE, None)
    assert LogEntry.objects.get().object_id == str(asset.pk)


def test_a_file_that_was_uploaded_before_is_kept(admin_client: Client, admin_user: User) -> None:
    asset = make_asset(owner=admin_user, attachment=Attachment.PROVISIONAL)
    token = upload_token(admin_client, asset)
    for _time in range(2):
        assert admin_client.post(ADD, {"uploaded_file": token}).status_code == 302
        asset.refresh_from_db()
        assert (asset.attachment, asset.expires_at) == (Attachment.STANDALONE, None)
    assert FileAsset.objects.count() == 1


def test_what_is_refused_is_not_added(admin_client: Client) -> None:
    response = admin_client.post(f"{ADD}?profile=images", {"uploaded_file": picture(EXECUTABLE)})
    assert "Allowed here: images" in response.content.decode()
    assert not LogEntry.objects.exists()


def test_an_empty_form_adds_nothing(admin_client: Client) -> None:
    assert "This field is required." in admin_client.post(ADD).content.decode()


def test_adding_needs_its_permission(staff: User, client: Client) -> None:
    staff.user_permissions.set(Permission.objects.filter(codename="view_fileasset"))
    client.force_login(staff)
    assert client.get(ADD).status_code == 403
    staff.user_permissions.set(Permission.objects.filter(codename="add_fileasset"))
    assert client.get(ADD).status_code == 200


class NotAsDefault(OwnerOrStaff):
    def may_upload(self, user: Any, profile: str) -> bool:
        return profile != "default"


class Nowhere(OwnerOrStaff):
    def may_upload(self, user: Any, profile: str) -> bool:
        return False


@pytest.mark.parametrize(
    ("policy", "query", "profile", "offered"),
    [
        ("", "", "default", True),
        ("", "?profile=images", "images", True),
        ("", "?profile=unknown", "default", True),
        ("NotAsDefault", "", "images", False),
        ("Nowhere", "?profile=images", "default", False),
    ],
)
def test_the_profile_is_chosen_from_those_that_the_user_may_upload_to(
    admin_client: Client, largefiles: Largefiles, policy: str, query: str, profile: str, offered: bool
) -> None:
    if policy:
        largefiles.set(ACCESS_POLICY=f"{__name__}.{policy}")
    page = admin_client.get(ADD + query).content.decode()
    assert f'data-profile="{profile}"' in page
    assert ('class="largefiles-profiles"' in page) == offered
