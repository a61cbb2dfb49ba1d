from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.contrib.messages import WARNING, get_messages
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags

from django_largefiles.models import FileAsset, Upload
from django_largefiles.states import Reason, Stage, State

pytestmark = pytest.mark.django_db

LIST = "/admin/django_largefiles/fileasset/"
CELL = re.compile(r'<t[dh] class="field-(\w+)[^"]*">(.*?)</t[dh]>')


def asset(name: str = "picture.png", **values: Any) -> FileAsset:
    return FileAsset.objects.create(**{"original_name": name, "state": State.READY, "size": 7, **values})


def names(response: HttpResponse) -> list[str]:
    """Of the listed files, in their order."""
    return [each.original_name for each in response.context["cl"].result_list]  # type: ignore[attr-defined]


def offered_actions(response: HttpResponse) -> set[str]:
    form = response.context["action_form"]  # type: ignore[attr-defined]
    return {name for name, _ in form.fields["action"].choices if name} if form else set()


def act(client: Client, action: str, *assets: FileAsset) -> HttpResponse:
    return client.post(LIST, {"action": action, "_selected_action": [str(each.pk) for each in assets]})


def said(response: HttpResponse) -> list[tuple[str, bool]]:
    """The messages, and whether each is a warning."""
    return [
        (str(message), message.level == WARNING)
        for message in get_messages(response.wsgi_request)  # type: ignore[attr-defined]
    ]


@pytest.fixture
def staff_with(staff: User, client: Client) -> Callable[..., Client]:
    """A client of staff who have these permissions and no others."""

    def log_in(*actions: str) -> Client:
        codes = [f"{action}_fileasset" for action in actions]
        staff.user_permissions.set(Permission.objects.filter(codename__in=codes))
        client.force_login(staff)
        return client

    return log_in


def test_the_list_shows_what_is_known_of_each(admin_client: Client, owner: User) -> None:
    asset(
        owner=owner,
        state=State.REJECTED,
        reason=Reason.TYPE_MISMATCH,
        media_type="image/png",
        profile="videos",
        size=7,
    )
    cells = dict(CELL.findall(admin_client.get(LIST).content.decode()))
    assert {name: strip_tags(cell) for name, cell in cells.items() if name != "created_at"} == {
        "original_name": "picture.png",
        "state": "rejected",
        "reason": "type does not fit the name",
        "media_type": "image/png",
        "size": "7",
        "owner": "owner",
        "profile": "videos",
        "progress": "-",
    }
    assert "created_at" in cells


def test_the_newest_come_first(admin_client: Client) -> None:
    for name, age in (("old", 9), ("new", 1), ("middle", 5)):
        pk = asset(name).pk
        FileAsset.objects.filter(pk=pk).update(created_at=timezone.now() - timedelta(days=age))
    assert names(admin_client.get(LIST)) == ["new", "middle", "old"]


def test_a_longer_list_takes_no_more_queries(admin_client: Client, owner: User, stranger: User, staff: User) -> None:
    counts = []
    for user in (owner, stranger, staff):
        asset(owner=user)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            admin_client.get(LIST)
        counts.append(len(queries))
    assert counts[0] == counts[1] == counts[2]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("state__exact=rejected", {"blocked"}),
        ("state__exact=ready", {"plain", "old"}),
        ("reason__exact=blocked", {"blocked"}),
        ("profile=videos", {"old"}),
        ("created_at__gte=2001-01-01T00:00:00Z", {"plain", "blocked"}),
        ("created_at__year=2000", {"old"}),
    ],
)
def test_the_list_can_be_filtered(admin_client: Client, query: str, found: set[str]) -> None:
    asset("plain")
    asset("blocked", state=State.REJECTED, reason=Reason.BLOCKED)
    old = asset("old", profile="videos")
    FileAsset.objects.filter(pk=old.pk).update(created_at=datetime(2000, 6, 15, tzinfo=UTC))
    assert set(names(admin_client.get(f"{LIST}?{query}"))) == found


