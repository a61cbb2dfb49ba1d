"""The admin of the files themselves."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.contrib.messages import WARNING, get_messages
from django.db import connection
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import strip_tags
from pytest_django.fixtures import Settings

from django_largefiles.access import OwnerOrStaff
from django_largefiles.admin import files
from django_largefiles.models import FileAsset, FileAssetQuerySet, Upload
from django_largefiles.states import Reason, Stage, State
from tests.conftest import Largefiles, create_asset

pytestmark = pytest.mark.django_db

LIST = "/admin/django_largefiles/fileasset/"
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]+)">')
CELL = re.compile(r'<t[dh] class="field-(\w+)[^"]*">(.*?)</t[dh]>')


def asset(name: str = "picture.png", **values: Any) -> FileAsset:
    return create_asset(**{"original_name": name, "state": State.READY, **values})


def names(response: HttpResponse) -> list[str]:
    """Of the listed files, in their order."""
    return [each.original_name for each in response.context["cl"].result_list]  # type: ignore[attr-defined]


def offered_actions(response: HttpResponse) -> set[str]:
    form = response.context["action_form"]  # type: ignore[attr-defined]
    return {name for name, _ in form.fields["action"].choices if name} if form else set()


def act(client: Client, action: str, *assets: FileAsset, **data: Any) -> HttpResponse:
    """Run an action; ``block`` with a reason, as its page asks for."""
    data = {"reason": "a court order", **data} if action == "block" else data
    return client.post(LIST, {"action": action, "_selected_action": [str(each.pk) for each in assets], **data})


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
        "name": "picture.png",
        "badge": "rejected type does not fit the name",
        "content": "7\xa0bytesimage/png",
        "owner": "owner",
        "profile": "videos",
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
        ("reason=blocked", {"blocked"}),
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


def test_a_page_asks_why_files_are_blocked(admin_client: Client) -> None:
    assets = [asset(f"{number}.png") for number in range(21)]
    page = act(admin_client, "block", *assets, reason="").content.decode()
    assert "<bdi>0.png</bdi>" not in page and "<bdi>20.png</bdi>" in page and "21 files in all." in page
    assert "This field is required." in page
    assert not FileAsset.objects.exclude(state=State.READY).exists()
    first = admin_client.post(LIST, {"action": "block", "_selected_action": [str(assets[0].pk)]}).content.decode()
    assert "This field is required." not in first and "files in all" not in first


def test_the_owner_is_told_the_reason(admin_client: Client) -> None:
    found = asset()
    act(admin_client, "block", found, reason="court order 4711")
    found.refresh_from_db()
    assert found.detail == "court order 4711"


@pytest.mark.parametrize("action", ["reprocess", "block"])
def test_too_many_files_at_once_are_left_as_they_are(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    monkeypatch.setattr(files, "SELECTED_AT_MOST", 1)
    response = act(admin_client, action, asset(), asset())
    assert said(response) == [("At most 1 files can be handled at once. Nothing was changed.", False)]
    assert FileAsset.objects.filter(state=State.READY).count() == 2


@pytest.mark.parametrize(("fields", "limit"), [(None, 1000), (1000, 990), (5000, 1000), (15, 5), (5, 1)])
def test_the_limit_leaves_room_in_the_form(fields: int | None, limit: int, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = fields
    assert files.selected_at_most() == limit


def test_as_many_files_as_the_form_takes_are_blocked(admin_client: Client, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 13
    found = [asset(str(number)) for number in range(3)]
    form = admin_client.post(LIST, {"action": "block", "select_across": "1", "index": "0", "_selected_action": "x"})
    fields = HIDDEN.findall(form.content.decode())
    assert sorted(value for name, value in fields if name == "_selected_action") == sorted(
        str(each.pk) for each in found
    )
    data = {name: [value for other, value in fields if other == name] for name, _ in fields}
    data |= {"reason": ["a court order"], "csrfmiddlewaretoken": ["x"]}
    assert admin_client.post(LIST, data).status_code == 302
    assert FileAsset.objects.filter(state=State.REJECTED).count() == 3


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


def test_a_file_can_be_looked_at(admin_client: Client) -> None:
    found = asset(title="<script>alert(1)</script>", file="largefiles/ab/cd/abcd")
    response = admin_client.get(f"{LIST}{found.pk}/change/")
    page = response.content.decode()
    assert response.status_code == 200
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "largefiles/ab/cd/abcd" not in page, "a link past the checks of delivery"


def page_of(client: Client, asset: FileAsset) -> str:
    return client.get(f"{LIST}{asset.pk}/change/").content.decode()


@pytest.mark.parametrize("state", State)
def test_a_ready_file_is_downloaded_from_its_page(state: State, admin_client: Client) -> None:
    found = asset(state=state)
    assert (f'<a href="{found.url}">Download</a>' in page_of(admin_client, found)) == (state == State.READY)


def test_a_file_to_which_no_url_leads_has_a_page(admin_client: Client, settings: Settings) -> None:
    module: Any = ModuleType("urls")
    module.urlpatterns = [path("admin/", admin.site.urls)]
    settings.ROOT_URLCONF = module
    page = page_of(admin_client, asset())
    assert "Download" not in page and "The file cannot be shown here." in page


class NoDownloads(OwnerOrStaff):
    def may_download(self, user: Any, asset: FileAsset) -> bool:
        return False


def test_a_file_is_not_shown_to_those_who_may_not_download_it(admin_client: Client, largefiles: Largefiles) -> None:
    largefiles.set(ACCESS_POLICY=f"{__name__}.NoDownloads")
    found = asset(media_type="image/png")
    page = page_of(admin_client, found)
    assert found.url not in page and "The file cannot be shown here." in page


@pytest.mark.parametrize(
    ("columns", "element"),
    [
        ({"media_type": "image/png"}, "<img "),
        ({"media_type": "image/png", "size": None, "state": State.RECEIVING}, "is still being uploaded"),
        ({"media_type": "image/png", "size": 21 << 20}, 'target="_blank"'),
        ({"media_type": "video/mp4"}, "<video "),
        ({"media_type": "audio/mpeg"}, "<audio "),
        ({"media_type": "application/pdf"}, 'target="_blank"'),
        ({"media_type": "text/html"}, '/download/"><bdi>'),
        ({"media_type": "image/svg+xml"}, '/download/"><bdi>'),
        ({"media_type": "image/png", "state": State.FAILED}, "could not be processed"),
    ],
    ids=["image", "arriving", "large-image", "film", "sound", "PDF", "page", "drawing", "failed"],
)
def test_only_safe_types_are_shown(admin_client: Client, columns: dict[str, Any], element: str) -> None:
    page = page_of(admin_client, asset(**columns))
    preview = page[page.index('class="largefiles-preview"') : page.index('class="largefiles-times"')]
    assert element in preview
    shown = [name for name in ("<img ", "<video ", "<audio ", "<iframe", "<object", "<embed") if name in preview]
    assert shown == [name for name in ("<img ", "<video ", "<audio ") if name == element]


def test_a_page_shows_what_is_known_in_groups(admin_client: Client, owner: User) -> None:
    found = asset(size=3 << 20, owner=owner, sha256="ab" * 32, width=3)
    page = strip_tags(page_of(admin_client, found))
    for text in (str(found.pk), "3.0\xa0MB", "owner", "ab" * 32, "Metadata", "Width:"):
        assert text in page
    for text in ("Height:", "Scan verdict:", "Expected SHA-256:", "Detail:"):
        assert text not in page


@pytest.mark.parametrize(
    ("columns", "permissions", "offered"),
    [
        ({}, ["reprocess", "block"], ["reprocess", "block"]),
        ({}, ["block"], ["block"]),
        ({}, [], []),
        ({"state": State.FAILED}, ["reprocess", "block"], ["reprocess"]),
        ({"state": State.PROCESSING}, ["reprocess", "block"], []),
        ({"state": State.REJECTED, "reason": Reason.BLOCKED, "file": "a"}, ["reprocess", "block"], []),
        ({"state": State.REJECTED, "reason": Reason.UNSCANNABLE, "file": "a"}, ["reprocess", "block"], ["reprocess"]),
    ],
    ids=["ready", "one", "none", "failed", "processing", "blocked", "quarantine"],
)
def test_the_page_offers_what_can_be_done(
    staff_with: Callable[..., Client], columns: dict[str, Any], permissions: list[str], offered: list[str]
) -> None:
    page = page_of(staff_with("view", *permissions), asset(**columns))
    assert re.findall(r'<button form="largefiles-tools" name="action" value="(\w+)">', page) == offered
    assert ('<form id="largefiles-tools"' in page) == bool(offered)


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
        (["view", "change"], set()),
        (["view", "reprocess"], {"reprocess"}),
        (["view", "block"], {"block"}),
        (["view", "delete"], {"delete_selected"}),
    ],
    ids=["view", "change", "reprocess", "block", "delete"],
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
    act(client, action, found, post="yes")
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


@pytest.mark.parametrize(
    ("path", "status"),
    # The history of a file that the policy hides is answered as that of none.
    [("", 403), ("{pk}/change/", 403), ("{pk}/history/", 302), ("overview/", 403)],
)
def test_the_change_permission_does_not_allow_looking(
    path: str, status: int, staff_with: Callable[..., Client]
) -> None:
    found = asset()
    assert staff_with("change").get(LIST + path.format(pk=found.pk)).status_code == status
    assert staff_with("view").get(LIST + path.format(pk=found.pk)).status_code == 200


def test_others_are_asked_to_log_in(client: Client, owner: User) -> None:
    client.force_login(owner)
    response = client.get(LIST)
    assert (response.status_code, response["Location"]) == (302, f"{reverse('admin:login')}?next={LIST}")


def test_the_owner_is_not_told_who_blocked_a_file(admin_client: Client, admin_user: User) -> None:
    found = asset()
    act(admin_client, "block", found)
    found.refresh_from_db()
    assert admin_user.get_username() not in found.detail


@pytest.mark.parametrize(("action", "words"), [("reprocess", "Processed again."), ("block", "Blocked: a court order")])
def test_who_did_it_is_in_the_admins_log(admin_client: Client, admin_user: User, action: str, words: str) -> None:
    found = asset()
    act(admin_client, action, found, asset(state=State.RECEIVING))
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id, entry.get_change_message()) == (admin_user, str(found.pk), words)


@pytest.mark.parametrize(
    ("columns", "progress"),
    [
        (
            {"state": State.PROCESSING, "stage": Stage.READING, "size": 200, "stage_done": 50},
            "processing reading 25 %",
        ),
        ({"state": State.PROCESSING, "stage": Stage.SNIFFING, "size": 0}, "processing"),
        ({"state": State.RECEIVING, "size": 200}, "receiving 0 %"),
        ({"state": State.READY, "size": 200, "stage_done": 50}, "ready"),
    ],
    ids=["reading", "empty", "receiving", "ready"],
)
def test_progress_is_shown_of_what_is_going_on(
    admin_client: Client, columns: dict[str, object], progress: str
) -> None:
    FileAsset.objects.create(original_name="a", **columns)
    cells = dict(CELL.findall(admin_client.get(LIST).content.decode()))
    assert strip_tags(cells["badge"]) == progress


def test_a_size_that_is_unknown_is_not_shown(admin_client: Client) -> None:
    FileAsset.objects.create(original_name="a")
    assert dict(CELL.findall(admin_client.get(LIST).content.decode()))["content"] in {"", "-"}


def test_the_list_can_be_ordered_by_the_index_alone(admin_client: Client) -> None:
    for number in range(3):
        asset(str(number))
    response = admin_client.get(f"{LIST}?o=6")
    assert names(response) == ["0", "1", "2"]
    by_name = admin_client.get(f"{LIST}?o=1").context["cl"].queryset
    assert by_name.query.order_by[:2] == ("-created_at", "pk")


def test_the_list_has_no_facets(admin_client: Client) -> None:
    response = admin_client.get(f"{LIST}?_facets=True")
    assert not response.context["cl"].add_facets


@admin.display(description="mail")
def owners_mail(found: FileAsset) -> str:
    return str(found.owner.email)  # type: ignore[union-attr]


class OwnAdmin(files.FileAssetAdmin):
    fieldsets = (
        ("Rows", {"fields": ("name", ("width", "height"), ("page_count", "title"))}),
        ("Functions", {"fields": (owners_mail, "length_of_name")}),
    )
    readonly_fields = (*files.FileAssetAdmin.readonly_fields, owners_mail, "length_of_name")

    def length_of_name(self, found: FileAsset) -> int:
        return len(found.original_name)


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        ({"width": 3, "height": 2}, ["name", ("width", "height"), owners_mail, "length_of_name"]),
        ({"height": 2}, ["name", ("height",), owners_mail, "length_of_name"]),
        ({"owner": None, "title": "A film"}, ["name", ("title",), "length_of_name"]),
    ],
    ids=["a row", "part of a row", "a function that fails"],
)
def test_a_host_groups_fields_and_adds_functions(
    columns: dict[str, Any], shown: list[Any], rf: RequestFactory, admin_user: User, owner: User
) -> None:
    owner.email = "owner@example.org"
    owner.save()
    found = asset(**{"owner": owner, **columns})
    own = OwnAdmin(FileAsset, admin.site)
    assert not own.check()
    request = rf.get("/")
    request.user = admin_user
    page = own.change_view(request, str(found.pk)).render()
    fieldsets = page.context_data["adminform"].fieldsets
    assert [field for _title, options in fieldsets for field in options["fields"]] == shown


class OwnersAlone(OwnerOrStaff):
    """Shows each user their own files, whatever their permissions; those of a name may be shown and no more."""

    def may_view(self, user: Any, asset: FileAsset) -> bool:
        return asset.owner_id == user.pk

    def may_delete(self, user: Any, asset: FileAsset) -> bool:
        return self.may_view(user, asset) and asset.original_name != "kept"

    may_reprocess = may_delete

    def visible(self, user: Any, assets: FileAssetQuerySet) -> FileAssetQuerySet:
        # As of a policy that joins.
        return assets.filter(owner=user.pk).distinct()


class TestThePolicy:
    """The admin asks it besides the permissions."""

    @pytest.fixture(autouse=True)
    def _policy(self, largefiles: Largefiles) -> None:
        largefiles.set(ACCESS_POLICY=f"{__name__}.OwnersAlone")

    def test_it_decides_what_is_listed(self, admin_client: Client, admin_user: User, owner: User) -> None:
        theirs, _ = asset("theirs", owner=owner), asset("mine", owner=admin_user)
        assert names(admin_client.get(LIST)) == ["mine"]
        for page in ("change", "history", "delete"):
            # As for a file that does not exist.
            assert admin_client.get(f"{LIST}{theirs.pk}/{page}/").status_code == 302

    def test_it_decides_what_the_overview_shows(self, admin_client: Client, admin_user: User, owner: User) -> None:
        for user in (owner, admin_user):
            Upload.objects.create(
                asset=asset(user.username, owner=user, state=State.RECEIVING),
                store_state={},
                expires_at=timezone.now(),
            )
            asset(user.username, owner=user, state=State.FAILED)
        sections = {each.state: each for each in admin_client.get(f"{LIST}overview/").context["sections"]}
        for state in (State.RECEIVING, State.FAILED):
            assert [each.owner for each in sections[state].assets] == [admin_user]
            assert sections[state].count.number == 1

    @pytest.mark.parametrize("action", ["reprocess", "block", "delete_selected"])
    def test_what_it_hides_is_out_of_reach(self, action: str, admin_client: Client, owner: User) -> None:
        found = asset(owner=owner)
        act(admin_client, action, found, post="yes")
        assert FileAsset.objects.get(pk=found.pk).state == State.READY

    @pytest.mark.parametrize("action", ["reprocess", "delete_selected"])
    def test_it_may_let_staff_look_and_no_more(self, action: str, admin_client: Client, admin_user: User) -> None:
        found = asset("kept", owner=admin_user)
        act(admin_client, action, found, post="yes")
        assert FileAsset.objects.get(pk=found.pk).state == State.READY
        page = admin_client.get(f"{LIST}{found.pk}/change/")
        assert [name for name, _text in page.context["tools"]] == ["block"]
        assert not page.context["has_delete_permission"]
        assert admin_client.post(f"{LIST}{found.pk}/delete/", {"post": "yes"}).status_code == 403

    @pytest.mark.parametrize("action", ["reprocess", "block", "delete_selected"])
    def test_what_it_allows_is_done(self, action: str, admin_client: Client, admin_user: User) -> None:
        found = asset(owner=admin_user)
        act(admin_client, action, found, post="yes")
        assert not FileAsset.objects.filter(pk=found.pk, state=State.READY).exists()
