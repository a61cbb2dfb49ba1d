from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest
from django.test import Client
from pytest_django.fixtures import Settings

from django_largefiles import access
from django_largefiles.authentication import Authenticator, SessionAuthenticator, current_authenticator
from django_largefiles.exceptions import NotImportable
from django_largefiles.models import FileAsset
from tests.conftest import Largefiles, png
from tests.doors.resumable.ietf_client import append, asset_at, begun, cancel, create, kept, problem, retrieve
from tests.multipart import CountingBody

pytestmark = pytest.mark.django_db(transaction=True)

Stored = Callable[[], list[str]]
Ask = Callable[..., Any]
PICTURE = png(padding=5000)
TOKEN = "t" * 32


class NamedInAHeader(Authenticator):
    """As a host would write one: whom a proxy in front of it names."""

    def authenticate(self, request: HttpRequest) -> access.User:
        return User.objects.filter(username=request.headers.get("Remote-User")).first() or AnonymousUser()

    def challenge(self, request: HttpRequest) -> str:
        return 'Custom realm="files"'


class NamedWithoutChallenge(NamedInAHeader):
    def challenge(self, request: HttpRequest) -> str:
        return super(NamedInAHeader, self).challenge(request)


def named(authenticator: type[Authenticator]) -> str:
    return f"{__name__}.{authenticator.__name__}"


def post(client: Client, url: str, **fields: object) -> Any:
    return create(client, PICTURE, **fields)


def patch(client: Client, url: str, **fields: object) -> Any:
    return append(client, url, PICTURE[1000:], at=1000, **fields)


def delete(client: Client, url: str, **fields: object) -> Any:
    return cancel(client, url, **fields)


UNSAFE = pytest.mark.parametrize("ask", [post, patch, delete], ids=lambda ask: ask.__name__.upper())


class TestSession:
    @pytest.fixture
    def browser(self, owner: User) -> Client:
        """One that the site knows, and that holds the token."""
        browser = Client(enforce_csrf_checks=True)
        browser.force_login(owner)
        browser.cookies["csrftoken"] = TOKEN
        return browser

    @pytest.fixture
    def url(self, browser: Client) -> str:
        return begun(browser, PICTURE[:1000], x_csrftoken=TOKEN)

    @UNSAFE
    def test_the_token_in_the_header_lets_the_request_in(self, ask: Ask, browser: Client, url: str) -> None:
        assert ask(browser, url, x_csrftoken=TOKEN).status_code in {201, 204}

    @UNSAFE
    @pytest.mark.parametrize(
        "fields",
        [
            {},
            {"x_csrftoken": "u" * 32},
            {"x_csrftoken": TOKEN, "origin": "https://evil.example"},
            {"x_csrftoken": TOKEN, "origin": "null"},
        ],
        ids=["no token", "another token", "another origin", "an opaque origin"],
    )
    def test_a_forged_request_changes_nothing(
        self, ask: Ask, fields: dict[str, str], browser: Client, url: str, stored: Stored
    ) -> None:
        before, files = kept(url), stored()
        assert problem(ask(browser, url, **fields)) == (403, "csrf_failed")
        assert (kept(url), stored(), FileAsset.objects.count()) == (before, files, 1)

    def test_a_forged_request_costs_no_read(self, browser: Client) -> None:
        body = CountingBody(PICTURE)
        assert create(browser, body).status_code == 403
        assert body.consumed == 0

    def test_a_forged_form_that_overrides_the_method_is_refused(self, browser: Client, url: str) -> None:
        answer = create(browser, to=url, upload_complete=None, tus_resumable="1.0.0", x_http_method_override="DELETE")
        assert (answer.status_code, answer.json()["code"]) == (403, "csrf_failed")
        assert asset_at(url)

    def test_a_safe_method_cannot_be_overridden(self, browser: Client, url: str) -> None:
        assert browser.get(url, headers={"X-HTTP-Method-Override": "DELETE"}).status_code == 400
        assert asset_at(url)

    @pytest.mark.parametrize(("method", "status"), [("HEAD", 204), ("GET", 204), ("OPTIONS", 200)])
    def test_asking_needs_no_token(self, method: str, status: int, browser: Client, url: str) -> None:
        assert browser.generic(method, url).status_code == status

    @UNSAFE
    def test_an_anonymous_user_is_refused_without_a_challenge(self, ask: Ask, browser: Client, url: str) -> None:
        browser.logout()
        answer = ask(browser, url)
        # Whether an upload is there is nothing that nobody may know.
        assert answer.status_code == (403 if ask is post else 404)
        assert "WWW-Authenticate" not in answer

    def test_without_sessions_the_user_is_anonymous(self) -> None:
        assert SessionAuthenticator().authenticate(HttpRequest()).is_anonymous


class TestOfTheHost:
    @pytest.fixture(autouse=True)
    def configured(self, largefiles: Largefiles) -> None:
        largefiles.set(AUTHENTICATOR=named(NamedInAHeader))

    def test_whom_it_names_owns_the_upload(self, owner: User) -> None:
        client = Client(enforce_csrf_checks=True)
        url = create(client, PICTURE, remote_user="owner")["Location"]
        assert asset_at(url).owner == owner

    def test_whom_it_does_not_name_is_challenged(self, client: Client) -> None:
        body = CountingBody(PICTURE)
        answer = create(client, body)
        assert problem(answer) == (401, "not_authenticated")
        assert answer["WWW-Authenticate"] == 'Custom realm="files"'
        assert body.consumed == 0

    def test_whom_it_names_is_refused_without_a_challenge(
        self, client: Client, owner: User, largefiles: Largefiles
    ) -> None:
        largefiles.set(ACCESS_POLICY="tests.policies.NoMoreUploads")
        answer = create(client, PICTURE, remote_user="owner")
        assert problem(answer) == (403, "not_permitted")
        assert "WWW-Authenticate" not in answer

    def test_without_a_challenge_an_anonymous_user_is_forbidden(self, client: Client, largefiles: Largefiles) -> None:
        largefiles.set(AUTHENTICATOR=named(NamedWithoutChallenge))
        assert problem(create(client, PICTURE)) == (403, "not_permitted")

    def test_a_session_does_not_count(self, client: Client, owner: User) -> None:
        client.force_login(owner)
        assert create(client, PICTURE).status_code == 401

    def test_an_upload_of_another_is_not_found(self, client: Client, owner: User, stranger: User) -> None:
        url = create(client, PICTURE[:1000], upload_complete="?0", remote_user="owner")["Location"]
        assert retrieve(client, url, remote_user="owner").status_code == 204
        assert retrieve(client, url, remote_user="stranger").status_code == 404
        assert retrieve(client, url).status_code == 404


def test_without_a_framework_it_is_the_session_s() -> None:
    assert type(current_authenticator()) is SessionAuthenticator


def test_with_rest_framework_it_is_the_framework_s(settings: Settings) -> None:
    pytest.importorskip("rest_framework", reason="Django REST framework is not installed")
    from django_largefiles.api.authentication import FrameworkAuthenticator

    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "rest_framework"]
    assert type(current_authenticator()) is FrameworkAuthenticator


@pytest.mark.parametrize("path", ["nowhere.Authenticator", "django_largefiles.access.OwnerOrStaff"])
def test_one_that_is_none_is_named(path: str, largefiles: Largefiles) -> None:
    largefiles.set(AUTHENTICATOR=path)
    with pytest.raises(NotImportable, match="AUTHENTICATOR"):
        current_authenticator()