@pytest.mark.parametrize(
    "term",
    [
        pytest.param(lambda _: "wanted", id="name"),
        pytest.param(lambda _: "WANT", id="part of the name"),
        pytest.param(lambda _: "ab" * 32, id="digest"),
        pytest.param(lambda _: "Faust", id="title"),
        pytest.param(lambda asset: str(asset.pk), id="id"),
    ],
)
def test_the_list_can_be_searched(admin_client: Client, term: Callable[[FileAsset], str]) -> None:
    asset("other.png")
    wanted = asset("wanted.png", sha256="ab" * 32, title="Faust, the tragedy")
    assert names(admin_client.get(LIST, {"q": term(wanted)})) == ["wanted.png"]


@pytest.mark.parametrize("state", [State.READY, State.FAILED])
def test_a_settled_file_is_processed_again(admin_client: Client, state: State) -> None:
    found = asset(state=state)
    response = act(admin_client, "reprocess", found)
    found.refresh_from_db()
    assert found.state == State.RECEIVED
    assert said(response) == [("1 file will be processed again.", False)]


@pytest.mark.parametrize("state", [State.RECEIVING, State.RECEIVED, State.PROCESSING, State.REJECTED])
def test_any_other_file_is_not_processed_again(admin_client: Client, state: State) -> None:
    found = asset(state=state)
    response = act(admin_client, "reprocess", found)
    found.refresh_from_db()
    assert found.state == state
    assert said(response) == [("0 files will be processed again.", True)]


