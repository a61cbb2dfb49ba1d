from __future__ import annotations

import hashlib
import re
import uuid
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core import signing
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.urls import include, path, resolve, reverse
from pytest_django.fixtures import Settings

from django_largefiles import lifecycle, links
from django_largefiles.exceptions import LinkExpired, LinkInvalid
from django_largefiles.links import Link
from django_largefiles.models import FileAsset
from django_largefiles.states import State
from django_largefiles.views import link as link_view
from tests.conftest import Largefiles, png

NOW = 1_800_000_123.5
HOUR = 3600
DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

pytestmark = pytest.mark.django_db(transaction=True)


class Clock:
    """The time that links are made and followed at."""

    def __init__(self) -> None:
        self.now = NOW

    def time(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(links, "time", clock)
    return clock


def made(**changes: Any) -> Link:
    values = {"asset_id": uuid.uuid4(), "generation": 0, "expires_at": int(NOW) + 1, "disposition": "attachment"}
    return Link(**{**values, **changes})


def get(client: Client, url: str, **headers: str) -> tuple[int, Any]:
    """The status, and the bytes of the file or the code of the refusal."""
    with closing(client.get(url, headers=headers)) as answer:
        if answer.status_code >= 400:
            return answer.status_code, answer.json()["code"]
        return answer.status_code, answer.getvalue()


OK = (200, png())

# The token.


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"disposition": "inline"},
        {"user_key": "4711"},
        {"user_key": "jos\u00e9/\u6728@example.org"},
        {"generation": 2_147_483_647},
        {"expires_at": int(NOW) + 400 * 24 * HOUR},
    ],
    ids=["least", "inline", "user", "user with a text for a key", "blocked often", "for long"],
)
def test_a_token_has_all_of_a_link(changes: dict[str, Any]) -> None:
    link = made(**changes)
    token = link.token()
    assert Link.read(token) == link
    assert re.fullmatch(r"[\w.-]+", token)


def test_a_token_is_short() -> None:
    assert len(made().token()) < 80


@pytest.mark.parametrize("position", range(len(made().token())))
def test_a_token_that_was_changed_anywhere_is_invalid(position: int) -> None:
    token = made().token()
    for digit in {*DIGITS, "."} - {token[position]}:
        with pytest.raises(LinkInvalid):
            Link.read(token[:position] + digit + token[position + 1 :])


