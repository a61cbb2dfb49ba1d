"""REST framework's authenticators at the resumable door."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from pytest_django.fixtures import Settings

pytest.importorskip("rest_framework", reason="Django REST framework is not installed")

from rest_framework.authentication import BaseAuthentication, TokenAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from django_largefiles.api.authentication import FrameworkAuthenticator
from django_largefiles.models import FileAsset
from tests.conftest import Largefiles, png
from tests.doors.resumable.ietf_client import append, asset_at, cancel, create, kept, problem, retrieve
from tests.multipart import CountingBody

pytestmark = pytest.mark.django_db(transaction=True)

Stored = Callable[[], list[str]]
Ask = Callable[..., Any]
Use = Callable[..., None]
PICTURE = png(padding=5000)
CSRF_TOKEN = "t" * 32

SESSION = "rest_framework.authentication.SessionAuthentication"
BASIC = "rest_framework.authentication.BasicAuthentication"
TOKEN = f"{__name__}.Tokens"
DOWN = f"{__name__}.Down"


class Tokens(TokenAuthentication):
    """The framework's own, but for its table, which the suite does not have: the key is the user's name."""

    def authenticate_credentials(self, key: str) -> tuple[User, str]:
        user = User.objects.filter(username=key).first()
        if user is None:
            raise AuthenticationFailed("Invalid token.")
        return user, key


class Down(BaseAuthentication):
    """What it asks does not answer."""

    def authenticate(self, request: Request) -> None:
        raise APIException("the directory does not answer")


def basic(name: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"


@pytest.fixture
def use(settings: Settings, largefiles: Largefiles) -> Use:
    """Have the framework's settings name these authenticators."""

    def configure(*paths: str) -> None:
        settings.REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": list(paths)}
        largefiles.set(AUTHENTICATOR="django_largefiles.api.authentication.FrameworkAuthenticator")

    return configure


@pytest.fixture
def anybody() -> Client:
    """Of whom nothing is known, and who is believed nothing."""
    return Client(enforce_csrf_checks=True)


def post(client: Client, url: str, **fields: object) -> Any:
    return create(client, PICTURE, **fields)


def patch(client: Client, url: str, **fields: object) -> Any:
    return append(client, url, PICTURE[1000:], at=1000, **fields)


VERBS = pytest.mark.parametrize("ask", [post, patch, cancel, retrieve], ids=["POST", "PATCH", "DELETE", "HEAD"])
UNSAFE = pytest.mark.parametrize("ask", [post, patch, cancel], ids=["POST", "PATCH", "DELETE"])

CREDENTIALS = pytest.mark.parametrize(
    ("path", "right", "wrong", "challenge"),
    [
        (TOKEN, "Token owner", "Token nobody", "Token"),
        (BASIC, basic("owner", "secret"), basic("owner", "wrong"), 'Basic realm="api"'),
    ],
    ids=["token", "basic"],
)


@VERBS
@CREDENTIALS
def test_right_credentials_let_a_request_in(
    ask: Ask, path: str, right: str, wrong: str, challenge: str, anybody: Client, use: Use, owner: User
) -> None:
    use(path)
    url = create(anybody, PICTURE[:1000], upload_complete="?0", authorization=right)["Location"]
    assert asset_at(url).owner == owner
    assert ask(anybody, url, authorization=right).status_code in {201, 204}


@VERBS
@CREDENTIALS
def test_wrong_credentials_are_challenged_and_change_nothing(
    ask: Ask, path: str, right: str, wrong: str, challenge: str, anybody: Client, use: Use, owner: User
) -> None:
    use(path)
    url = create(anybody, PICTURE[:1000], upload_complete="?0", authorization=right)["Location"]
    before = kept(url)
    answer = ask(anybody, url, authorization=wrong)
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, challenge)
    assert (kept(url), FileAsset.objects.count()) == (before, 1)


@CREDENTIALS
@pytest.mark.parametrize("sent", [False, True], ids=["none", "wrong"])
def test_without_right_credentials_no_byte_is_read(
    sent: bool, path: str, right: str, wrong: str, challenge: str, anybody: Client, use: Use, stored: Stored
) -> None:
    use(path)
    body = CountingBody(PICTURE)
    answer = create(anybody, body, authorization=wrong if sent else None)
    assert problem(answer) == (401, "not_authenticated")
    assert answer["WWW-Authenticate"] == challenge
    assert body.consumed == 0
    assert stored() == []


