"""Who may do what at the tus side of the door, where it is found, and what it holds while bytes arrive."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import get_script_prefix, set_script_prefix
from pytest_django.fixtures import Settings

from django_largefiles.models import FileAsset
from tests.conftest import Largefiles
from tests.doors.resumable.storages import keeps_progress
from tests.doors.resumable.tus_client import (
    BYTES,
    COLLECTION,
    PICTURE,
    SHA256,
    SIZE,
    Tus,
    asset_at,
    checksum,
    everything,
    needs_framework,
    problem,
    upload_at,
)

pytestmark = pytest.mark.django_db(transaction=True)

TRANSACTION = 2
"""What begins and ends one is counted with the queries, although it touches no row."""

AUTHENTICATORS = [
    pytest.param("django_largefiles.authentication.SessionAuthenticator", id="Django"),
    pytest.param(
        "django_largefiles.api.authentication.FrameworkAuthenticator", id="REST framework", marks=needs_framework
    ),
]
ANYONE = "tests.doors.resumable.tus_client.Anyone"


def head(tus: Tus, url: str) -> Any:
    return tus.head(url)


def patch(tus: Tus, url: str) -> Any:
    return tus.patch(url, 4000, PICTURE[4000:])


def delete(tus: Tus, url: str) -> Any:
    return tus.delete(url)


def download(tus: Tus, url: str) -> Any:
    return tus.request("GET", url)


def overridden_patch(tus: Tus, url: str) -> Any:
    return tus.post(PICTURE[4000:], url=url, x_http_method_override="PATCH", upload_offset="4000")


VERBS = [head, patch, delete, download, overridden_patch]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("logged_in", [True, False], ids=["stranger", "anonymous"])
def test_another_s_upload_is_not_there(
    logged_in: bool, verb: Callable[[Tus, str], Any], url: str, stranger: User
) -> None:
    client = Client()
    if logged_in:
        client.force_login(stranger)
    before = everything()
    answer, unknown = verb(Tus(client), url), verb(Tus(client), f"{COLLECTION}00000000-0000-4000-8000-000000000000/")
    assert answer.status_code == unknown.status_code == 404
    assert "Upload-Offset" not in answer
    assert everything() == before


@pytest.mark.parametrize("authenticator", AUTHENTICATORS)
@pytest.mark.parametrize("concat", [{}, {"upload_concat": "partial"}], ids=["whole", "partial"])
def test_nobody_creates_anything_unnoticed(
    authenticator: str, concat: dict[str, str], client: Client, largefiles: Largefiles
) -> None:
    largefiles.set(AUTHENTICATOR=authenticator)
    answer = Tus(client).post(PICTURE, upload_length=str(SIZE), **concat)
    assert problem(answer) == (403, "not_permitted")
    assert not FileAsset.objects.exists()


def test_staff_may_look_and_delete_but_not_write(url: str, staff: User) -> None:
    client = Client()
    client.force_login(staff)
    assert head(Tus(client), url)["Upload-Offset"] == "4000"
    before = everything()
    assert problem(patch(Tus(client), url)) == (403, "not_permitted")
    assert everything() == before
    assert delete(Tus(client), url).status_code == 204


def test_what_everybody_sees_not_everybody_writes(url: str, stranger: User, largefiles: Largefiles) -> None:
    largefiles.set(ACCESS_POLICY=ANYONE)
    client = Client()
    client.force_login(stranger)
    before = everything()
    assert problem(patch(Tus(client), url)) == (403, "not_permitted")
    assert everything() == before


def test_a_permission_that_was_taken_away_ends_an_upload(tus: Tus, url: str, largefiles: Largefiles) -> None:
    largefiles.set(ACCESS_POLICY="tests.doors.resumable.tus_client.NoMoreUploads")
    before = everything()
    assert problem(patch(tus, url)) == (403, "not_permitted")
    assert everything() == before


def test_anonymous_uploads_are_possible(client: Client, largefiles: Largefiles) -> None:
    largefiles.set(ACCESS_POLICY=ANYONE)
    tus = Tus(client)
    url = tus.create()
    assert tus.patch(url, 0, PICTURE).status_code == 204
    assert (asset_at(url).owner, asset_at(url).sha256) == (None, SHA256)


TOKEN = "t" * 32


@pytest.fixture(params=AUTHENTICATORS)
def guarded(request: pytest.FixtureRequest, owner: User, largefiles: Largefiles) -> Tus:
    """A browser's, with a cookie."""
    largefiles.set(AUTHENTICATOR=request.param)
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    client.cookies["csrftoken"] = TOKEN
    return Tus(client)


def create(tus: Tus, url: str, **headers: str) -> Any:
    return tus.post(PICTURE, upload_length=str(SIZE), **headers)