def test_a_ready_file_is_blocked_and_keeps_its_bytes(
    admin_client: Client,
    ready: FileAsset,
    stored: Callable[[], list[str]],
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        response = act(admin_client, "block", ready)
    name = ready.file.name
    ready.refresh_from_db()
    assert (ready.state, ready.reason) == (State.REJECTED, Reason.BLOCKED)
    assert said(response) == [("1 file was blocked.", False)]
    assert stored() == [name]


@pytest.mark.parametrize("state", [state for state in State if state != State.READY])
def test_any_other_file_is_not_blocked(admin_client: Client, state: State) -> None:
    found = asset(state=state)
    response = act(admin_client, "block", found)
    found.refresh_from_db()
    assert (found.state, found.reason) == (state, "")
    assert said(response) == [("0 files were blocked.", True)]


@pytest.mark.parametrize(
    ("action", "words"),
    [("reprocess", "2 files will be processed again."), ("block", "2 files were blocked.")],
)
def test_only_those_that_changed_are_counted(admin_client: Client, action: str, words: str) -> None:
    response = act(admin_client, action, asset(), asset(), asset(state=State.RECEIVING))
    assert said(response) == [(words, False)]


def test_only_those_that_are_marked_change(admin_client: Client) -> None:
    other = asset()
    act(admin_client, "block", asset())
    other.refresh_from_db()
    assert other.state == State.READY


def test_files_come_in_through_the_doors_alone(admin_client: Client) -> None:
    assert admin_client.get(f"{LIST}add/").status_code == 403


def test_a_file_can_be_looked_at(admin_client: Client) -> None:
    found = asset(title="<script>alert(1)</script>", file="largefiles/ab/cd/abcd")
    response = admin_client.get(f"{LIST}{found.pk}/change/")
    page = response.content.decode()
    assert response.status_code == 200
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "largefiles/ab/cd/abcd" not in page, "a link past the checks of delivery"


def test_a_file_cannot_be_changed(admin_client: Client) -> None:
    found = asset(state=State.REJECTED)
    response = admin_client.post(f"{LIST}{found.pk}/change/", {"state": State.READY, "original_name": "other"})
    found.refresh_from_db()
    assert response.status_code == 403
    assert (found.state, found.original_name) == (State.REJECTED, "picture.png")


def delete_on_its_page(client: Client, asset: FileAsset) -> None:
    client.post(f"{LIST}{asset.pk}/delete/", {"post": "yes"})


def delete_from_the_list(client: Client, asset: FileAsset) -> None:
    client.post(LIST, {"action": "delete_selected", "_selected_action": [str(asset.pk)], "post": "yes"})


@pytest.mark.parametrize("delete", [delete_on_its_page, delete_from_the_list])
def test_deleting_removes_row_and_bytes(
    admin_client: Client,
    ready: FileAsset,
    stored: Callable[[], list[str]],
    django_capture_on_commit_callbacks: Callable[..., Any],
    delete: Callable[[Client, FileAsset], None],
) -> None:
    assert stored() == [ready.file.name]
    with django_capture_on_commit_callbacks(execute=True):
        delete(admin_client, ready)
    assert not FileAsset.objects.exists()
    assert stored() == []


@pytest.mark.parametrize("delete", [delete_on_its_page, delete_from_the_list])
def test_a_file_that_is_still_arriving_can_be_deleted(
    admin_client: Client, delete: Callable[[Client, FileAsset], None]
) -> None:
    found = asset(state=State.RECEIVING)
    Upload.objects.create(asset=found, store_state={"name": "x"}, expires_at=timezone.now())
    delete(admin_client, found)
    assert not FileAsset.objects.exists()
    assert not Upload.objects.exists()


@pytest.mark.parametrize(
    ("permissions", "actions"),
    [
        (["view"], set()),
        (["view", "change"], {"reprocess", "block"}),
        (["view", "delete"], {"delete_selected"}),
    ],
    ids=["view", "change", "delete"],
)
def test_the_actions_are_those_that_are_permitted(
    staff_with: Callable[..., Client], permissions: list[str], actions: set[str]
) -> None:
    asset()
    assert offered_actions(staff_with(*permissions).get(LIST)) == actions


@pytest.mark.parametrize("action", ["reprocess", "block", "delete_selected"])
def test_an_action_that_is_not_permitted_does_nothing(staff_with: Callable[..., Client], action: str) -> None:
    found = asset()
    client = staff_with("view")
    client.post(LIST, {"action": action, "_selected_action": [str(found.pk)], "post": "yes"})
    found.refresh_from_db()
    assert found.state == State.READY


def test_the_change_permission_does_not_allow_editing(staff_with: Callable[..., Client]) -> None:
    found = asset()
    response = staff_with("view", "change").post(f"{LIST}{found.pk}/change/", {"original_name": "other"})
    assert response.status_code == 403


def test_the_view_permission_does_not_allow_deletion(staff_with: Callable[..., Client]) -> None:
    found = asset()
    response = staff_with("view", "change").post(f"{LIST}{found.pk}/delete/", {"post": "yes"})
    assert response.status_code == 403


def test_staff_without_permissions_see_nothing(staff_with: Callable[..., Client]) -> None:
    assert staff_with().get(LIST).status_code == 403


def test_others_are_asked_to_log_in(client: Client, owner: User) -> None:
    client.force_login(owner)
    response = client.get(LIST)
    assert (response.status_code, response["Location"]) == (302, f"{reverse('admin:login')}?next={LIST}")


def test_the_owner_is_not_told_who_blocked_a_file(admin_client: Client, admin_user: User) -> None:
    found = asset()
    act(admin_client, "block", found)
    found.refresh_from_db()
    assert admin_user.get_username() not in found.detail


@pytest.mark.parametrize(("action", "words"), [("reprocess", "Processed again."), ("block", "Blocked.")])
def test_who_did_it_is_in_the_admins_log(admin_client: Client, admin_user: User, action: str, words: str) -> None:
    found = asset()
    act(admin_client, action, found, asset(state=State.RECEIVING))
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id, entry.get_change_message()) == (admin_user, str(found.pk), words)


@pytest.mark.parametrize(
    ("columns", "progress"),
    [
        ({"state": State.PROCESSING, "stage": Stage.READING, "size": 200, "stage_done": 50}, "reading 25 %"),
        ({"state": State.PROCESSING, "stage": Stage.SNIFFING, "size": 0}, "-"),
        ({"state": State.RECEIVING, "size": 200}, "0 %"),
        ({"state": State.READY, "size": 200, "stage_done": 50}, "-"),
    ],
    ids=["reading", "empty", "receiving", "ready"],
)
def test_progress_is_shown_of_what_is_going_on(
    admin_client: Client, columns: dict[str, object], progress: str
) -> None:
    FileAsset.objects.create(original_name="a", **columns)
    content = admin_client.get(reverse("admin:django_largefiles_fileasset_changelist")).content.decode()
    assert f'<td class="field-progress">{progress}</td>' in content
