"""The page of what arrives, waits and fails."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_largefiles.admin import bounds, overview
from django_largefiles.models import FileAsset, SweeperRun, Upload
from django_largefiles.states import State
from tests.conftest import create_asset

pytestmark = pytest.mark.django_db

LIST = "/admin/django_largefiles/fileasset/"
OVERVIEW = f"{LIST}overview/"


def waiting(name: str, hours: int) -> FileAsset:
    return create_asset(
        original_name=name, state=State.RECEIVED, lease_expires_at=timezone.now() - timedelta(hours=hours)
    )


def test_each_state_has_its_files_and_their_number(admin_client: Client, owner: User) -> None:
    arriving = create_asset(original_name="arriving", size=200, owner=owner)
    Upload.objects.create(asset=arriving, offset=50, store_state={}, expires_at=timezone.now())
    waiting("short", 1)
    waiting("long", 2)
    create_asset(original_name="broken", state=State.FAILED)
    create_asset(original_name="fine", state=State.READY)
    sections = {each.state: each for each in admin_client.get(OVERVIEW).context["sections"]}
    names = {state: [asset.original_name for asset in each.assets] for state, each in sections.items()}
    assert names == {
        State.RECEIVING: ["arriving"],
        State.RECEIVED: ["long", "short"],
        State.PROCESSING: [],
        State.FAILED: ["broken"],
        State.REJECTED: [],
    }
    assert [each.count.number for each in sections.values()] == [1, 2, 0, 1, 0]
    assert [each.number for each in admin_client.get(OVERVIEW).context["duties"]] == [2, 0, 0]


def test_more_files_take_no_more_queries(admin_client: Client, owner: User) -> None:
    counts = []
    for name in "abc":
        asset = create_asset(original_name=name, owner=owner)
        Upload.objects.create(asset=asset, store_state={}, expires_at=timezone.now())
        waiting(name, 1)
        with CaptureQueriesContext(connection) as queries:
            page = admin_client.get(OVERVIEW).content.decode()
        assert f"<bdi>{name}</bdi>" in page
        counts.append(len(queries))
    assert counts[0] == counts[1] == counts[2]


def test_numbers_and_rows_have_a_limit(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview, "SHOWN", 1)
    for module in (bounds, overview):
        monkeypatch.setattr(module, "COUNTED_AT_MOST", 2)
    for number in range(3):
        waiting(str(number), number)
    response = admin_client.get(OVERVIEW)
    section = next(each for each in response.context["sections"] if each.state == State.RECEIVED)
    assert [asset.original_name for asset in section.assets] == ["2"]
    assert "<strong>2+</strong>" in response.content.decode()


def test_it_tells_when_the_sweeper_has_run(admin_client: Client) -> None:
    assert "The sweeper has never run." in admin_client.get(OVERVIEW).content.decode()
    SweeperRun.objects.create(ran_at=timezone.now())
    assert "Last run of the sweeper:" in admin_client.get(OVERVIEW).content.decode()


def test_the_list_links_to_it(admin_client: Client) -> None:
    assert f'href="{OVERVIEW}"' in admin_client.get(LIST).content.decode()


def test_it_needs_the_permission_to_view(staff: User, client: Client) -> None:
    staff.user_permissions.set(Permission.objects.filter(codename="add_fileasset"))
    client.force_login(staff)
    assert client.get(OVERVIEW).status_code == 403