def append(tus: Tus, url: str, **headers: str) -> Any:
    return tus.patch(url, 4000, PICTURE[4000:], **headers)


def terminate(tus: Tus, url: str, **headers: str) -> Any:
    return tus.delete(url, **headers)


def overridden(tus: Tus, url: str, **headers: str) -> Any:
    return tus.post(url=url, x_http_method_override="DELETE", **headers)


UNSAFE = [create, append, terminate, overridden]


@pytest.mark.parametrize(
    ("verb", "headers"),
    [
        *((verb, {}) for verb in UNSAFE),
        (append, {"x_csrftoken": "u" * 32}),
        (append, {"x_csrftoken": TOKEN, "origin": "https://evil.example"}),
    ],
    ids=[*(f"{verb.__name__}, no token" for verb in UNSAFE), "another token", "another origin"],
)
def test_a_session_needs_the_csrf_token(
    headers: dict[str, str], verb: Callable[..., Any], url: str, guarded: Tus
) -> None:
    before = everything()
    assert problem(verb(guarded, url, **headers)) == (403, "csrf_failed")
    assert everything() == before


@pytest.mark.parametrize("verb", UNSAFE)
def test_a_session_with_the_csrf_token(verb: Callable[..., Any], url: str, guarded: Tus) -> None:
    assert verb(guarded, url, x_csrftoken=TOKEN).status_code in {201, 204}


def test_head_needs_no_csrf_token(url: str, guarded: Tus) -> None:
    assert guarded.head(url)["Upload-Offset"] == "4000"


def test_the_body_is_not_read_for_a_csrf_token(guarded: Tus) -> None:
    body = BytesIO(b"csrfmiddlewaretoken=" + TOKEN.encode())
    form = "application/x-www-form-urlencoded"
    guarded.post(body, length=len(body.getvalue()), upload_length=str(SIZE), content_type=form)
    assert body.tell() == 0


def test_the_location_is_the_proxy_s(tus: Tus, settings: Settings) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.USE_X_FORWARDED_HOST = True
    settings.ALLOWED_HOSTS = ["files.example.org"]
    answer = tus.post(upload_length="5", x_forwarded_proto="https", x_forwarded_host="files.example.org")
    assert answer["Location"] == f"https://files.example.org/files/uploads/{FileAsset.objects.get().pk}"


def test_what_a_client_claims_of_a_proxy_is_not_believed(tus: Tus) -> None:
    answer = tus.post(upload_length="5", x_forwarded_proto="https", x_forwarded_host="evil.example")
    assert answer["Location"].startswith("http://testserver/files/")


def test_a_final_upload_behind_a_proxy(tus: Tus, settings: Settings) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.USE_X_FORWARDED_HOST = True
    settings.ALLOWED_HOSTS = ["files.example.org", "testserver"]
    proxy = {"x_forwarded_proto": "https", "x_forwarded_host": "files.example.org"}
    part = tus.post(PICTURE, upload_length=str(SIZE), upload_concat="partial", **proxy)["Location"]
    answer = tus.post(upload_concat=f"final;{part}", **proxy)
    assert answer.status_code == 201
    assert asset_at(answer["Location"]).sha256 == SHA256


@pytest.mark.urls("tests.doors.resumable.tus_urls")
@pytest.mark.parametrize(
    ("place", "quoted"),
    [
        ("/files/uploads", "/files/uploads"),
        ("/files/uploads/", "/files/uploads"),
        ("/größe und mehr/uploads/", "/gr%C3%B6%C3%9Fe%20und%20mehr/uploads"),
        ("/deeply/nested/files/uploads", "/deeply/nested/files/uploads"),
    ],
    ids=["no slash at the end", "slash at the end", "not ASCII", "nested"],
)
def test_the_door_stands_anywhere(place: str, quoted: str, tus: Tus) -> None:
    first, second = (
        tus.post(PICTURE, url=place, upload_length=str(SIZE), upload_concat="partial")["Location"] for _ in range(2)
    )
    assert {first, second} == {f"http://testserver{quoted}/{asset.pk}" for asset in FileAsset.objects.all()}
    answer = tus.post(url=place, upload_concat=f"final;{first} {second.removeprefix('http://testserver')}")
    assert asset_at(answer["Location"]).size == 2 * SIZE


@pytest.fixture
def script_name() -> Iterator[str]:
    before = get_script_prefix()
    set_script_prefix("/app/")
    yield "/app"
    set_script_prefix(before)