class TestSession:
    @pytest.fixture
    def browser(self, anybody: Client, owner: User, use: Use) -> Client:
        use(SESSION)
        anybody.force_login(owner)
        anybody.cookies["csrftoken"] = CSRF_TOKEN
        return anybody

    @pytest.fixture
    def url(self, browser: Client) -> str:
        url: str = create(browser, PICTURE[:1000], upload_complete="?0", x_csrftoken=CSRF_TOKEN)["Location"]
        return url

    @UNSAFE
    def test_the_token_in_the_header_lets_the_request_in(self, ask: Ask, browser: Client, url: str) -> None:
        assert ask(browser, url, x_csrftoken=CSRF_TOKEN).status_code in {201, 204}

    @UNSAFE
    def test_a_forged_request_changes_nothing(self, ask: Ask, browser: Client, url: str) -> None:
        before = kept(url)
        assert problem(ask(browser, url)) == (403, "csrf_failed")
        assert (kept(url), FileAsset.objects.count()) == (before, 1)

    def test_a_forged_form_is_not_read_for_its_token(self, browser: Client) -> None:
        body = CountingBody(b"csrfmiddlewaretoken=" + CSRF_TOKEN.encode())
        answer = create(browser, body, content_type="application/x-www-form-urlencoded")
        assert problem(answer) == (403, "csrf_failed")
        assert body.consumed == 0

    def test_asking_needs_no_token(self, browser: Client, url: str) -> None:
        assert retrieve(browser, url).status_code == 204

    def test_an_anonymous_user_is_refused_without_a_challenge(self, anybody: Client, use: Use) -> None:
        use(SESSION)
        answer = create(anybody, PICTURE)
        assert problem(answer) == (403, "not_permitted")
        assert "WWW-Authenticate" not in answer


def test_wrong_credentials_if_the_first_authenticator_has_no_challenge(anybody: Client, use: Use) -> None:
    use(SESSION, TOKEN)
    answer = create(anybody, PICTURE, authorization="Token nobody")
    assert problem(answer) == (403, "not_permitted")
    assert answer.json()["detail"] == "Invalid token."


def test_any_of_several_authenticators_will_do(anybody: Client, use: Use, owner: User) -> None:
    use(SESSION, TOKEN, BASIC)
    url = create(anybody, PICTURE, authorization=basic("owner", "secret"))["Location"]
    assert asset_at(url).owner == owner


def test_an_authenticator_that_fails_authenticates_no_user(anybody: Client, use: Use, stored: Stored) -> None:
    use(DOWN)
    assert problem(create(anybody, PICTURE)) == (403, "not_permitted")
    assert stored() == []


def test_without_any_authenticator_the_user_is_anonymous(use: Use) -> None:
    use()
    request = RequestFactory().post("/")
    authenticator = FrameworkAuthenticator()
    assert (authenticator.authenticate(request).is_anonymous, authenticator.challenge(request)) == (True, "")


class Wait(BaseThrottle):
    """Admits nothing."""

    def allow_request(self, request: Request, view: object) -> bool:
        assert request.user.is_authenticated
        return False

    def wait(self) -> float | None:
        return 2.5


class WaitForEver(Wait):
    """Does not know how long."""

    def wait(self) -> None:
        return None


@pytest.mark.parametrize(
    ("names", "seconds"), [(["Wait"], "3"), (["WaitForEver"], "1"), (["WaitForEver", "Wait"], "3")]
)
def test_the_framework_s_throttles_are_asked_for_creations_alone(
    names: list[str], seconds: str, client: Client, owner: User, use: Use, settings: Settings, stored: Stored
) -> None:
    use(SESSION)
    client.force_login(owner)
    url = create(client, PICTURE[:1000], upload_complete="?0")["Location"]
    classes = [f"{__name__}.{name}" for name in names]
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_CLASSES": classes}
    answer = create(client, PICTURE)
    assert problem(answer) == (429, "throttled")
    assert answer["Retry-After"] == seconds
    assert append(client, url, PICTURE[1000:], at=1000).status_code == 201
    assert stored() == [asset_at(url).file.name]