@pytest.mark.parametrize(
    "changes",
    [
        {"asset_id": uuid.UUID(int=7)},
        {"generation": 1},
        {"expires_at": int(NOW) + 9},
        {"disposition": "inline"},
        {"user_key": "4711"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_no_part_of_a_link_can_be_replaced(changes: dict[str, Any]) -> None:
    link = made()
    signature = link.token().rpartition(".")[2]
    content = replace(link, **changes).token().rpartition(".")[0]
    with pytest.raises(LinkInvalid):
        Link.read(f"{content}.{signature}")


@pytest.mark.parametrize("token", ["", ".", "a", "a.b", "\u6728.\u6728", "x" * 10_000], ids=lambda token: token[:5])
def test_what_is_no_token_is_invalid(token: str) -> None:
    with pytest.raises(LinkInvalid):
        Link.read(token)


@pytest.mark.parametrize("salt", ["django_largefiles.links.derivative", "", "django.core.signing.Signer"])
def test_a_token_of_another_purpose_is_invalid(salt: str) -> None:
    content = made().token().rpartition(".")[0]
    with pytest.raises(LinkInvalid):
        Link.read(signing.Signer(salt=salt, sep=".").sign(content))


def test_a_token_is_valid_with_a_former_key(settings: Settings) -> None:
    link = made()
    token = link.token()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", [settings.SECRET_KEY]
    assert Link.read(token) == link
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(LinkInvalid):
        Link.read(token)


def test_a_link_expires(clock: Clock) -> None:
    token = made(expires_at=int(NOW)).token()
    clock.now = int(NOW) - 0.5
    assert Link.read(token)
    clock.now = int(NOW)
    with pytest.raises(LinkExpired, match="2027-01-15T08:02:03"):
        Link.read(token)


# The URL.


@pytest.mark.parametrize(
    ("max_age", "lifetime"),
    [(None, 12 * HOUR), (timedelta(days=365), 365 * 24 * HOUR), (timedelta(minutes=1), 60), (120, 120)],
    ids=["default", "longest", "shortest", "seconds"],
)
def test_links_expire_at_the_same_time_for_a_quarter_of_their_lifetime(
    received: FileAsset, max_age: timedelta | int | None, lifetime: int, clock: Clock
) -> None:
    first = received.signed_url(max_age=max_age)
    left = followed(first).expires_at - NOW
    assert 3 * lifetime / 4 <= left <= lifetime
    window = lifetime // 4
    clock.now = NOW - NOW % window
    urls = {received.signed_url(max_age=max_age)}
    clock.now += window - 0.5
    urls.add(received.signed_url(max_age=max_age))
    assert len(urls) == 1
    clock.now += 0.5
    assert received.signed_url(max_age=max_age) not in urls


def followed(url: str) -> Link:
    return Link.read(resolve(url).kwargs["token"])


def test_the_setting_is_the_default(received: FileAsset, largefiles: Largefiles) -> None:
    largefiles.set(LINK_EXPIRES_AFTER=timedelta(days=7))
    assert received.signed_url() == received.signed_url(max_age=7 * 24 * HOUR)


@pytest.mark.parametrize(
    "values",
    [
        {"max_age": 59},
        {"max_age": timedelta(days=366)},
        {"max_age": "1"},
        {"disposition": "form-data"},
        {"user": AnonymousUser()},
        {"user": User()},
    ],
    ids=["too short", "too long", "no duration", "no disposition", "anonymous", "unsaved"],
)
def test_a_link_that_cannot_be_is_a_mistake(received: FileAsset, values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must|saved user"):
        received.signed_url(**values)


def test_the_permanent_url_is_that_of_the_download_view(ready: FileAsset) -> None:
    assert ready.url == ready.file.url == reverse("largefiles:download", args=[ready.pk])
    assert FileAsset(pk=ready.pk).url == ready.url


@pytest.mark.parametrize("name", ["url", "signed_url"])
def test_without_our_urls_the_error_says_what_to_include(name: str, settings: Settings) -> None:
    settings.ROOT_URLCONF = "django.contrib.auth.urls"
    with pytest.raises(ImproperlyConfigured, match=r'include\("django_largefiles\.urls"\)'):
        getattr(FileAsset(), name)()


def test_a_namespace_of_the_host_s_is_found(received: FileAsset, settings: Settings) -> None:
    module: Any = ModuleType("urls")
    module.urlpatterns = [
        path("public/", include("django_largefiles.urls", namespace="public")),
        path("private/", include("django_largefiles.urls", namespace="private")),
    ]
    settings.ROOT_URLCONF = module
    assert received.signed_url().startswith("/private/links/")
    assert received.signed_url(current_app="public").startswith("/public/links/")


# What it allows.


def test_anyone_may_follow_a_link(client: Client, ready: FileAsset) -> None:
    url = ready.signed_url()
    assert get(client, url) == OK
    with closing(client.get(url)) as answer:
        headers = {name: answer.get(name) for name in ("Content-Disposition", "Cache-Control", "Vary", "Set-Cookie")}
        assert headers == {
            "Content-Disposition": 'attachment; filename="picture.png"',
            "Cache-Control": "private, no-cache, no-transform",
            "Vary": None,
            "Set-Cookie": None,
        }
        assert (answer["Cross-Origin-Resource-Policy"], answer["Referrer-Policy"]) == ("cross-origin", "no-referrer")
        assert answer["ETag"] == f'"{hashlib.sha256(png()).hexdigest()}"'


def test_a_request_needs_no_user_at_all(ready: FileAsset, owner: User) -> None:
    def follow(url: str) -> int:
        request = RequestFactory().get(url)
        with closing(link_view(request, **resolve(url).kwargs)) as answer:
            return answer.status_code

    assert not hasattr(HttpRequest(), "user")
    assert (follow(ready.signed_url()), follow(ready.signed_url(user=owner))) == (200, 403)


def test_head_tells_the_same_without_the_bytes(client: Client, ready: FileAsset) -> None:
    url = ready.signed_url()
    with closing(client.get(url)) as whole:
        head = client.head(url)
        assert (head.status_code, head.content, head.headers) == (200, b"", whole.headers)


def test_a_range_of_a_link(client: Client, ready: FileAsset) -> None:
    assert get(client, ready.signed_url(), Range="bytes=1-3") == (206, b"PNG")


def test_what_a_browser_has_stored_it_need_not_fetch_again(client: Client, ready: FileAsset) -> None:
    answer = client.get(ready.signed_url(), headers={"If-None-Match": f'"{ready.sha256}"'})
    assert (answer.status_code, answer["Cross-Origin-Resource-Policy"]) == (304, "cross-origin")


@pytest.mark.parametrize("disposition", ["attachment", "inline"])
def test_the_link_says_whether_the_file_is_shown(client: Client, ready: FileAsset, disposition: Any) -> None:
    url = ready.signed_url(disposition=disposition)
    for asked in (url, f"{url}?disposition=inline"):
        with closing(client.get(asked)) as answer:
            assert answer["Content-Disposition"] == f'{disposition}; filename="picture.png"'


def test_a_file_of_an_unlisted_type_is_not_shown(client: Client, ready: FileAsset, largefiles: Largefiles) -> None:
    largefiles.set(INLINE_TYPES=[])
    with closing(client.get(ready.signed_url(disposition="inline"))) as answer:
        assert answer["Content-Disposition"] == 'attachment; filename="picture.png"'


def test_a_link_for_a_user_needs_that_user(client: Client, ready: FileAsset, stranger: User, owner: User) -> None:
    url = ready.signed_url(user=stranger)
    assert get(client, url) == (403, "not_permitted")
    client.force_login(owner)
    assert get(client, url) == (403, "not_permitted")
    client.force_login(stranger)
    assert get(client, url) == OK
    stranger.is_active = False
    stranger.save()
    assert get(client, url) == (403, "not_permitted")


def test_a_changed_link_is_refused(client: Client, ready: FileAsset) -> None:
    url = ready.signed_url()
    changed = url.replace("/links/", "/links/A")
    answer = client.get(changed)
    assert (answer.status_code, answer.json()["code"]) == (403, "link_invalid")
    assert (answer["Content-Type"], answer["Cache-Control"]) == ("application/problem+json", "no-store")


def test_an_expired_link_is_gone(client: Client, ready: FileAsset, clock: Clock) -> None:
    url = ready.signed_url()
    clock.now += 12 * HOUR
    assert get(client, url) == (410, "link_expired")


@pytest.mark.parametrize("state", sorted(set(State) - {State.READY}))
@pytest.mark.parametrize("made", ["before", "after"])
def test_a_link_serves_nothing_that_is_not_ready(client: Client, ready: FileAsset, state: State, made: str) -> None:
    before = ready.signed_url()
    FileAsset.objects.update(state=state)
    url = before if made == "before" else FileAsset.objects.get().signed_url()
    assert get(client, url) == get(client, url, Range="bytes=0-0") == (409, "not_ready")
    assert client.head(url).status_code == 409


def test_a_takedown_ends_links_for_ever(client: Client, ready: FileAsset) -> None:
    url = ready.signed_url()
    assert lifecycle.block(ready.pk)
    assert get(client, url) == (410, "link_revoked")
    after = FileAsset.objects.get().signed_url()
    assert get(client, after) == (409, "not_ready")
    FileAsset.objects.update(state=State.READY)
    assert get(client, url) == (410, "link_revoked")
    assert get(client, ready.signed_url()) == (410, "link_revoked")
    assert get(client, after) == OK


def test_a_link_survives_processing_again(client: Client, ready: FileAsset) -> None:
    from django_largefiles.pipeline.processing import process

    url = ready.signed_url()
    assert lifecycle.reprocess(ready.pk)
    assert get(client, url) == (409, "not_ready")
    process(ready.pk)
    assert get(client, url) == OK


def test_the_link_of_a_deleted_file_leads_nowhere(client: Client, ready: FileAsset) -> None:
    url = ready.signed_url()
    ready.delete()
    assert get(client, url) == (404, "not_found")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_link_is_only_for_reading(ready: FileAsset, method: str) -> None:
    answer = Client(enforce_csrf_checks=True).generic(method, ready.signed_url())
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD, OPTIONS")


def test_a_page_of_an_allowed_origin_may_read_a_link(client: Client, ready: FileAsset, largefiles: Largefiles) -> None:
    largefiles.set(CORS_ALLOWED_ORIGINS=["https://player.example"])
    url = ready.signed_url()
    preflight = client.options(url, headers={"Origin": "https://player.example"})
    assert (preflight.status_code, preflight["Access-Control-Allow-Origin"]) == (200, "https://player.example")
    assert "Range" in preflight["Access-Control-Allow-Headers"]
    with closing(client.get(url, headers={"Origin": "https://player.example"})) as answer:
        assert answer["Access-Control-Allow-Origin"] == "https://player.example"
    with closing(client.get(url, headers={"Origin": "https://other.example"})) as answer:
        assert "Access-Control-Allow-Origin" not in answer