def test_the_door_stands_below_a_script_s_name(tus: Tus, script_name: str) -> None:
    answer = tus.post(PICTURE, upload_length=str(SIZE), upload_concat="partial", script_name=script_name)
    part = answer["Location"]
    assert part == f"http://testserver/app/files/uploads/{FileAsset.objects.get().pk}"
    answer = tus.post(upload_concat=f"final;{part}", script_name=script_name)
    assert asset_at(answer["Location"]).sha256 == SHA256


def test_a_url_outside_of_the_script_s_name_is_another_s(tus: Tus, script_name: str) -> None:
    answer = tus.post(PICTURE, upload_length=str(SIZE), upload_concat="partial", script_name=script_name)
    outside = answer["Location"].replace("/app/", "/")
    assert problem(tus.post(upload_concat=f"final;{outside}", script_name=script_name)) == (400, "malformed_header")


@pytest.mark.parametrize("slash", ["", "/"], ids=["no slash at the end", "slash at the end"])
def test_no_spelling_is_redirected(slash: str, tus: Tus, settings: Settings) -> None:
    settings.MIDDLEWARE = ["django.middleware.common.CommonMiddleware", *settings.MIDDLEWARE]
    url = tus.post(url=COLLECTION.rstrip("/") + slash, upload_length=str(SIZE))["Location"]
    url = url.removeprefix("http://testserver").rstrip("/") + slash
    assert tus.head(url).status_code == 200
    assert tus.patch(url, 0, PICTURE[:10]).status_code == 204
    assert tus.request("OPTIONS", url).status_code == 200
    assert tus.delete(url).status_code == 204


class Watching(BytesIO):
    """Sees whether a transaction is open while it is read."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.transactions: list[bool] = []

    def read(self, size: int | None = -1, /) -> bytes:
        self.transactions.append(connection.in_atomic_block)
        return super().read(size)


@pytest.mark.each_storage
def test_no_transaction_is_held_while_bytes_arrive(tus: Tus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    created, appended = Watching(PICTURE[:4000]), Watching(PICTURE[4000:])
    answer = tus.post(created, length=4000, upload_length=str(SIZE))
    tus.patch(answer["Location"], 4000, appended, length=SIZE - 4000)
    assert set(created.transactions) == set(appended.transactions) == {False}
    assert asset_at(answer["Location"]).sha256 == SHA256


@pytest.mark.each_storage
@pytest.mark.parametrize("headers", [{}, {"upload_checksum": checksum(PICTURE[4000:5000])}], ids=["plain", "checksum"])
def test_a_patch_costs_few_queries(
    headers: dict[str, str],
    client: Client,
    largefiles: Largefiles,
    django_assert_max_num_queries: Callable[[int], Any],
) -> None:
    largefiles.set(ACCESS_POLICY=ANYONE)
    tus = Tus(client)
    url = tus.create()
    tus.patch(url, 0, PICTURE[:4000])
    with django_assert_max_num_queries(3 + TRANSACTION + keeps_progress()):
        assert tus.patch(url, 4000, PICTURE[4000:5000], **headers)["Upload-Offset"] == "5000"


@pytest.mark.parametrize("authenticator", AUTHENTICATORS)
def test_a_patch_of_a_session_costs_two_queries_more(
    authenticator: str,
    tus: Tus,
    url: str,
    largefiles: Largefiles,
    django_assert_max_num_queries: Callable[[int], Any],
) -> None:
    largefiles.set(AUTHENTICATOR=authenticator)
    with django_assert_max_num_queries(3 + TRANSACTION + 2 + keeps_progress()):
        assert tus.patch(url, 4000, PICTURE[4000:5000])["Upload-Offset"] == "5000"


@pytest.mark.each_storage
def test_the_last_patch_costs_few_queries(
    client: Client, largefiles: Largefiles, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    largefiles.set(ACCESS_POLICY=ANYONE)
    tus = Tus(client)
    url = tus.create()
    tus.patch(url, 0, PICTURE[:4000])
    with django_assert_max_num_queries(6 + 2 * TRANSACTION + 2 * keeps_progress()):
        assert tus.patch(url, 4000, PICTURE[4000:])["Upload-Offset"] == str(SIZE)


def test_a_patch_tells_a_length_by_two_more_queries(
    client: Client, largefiles: Largefiles, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    largefiles.set(ACCESS_POLICY=ANYONE)
    tus = Tus(client)
    url = tus.create(None)
    with django_assert_max_num_queries(3 + TRANSACTION + 2 + TRANSACTION + keeps_progress()):
        tus.patch(url, 0, PICTURE[:10], upload_length=str(SIZE))
    assert upload_at(url).length == SIZE


def test_content_type_is_that_of_bytes(tus: Tus, url: str) -> None:
    assert tus.patch(url, 4000, PICTURE[4000:], content_type=BYTES.upper()).status_code == 204
