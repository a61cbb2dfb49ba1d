"""Section "Limits", before an upload is created."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.conftest import Largefiles
from tests.doors.resumable.ietf_client import UPLOADS, begun, create, send, unknown

pytestmark = pytest.mark.django_db(transaction=True)


def limits(header: str) -> dict[str, int]:
    return {key: int(value) for key, _, value in (member.partition("=") for member in header.split(", "))}


def test_options_tell_the_limits_of_an_upload_to_be_created(client: Client, largefiles: Largefiles) -> None:
    largefiles.set(MAX_UPLOAD_SIZE=5000, UPLOAD_EXPIRES_AFTER=timedelta(hours=2))
    answer = send(client, "OPTIONS", UPLOADS)
    assert (answer.status_code, answer["Upload-Limit"]) == (200, "max-size=5000, max-age=7200")


def test_options_tell_those_of_the_target_s_profile(client: Client, owner: User, largefiles: Largefiles) -> None:
    largefiles.set(MAX_UPLOAD_SIZE=5000, PROFILES={"small": {"MAX_UPLOAD_SIZE": 700}, "large": {}})
    client.force_login(owner)
    assert send(client, "OPTIONS", f"{UPLOADS}?profile=small")["Upload-Limit"].startswith("max-size=700, ")


@pytest.mark.parametrize("profile", ["unknown", "small"])
def test_options_do_not_tell_strangers_which_profiles_there_are(
    profile: str, client: Client, largefiles: Largefiles
) -> None:
    largefiles.set(PROFILES={"small": {"MAX_UPLOAD_SIZE": 700}})
    answer = send(client, "OPTIONS", f"{UPLOADS}?profile={profile}")
    assert answer.status_code == 200
    assert "Upload-Limit" not in answer


def test_options_are_not_less_restrictive_than_the_upload(client: Client, owner: User, largefiles: Largefiles) -> None:
    largefiles.set(MAX_UPLOAD_SIZE=5000, PROFILES={"large": {"MAX_UPLOAD_SIZE": 9000}})
    client.force_login(owner)
    announced = limits(send(client, "OPTIONS", UPLOADS)["Upload-Limit"])
    applied = limits(create(client, upload_complete="?0")["Upload-Limit"])
    assert announced["max-size"] == applied["max-size"]
    assert 0 <= announced["max-age"] - applied["max-age"] <= 1


@pytest.mark.parametrize("known", [True, False], ids=["an upload", "no upload"])
def test_options_of_an_upload_tell_the_parts_it_takes(known: bool, client: Client, owner: User) -> None:
    client.force_login(owner)
    url = begun(client)
    client.logout()
    answer = send(client, "OPTIONS", url if known else unknown(url))
    assert answer.status_code == 200
    assert "application/partial-upload" in answer["Accept-Patch"].split(", ")
