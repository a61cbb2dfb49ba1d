"""The funnel authorises: the same rules hold at every door, and no door can forget to ask."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils.timezone import is_naive
from pytest_django.fixtures import Settings

import django_largefiles
from django_largefiles.intake.creation import Declaration, begin_trusted
from django_largefiles.models import FileAsset, Upload
from tests.api.direct_client import COLLECTION as DIRECT, DirectClient
from tests.conftest import Largefiles, png
from tests.doors.resumable import ietf_client
from tests.doors.resumable.tus_client import Tus, metadata, needs_framework
from tests.multipart import END, CountingBody, file, post_arguments
from tests.s3.servers import S3Bucket

pytestmark = pytest.mark.django_db(transaction=True)

Door = Callable[[Client, str, str], Any]
PICTURE = png(padding=1000)
SIZE = len(PICTURE)


def form(client: Client, media_type: str, profile: str) -> Any:
    url = {"default": "/accept/", "unknown": "/unknown/"}[profile]
    part = file(PICTURE).replace(b"image/png", media_type.encode())
    return client.generic("POST", url, **post_arguments(CountingBody(part + END)))


def api(client: Client, media_type: str, profile: str) -> Any:
    content = SimpleUploadedFile("picture.png", PICTURE, content_type=media_type)
    return client.post("/api/assets/", {"profile": profile, "file": content})


def tus(client: Client, media_type: str, profile: str) -> Any:
    said = metadata(filename="picture.png", filetype=media_type, profile=profile)
    return Tus(client).post(upload_length=str(SIZE), upload_metadata=said)


def tus_final(client: Client, media_type: str, profile: str) -> Any:
    part = Upload.objects.get(kind=Upload.Kind.PARTIAL).pk
    said = metadata(filename="picture.png", filetype=media_type, profile=profile)
    return Tus(client).post(upload_concat=f"final;/files/uploads/{part}/", upload_metadata=said)


def ietf(client: Client, media_type: str, profile: str) -> Any:
    url = f"{ietf_client.UPLOADS}?profile={profile}"
    return ietf_client.create(
        client, PICTURE, to=url, content_type=media_type, content_disposition='attachment; filename="picture.png"'
    )


def direct(client: Client, media_type: str, profile: str) -> Any:
    said = {"name": "picture.png", "size": SIZE, "media_type": media_type, "profile": profile}
    return DirectClient(client).post(DIRECT, said)


CLIENT_CHOOSES = [
    pytest.param(api, marks=needs_framework),
    tus,
    tus_final,
    ietf,
    pytest.param(direct, marks=[needs_framework, pytest.mark.s3]),
]
HOST_CHOOSES = [pytest.param(form, marks=pytest.mark.urls("tests.doors.views"))]
"""The profile of the file."""


def name_of(door: Door) -> str:
    return door.__name__


DOORS = pytest.mark.parametrize("door", HOST_CHOOSES + CLIENT_CHOOSES, ids=name_of)
CHOOSING = pytest.mark.parametrize("door", CLIENT_CHOOSES, ids=name_of)


@pytest.fixture
def client(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


@pytest.fixture(autouse=True)
def prepared(request: pytest.FixtureRequest, client: Client, settings: Settings) -> None:
    """What a door needs: a partial upload to make a final one of, a storage that takes bytes from clients."""
    if "tus_final" in request.node.name:
        Tus(client).partial(PICTURE)
    if "direct" in request.node.name:
        bucket: S3Bucket = request.getfixturevalue("bucket")
        settings.STORAGES = {**settings.STORAGES, "default": bucket.setting}


def files() -> int:
    return FileAsset.objects.exclude(upload__kind=Upload.Kind.PARTIAL).count()


APPENDERS = pytest.mark.parametrize(
    ("begin", "go_on"),
    [
        pytest.param(
            lambda client: Tus(client).create(),
            lambda client, url: Tus(client).patch(url, 0, PICTURE),
            id="tus",
        ),
        pytest.param(
            ietf_client.begun,
            lambda client, url: ietf_client.append(client, url, PICTURE),
            id="ietf",
        ),
        pytest.param(
            lambda client: DirectClient(client).create(PICTURE),
            lambda client, upload: DirectClient(client).sign(upload, 1),
            marks=[needs_framework, pytest.mark.s3],
            id="direct",
        ),
        pytest.param(
            lambda client: DirectClient(client).create(PICTURE),
            lambda client, upload: DirectClient(client).complete(upload),
            marks=[needs_framework, pytest.mark.s3],
            id="direct completion",
        ),
    ],
)


@APPENDERS
def test_the_access_policy_is_asked_again_for_more_bytes(
    begin: Callable[[Client], Any], go_on: Callable[[Client, Any], Any], client: Client, largefiles: Largefiles
) -> None:
    upload = begin(client)
    before = Upload.objects.values().get()
    largefiles.set(ACCESS_POLICY="tests.policies.NoMoreUploads")
    answer = go_on(client, upload)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")
    assert Upload.objects.values().get() == before


def test_only_the_trusted_door_does_not_ask() -> None:
    root = Path(django_largefiles.__file__).parent
    users = {str(module.relative_to(root)) for module in root.rglob("*.py") if "_trusted" in module.read_text()}
    assert users == {"intake/creation.py", "doors/ingest.py"}


@DOORS
def test_a_permitted_file_is_taken(door: Door, client: Client) -> None:
    assert door(client, "image/png", "default").status_code in {200, 201}
    assert files() == 1


@DOORS
def test_the_access_policy_is_asked(door: Door, client: Client, largefiles: Largefiles) -> None:
    largefiles.set(ACCESS_POLICY="tests.policies.NoAssets")
    answer = door(client, "image/png", "default")
    assert (answer.status_code, answer.json()["code"], files()) == (403, "not_permitted", 0)


@DOORS
def test_the_declared_type_is_checked(door: Door, client: Client) -> None:
    answer = door(client, "text/html", "default")
    assert (answer.status_code, answer.json()["code"], files()) == (415, "type_not_allowed", 0)


@DOORS
def test_a_file_is_taken_without_time_zones(door: Door, client: Client, settings: Settings) -> None:
    settings.USE_TZ = False
    assert door(client, "image/png", "default").status_code in {200, 201}
    assert is_naive(FileAsset.objects.latest("created_at").created_at)


def answered(answer: Any) -> dict[str, Any]:
    """What an answer tells, but the name that was asked for."""
    told = {**dict(answer.headers), **answer.json()}
    return {name: str(value).replace("unknown", "secret") for name, value in told.items()}


@CHOOSING
def test_a_forbidden_profile_is_answered_as_one_that_does_not_exist(
    door: Door, client: Client, largefiles: Largefiles
) -> None:
    largefiles.set(PROFILES={"secret": {"MAX_UPLOAD_SIZE": 1}}, ACCESS_POLICY="tests.policies.NoSecrets")
    forbidden, unknown = (door(client, "text/html", profile) for profile in ("secret", "unknown"))
    assert (forbidden.status_code, forbidden.json()["code"], files()) == (400, "unknown_profile", 0)
    assert answered(forbidden) == answered(unknown)


@CHOOSING
def test_strangers_cannot_tell_profiles_apart(door: Door, client: Client, largefiles: Largefiles) -> None:
    largefiles.set(PROFILES={"secret": {"MAX_UPLOAD_SIZE": 1}}, ACCESS_POLICY="tests.policies.NoAssets")
    forbidden, unknown = (door(client, "text/html", profile) for profile in ("secret", "unknown"))
    assert (forbidden.status_code, forbidden.json()["code"], files()) == (403, "not_permitted", 0)
    assert answered(forbidden) == answered(unknown)


@DOORS
def test_the_profile_must_exist(door: Door, client: Client) -> None:
    answer = door(client, "image/png", "unknown")
    assert (answer.status_code, answer.json()["code"], files()) == (400, "unknown_profile", 0)


@DOORS
def test_the_throttles_are_asked(door: Door, client: Client, largefiles: Largefiles) -> None:
    largefiles.set(THROTTLES=[{"BACKEND": "tests.test_throttling.Closed"}])
    answer = door(client, "image/png", "default")
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (429, "throttled", "5")
    assert files() == 0


@DOORS
def test_open_uploads_are_counted(door: Door, client: Client, owner: User, largefiles: Largefiles) -> None:
    largefiles.set(QUOTA={"UPLOADS": 1})
    begin_trusted(Declaration(name="another.png", owner=owner)).close()
    answer = door(client, "image/png", "default")
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (429, "too_many_uploads", "60")
    assert files() == 1
