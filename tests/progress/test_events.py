"""The view of events under WSGI, and as JSON for clients that poll."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from django_largefiles.authentication import Authenticator
from django_largefiles.models import FileAsset
from django_largefiles.progress import Status
from django_largefiles.states import State
from django_largefiles.views import events
from tests.conftest import Largefiles, create_asset
from tests.progress.browser import STREAM, query_of

pytestmark = pytest.mark.django_db

URL = "/files/events/"
JSON = "application/json"


@pytest.fixture
def client(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


def ask(client: Client, *asset_ids: UUID, accept: str = JSON, version: str = "") -> Any:
    return client.get(f"{URL}?{query_of(asset_ids)}", headers={"Accept": accept, "Last-Event-ID": version})


def test_the_view_has_a_name() -> None:
    assert reverse("largefiles:events") == URL


def test_a_poll_is_answered_with_the_status_of_each_asset(
    client: Client, received: FileAsset, ready: FileAsset
) -> None:
    arriving = create_asset(owner=ready.owner)
    answer = ask(client, arriving.pk, ready.pk)
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    assert {"Accept", "Cookie"} <= set(answer["Vary"].split(", "))
    assert answer.json() == {
        "version": answer.json()["version"],
        "settled": False,
        "states": [Status.of(arriving).as_json(), Status.of(ready).as_json()],
        "gone": [],
    }


def test_a_later_poll_is_answered_with_changes(client: Client, owner: User) -> None:
    first, second = create_asset(owner=owner, state=State.PROCESSING), create_asset(owner=owner, state=State.READY)
    version = ask(client, first.pk, second.pk).json()["version"]
    again = ask(client, first.pk, second.pk, version=version).json()
    assert again == {"version": version, "settled": False, "states": [], "gone": []}
    FileAsset.objects.filter(pk=first.pk).update(state=State.READY)
    changed = ask(client, first.pk, second.pk, version=version).json()
    assert ([state["id"] for state in changed["states"]], changed["settled"]) == ([str(first.pk)], True)
    assert changed["version"] != version


def test_an_asset_that_is_deleted_is_gone(client: Client, owner: User) -> None:
    asset = create_asset(owner=owner)
    pk, version = asset.pk, ask(client, asset.pk).json()["version"]
    asset.delete()
    answer = ask(client, pk, version=version).json()
    assert (answer["states"], answer["gone"], answer["settled"]) == ([], [str(pk)], True)


@pytest.mark.parametrize("user", ["stranger", None])
def test_assets_of_others_are_answered_as_none(
    user: str | None, client: Client, owner: User, request: pytest.FixtureRequest
) -> None:
    asset, unknown = create_asset(owner=owner, state=State.READY), uuid4()
    client.logout()
    if user:
        client.force_login(request.getfixturevalue(user))
    answers = [ask(client, asset_id) for asset_id in (asset.pk, unknown)]
    for answer, asset_id in zip(answers, (asset.pk, unknown), strict=True):
        assert answer.json() | {"version": ""} == {
            "version": "",
            "settled": True,
            "states": [],
            "gone": [str(asset_id)],
        }
    assert answers[0].headers == answers[1].headers


def test_a_poll_of_a_hundred_is_one_query(
    client: Client, owner: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    assets = [create_asset(owner=owner).pk for _ in range(100)]
    with django_assert_num_queries(1 + 2 + 2) as queries:
        assert len(ask(client, *assets).json()["states"]) == 100
    # Besides those of the session and the user's permissions.
    assert sum("django_largefiles_upload" in query["sql"] for query in queries.captured_queries) == 1


@pytest.mark.parametrize("accept", [STREAM, "*/*", f"{STREAM}, {JSON};q=0.5", "text/html"])
def test_a_stream_is_not_there_under_wsgi(
    accept: str, client: Client, owner: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    asset = create_asset(owner=owner)
    # Those of the session.
    with django_assert_max_num_queries(2):
        answer = ask(client, asset.pk, accept=accept)
    assert (answer.status_code, answer.content, answer["Cache-Control"]) == (204, b"", "no-store")
    assert "Content-Length" not in answer


@pytest.mark.parametrize("accept", [STREAM, JSON])
@pytest.mark.parametrize(
    "query",
    [
        pytest.param("", id="none"),
        pytest.param("asset=1", id="no id"),
        pytest.param(query_of([UUID(int=number) for number in range(101)]), id="101"),
    ],
)
def test_what_cannot_be_followed_is_refused(accept: str, query: str, client: Client) -> None:
    answer = client.get(f"{URL}?{query}", headers={"Accept": accept})
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert (answer.json()["code"], answer["Cache-Control"]) == ("malformed_request", "no-store")


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE"])
def test_other_methods_are_refused(method: str, client: Client) -> None:
    answer = client.generic(method, URL)
    assert (answer.status_code, answer["Allow"]) == (405, "GET, OPTIONS")


def test_options_are_told(client: Client) -> None:
    assert client.options(URL)["Allow"] == "GET, OPTIONS"


def test_pages_of_other_origins_may_ask(client: Client, owner: User, largefiles: Largefiles) -> None:
    largefiles.set(CORS_ALLOWED_ORIGINS=["https://app.example.com"])
    origin = {"Origin": "https://app.example.com"}
    preflight = client.options(URL, headers={**origin, "Access-Control-Request-Headers": "last-event-id"})
    assert "Last-Event-ID" in preflight["Access-Control-Allow-Headers"]
    answer = client.get(f"{URL}?asset={create_asset(owner=owner).pk}", headers={**origin, "Accept": JSON})
    assert answer["Access-Control-Allow-Origin"] == "https://app.example.com"


class Token(Authenticator):
    def authenticate(self, request: HttpRequest) -> User | AnonymousUser:
        return User.objects.get(username=request.headers["Authorization"])


def test_the_authenticator_names_the_user(largefiles: Largefiles, owner: User) -> None:
    """As for the resumable door: clients of an API follow what they have uploaded."""
    largefiles.set(AUTHENTICATOR=f"{__name__}.Token")
    asset = create_asset(owner=owner)
    headers = {"Accept": JSON, "Authorization": "owner"}
    assert len(Client().get(f"{URL}?asset={asset.pk}", headers=headers).json()["states"]) == 1


def test_no_transaction_is_open_while_a_stream_is() -> None:
    assert events._non_atomic_requests  # type: ignore[attr-defined]
