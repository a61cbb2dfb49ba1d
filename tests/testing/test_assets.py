"""A made asset is like one that came through the doors and the pipeline, in each state."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import AnonymousUser, User
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from django_largefiles import lifecycle, usage
from django_largefiles.doors.ingest import copy, ingest
from django_largefiles.exceptions import UnknownProfile
from django_largefiles.intake.creation import Declaration, begin_trusted
from django_largefiles.models import FileAsset, PendingSignal, Upload, Usage
from django_largefiles.options import GIB
from django_largefiles.pipeline.processing import TryAgain, process
from django_largefiles.scanners.selftest import eicar
from django_largefiles.states import Attachment, Reason, ScanVerdict, Stage, State
from django_largefiles.testing import amake_asset, make_asset
from django_largefiles.testing.assets import FAILURES, PICTURE
from tests.conftest import Largefiles, png
from tests.doors.resumable.tus_client import Tus, metadata, upload_at
from tests.s3.servers import S3Bucket

CONTENT = png(padding=10_000)

SCANNER = {"BACKEND": "django_largefiles.testing.scanners.FakeScanner"}
BROKEN_SCANNER = {**SCANNER, "OPTIONS": {"verdict": "error"}}

pytestmark = pytest.mark.django_db


def columns(row: Any) -> dict[str, Any]:
    """The columns that two rows share if they are alike: neither ids nor times, but whether there is a time."""
    values = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    values["file"] = bool(values.get("file"))
    for name, value in values.items():
        if isinstance(value, datetime):
            values[name] = (value - timezone.now()) // timedelta(hours=1)
        elif name == "digest_state":
            # PostgreSQL's is a memoryview.
            values[name] = bytes(value)
    # What differs with the file, its request, the scanner, and a worker's moment.
    differs = {"id", "asset_id", "client_fields", "detail", "scan_detail", "stage", "stage_done", "store_state"}
    return {name: value for name, value in values.items() if name not in differs}


def readable(asset: FileAsset) -> bytes:
    with asset.file.open() as file:
        content: bytes = file.read()
    return content


@pytest.fixture
def _undescribed(largefiles: Largefiles) -> None:
    """No extractor is run, which a made asset has not seen either."""
    largefiles.set(EXTRACTORS={"image/*": None})


def take_in(owner: User, content: bytes = CONTENT) -> FileAsset:
    return ingest(BytesIO(content), name="picture.png", owner=owner)


def receiving(owner: User) -> FileAsset:
    client = Client()
    client.force_login(owner)
    tus = Tus(client)
    url = tus.create(len(CONTENT), upload_metadata=metadata(filename="picture.png"))
    tus.patch(url, 0, CONTENT[:4000])
    return upload_at(url).asset


def provisional(owner: User) -> FileAsset:
    declaration = Declaration(name="picture.png", owner=owner, attachment=Attachment.PROVISIONAL)
    return copy(BytesIO(CONTENT), begin_trusted(declaration))


def claimed(owner: User) -> FileAsset:
    asset = take_in(owner)
    lifecycle.claim(asset.pk)
    return asset


def processed(owner: User, content: bytes = CONTENT) -> FileAsset:
    asset = take_in(owner, content)
    process(asset.pk)
    return asset


def given_up(owner: User) -> FileAsset:
    asset = take_in(owner)
    for _ in range(lifecycle.MAX_ATTEMPTS - 1):
        with pytest.raises(TryAgain):
            process(asset.pk)
    process(asset.pk)
    return asset


def blocked(owner: User) -> FileAsset:
    asset = processed(owner)
    lifecycle.block(asset.pk)
    process(asset.pk)
    return asset


@pytest.mark.parametrize(
    ("real", "scanners", "options"),
    [
        pytest.param(receiving, [], {"state": "receiving", "received": 4000}, id="receiving"),
        pytest.param(take_in, [], {"state": "received"}, id="received"),
        pytest.param(provisional, [], {"state": "received", "attachment": "provisional"}, id="of a form"),
        pytest.param(claimed, [], {"state": "processing"}, id="processing"),
        pytest.param(processed, [], {}, id="ready"),
        pytest.param(processed, [SCANNER], {}, id="ready, scanned"),
        pytest.param(blocked, [], {"state": "rejected", "reason": "blocked"}, id="blocked"),
        pytest.param(
            lambda owner: processed(owner, CONTENT + eicar()),
            [SCANNER],
            {"state": "rejected", "reason": "infected", "content": CONTENT + eicar()},
            id="infected",
        ),
        pytest.param(
            given_up, [BROKEN_SCANNER], {"state": "failed", "reason": "scanner_unavailable"}, id="not scanned"
        ),
    ],
)
@pytest.mark.usefixtures("_undescribed")
def test_it_has_the_columns_of_a_real_one(
    real: Callable[[User], FileAsset],
    scanners: list[Any],
    options: dict[str, Any],
    owner: User,
    stranger: User,
    largefiles: Largefiles,
) -> None:
    largefiles.set(SCANNERS=scanners)
    expected = FileAsset.objects.get(pk=real(owner).pk)
    made = make_asset(**{"content": CONTENT, "name": "picture.png", "owner": owner, **options})
    assert columns(made) == columns(expected)
    assert [columns(upload) for upload in Upload.objects.filter(pk=made.pk)] == [
        columns(upload) for upload in Upload.objects.filter(pk=expected.pk)
    ]
    if made.file:
        assert readable(made) == readable(expected) == CONTENT


def test_without_arguments_it_is_a_picture_that_may_be_downloaded(owner: User) -> None:
    asset = make_asset()
    assert (asset.state, asset.original_name, asset.media_type) == (State.READY, "picture.png", "image/png")
    assert (asset.size, asset.sha256) == (len(PICTURE), hashlib.sha256(PICTURE).hexdigest())
    assert asset.crc32 == zlib.crc32(PICTURE)
    assert readable(asset) == PICTURE


def test_it_is_downloaded_by_its_url(client: Client, owner: User) -> None:
    client.force_login(owner)
    answer = client.get(make_asset(owner=owner).url)
    assert (answer.status_code, b"".join(answer)) == (200, PICTURE)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("options", "name", "media_type"),
    [
        ({"name": "talk.mp4"}, "talk.mp4", "video/mp4"),
        ({"name": "talk.unknown"}, "talk.unknown", "image/png"),
        ({"content": b"%PDF-1.7\n"}, "file", "application/pdf"),
        ({"name": "talk.mp4", "media_type": "audio/mp4"}, "talk.mp4", "audio/mp4"),
        ({"name": "../a/b.png"}, "b.png", "image/png"),
    ],
    ids=["by the name", "by the bytes", "of nameless bytes", "given", "sanitized"],
)
def test_the_type_is_that_of_the_name_or_of_the_bytes(options: dict[str, Any], name: str, media_type: str) -> None:
    asset = make_asset(**options)
    assert (asset.original_name, asset.media_type) == (name, media_type)


def test_a_file_is_copied(tmp_path: Path) -> None:
    path = tmp_path / "holiday.png"
    path.write_bytes(CONTENT)
    asset = make_asset(content=path)
    assert (asset.original_name, asset.size) == ("holiday.png", len(CONTENT))
    assert readable(asset) == path.read_bytes() == CONTENT


def test_columns_are_set_as_they_are_given() -> None:
    created = datetime(2020, 1, 1, tzinfo=UTC)
    asset = make_asset(size=5 * GIB, width=1920, title="A talk", created_at=created)
    assert (asset.size, asset.width, asset.title, asset.created_at) == (5 * GIB, 1920, "A talk", created)


def test_a_column_that_does_not_exist_is_named() -> None:
    with pytest.raises(TypeError, match="colour"):
        make_asset(colour="red")


@pytest.mark.parametrize(
    ("state", "reason"),
    [("ready", "infected"), ("rejected", "gave_up"), ("failed", "blocked"), ("rejected", "too red")],
)
def test_a_reason_that_an_asset_cannot_have_is_refused(state: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"{state} cannot have the reason '{reason}'"):
        make_asset(state, reason=reason)


@pytest.mark.parametrize("reason", Reason.values)
def test_the_bytes_of_a_refused_asset_are_kept_for_some_reasons(reason: str) -> None:
    state = "failed" if reason in FAILURES else "rejected"
    asset = make_asset(state, reason=reason)
    assert (asset.state, asset.reason) == (state, reason)
    assert bool(asset.file) == (reason in {*FAILURES, *lifecycle.KEPT})


@pytest.mark.parametrize("state", ["rejected", "failed"])
def test_there_is_a_reason_by_default(state: str) -> None:
    asset = make_asset(state)
    assert asset.reason
    assert asset.detail


@pytest.mark.parametrize("options", [{"state": "done"}, {"attachment": "loose"}], ids=["state", "attachment"])
def test_an_unknown_value_is_refused(options: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"done|loose"):
        make_asset(**options)


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(UnknownProfile):
        make_asset(profile="unheard of")


def test_an_attachment_can_be_chosen() -> None:
    assert make_asset(attachment="provisional").attachment == Attachment.PROVISIONAL


def test_an_anonymous_owner_is_none() -> None:
    assert make_asset(owner=AnonymousUser()).owner is None


@pytest.mark.parametrize("received", [0, 100, 4000])
def test_an_upload_can_be_continued(received: int, client: Client, owner: User) -> None:
    client.force_login(owner)
    asset = make_asset("receiving", content=CONTENT, name="picture.png", received=received, owner=owner)
    assert (asset.received, asset.size) == (received, len(CONTENT))
    Tus(client).patch(f"/files/uploads/{asset.pk}", received, CONTENT[received:])
    asset.refresh_from_db()
    assert (asset.state, asset.sha256) == (State.RECEIVED, hashlib.sha256(CONTENT).hexdigest())


def test_the_length_of_an_upload_may_be_unknown(owner: User) -> None:
    asset = make_asset("receiving", size=None, owner=owner)
    assert (asset.size, asset.upload.length, asset.upload.reserved) == (None, None, 5 * GIB)


@pytest.mark.parametrize("received", [-1, len(PICTURE) + 1])
def test_no_more_bytes_can_have_arrived_than_there_are(received: int) -> None:
    with pytest.raises(ValueError, match=f"of {len(PICTURE)} bytes {received} cannot have arrived"):
        make_asset("receiving", received=received)


def test_a_worker_processes_it(owner: User) -> None:
    asset = make_asset("received", owner=owner)
    process(asset.pk)
    asset.refresh_from_db()
    assert (asset.state, asset.width) == (State.READY, 1)


def test_nothing_is_sent(client: Client, owner: User, django_capture_on_commit_callbacks: Callable[..., Any]) -> None:
    with django_capture_on_commit_callbacks() as callbacks:
        for state in State:
            make_asset(state, owner=owner)
    assert callbacks == []
    assert not PendingSignal.objects.exists()


@pytest.mark.parametrize("known", [False, True], ids=["new", "known"])
def test_what_an_owner_keeps_is_counted(known: bool, owner: User) -> None:
    if known:
        take_in(owner)
    for state in State:
        make_asset(state, owner=owner)
    make_asset("receiving", owner=owner, size=None)
    taken = take_in(owner)
    usage_counted = Usage.objects.values().get(pk=owner.pk)
    Usage.objects.update(checked_at=timezone.now() - 2 * usage.CHECK_AFTER)
    assert usage.repair() == 0
    counted_anew = Usage.objects.values().get(pk=owner.pk)
    assert usage_counted.pop("checked_at") < counted_anew.pop("checked_at") or known
    assert usage_counted == counted_anew
    assert taken.owner_id == owner.pk


def test_it_is_made_in_asynchronous_tests() -> None:
    asset = async_to_sync(amake_asset)("rejected", reason="infected")
    assert (asset.state, asset.scan_verdict) == (State.REJECTED, ScanVerdict.INFECTED)


def test_a_worker_s_stage_can_be_chosen() -> None:
    asset = make_asset("processing", stage=Stage.SCANNING, stage_done=1000)
    assert (asset.stage, asset.stage_done) == (Stage.SCANNING, 1000)


@pytest.fixture(params=["memory", "staged", pytest.param("s3", marks=pytest.mark.s3)])
def _storage(request: pytest.FixtureRequest, settings: Settings, largefiles: Largefiles, tmp_path: Path) -> None:
    if request.param == "s3":
        bucket: S3Bucket = request.getfixturevalue("bucket")
        backend = bucket.setting
    elif request.param == "staged":
        backend = {"BACKEND": "tests.storages.RemoteStorage", "OPTIONS": {"location": str(tmp_path / "remote")}}
    else:
        backend = {"BACKEND": "django.core.files.storage.InMemoryStorage"}
    settings.STORAGES = {**settings.STORAGES, "other": backend}
    largefiles.set(STORAGE="other", STAGING_DIRECTORY=tmp_path / "staging")


@pytest.mark.parametrize("state", ["received", "ready"])
@pytest.mark.usefixtures("_storage")
def test_it_is_stored_in_any_storage(state: str, tmp_path: Path) -> None:
    asset = make_asset(state, content=CONTENT)
    assert (asset.storage, readable(asset)) == ("other", CONTENT)
    staged = [path for path in (tmp_path / "staging").rglob("*") if path.is_file()]
    assert len(staged) <= (state == "received")


@pytest.mark.usefixtures("_storage")
def test_an_upload_to_any_storage_can_be_continued(client: Client, owner: User) -> None:
    client.force_login(owner)
    asset = make_asset("receiving", content=CONTENT, name="picture.png", received=4000, owner=owner)
    Tus(client).patch(f"/files/uploads/{asset.pk}", 4000, CONTENT[4000:])
    asset.refresh_from_db()
    assert readable(asset) == CONTENT
