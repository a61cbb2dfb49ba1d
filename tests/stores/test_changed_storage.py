"""Assets stay in reach under the alias at which they were received, after ``STORAGE`` was changed to another."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db.models import F
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from django_largefiles import lifecycle
from django_largefiles.doors.ingest import ingest
from django_largefiles.exceptions import StoreUnavailable
from django_largefiles.intake import direct
from django_largefiles.intake.assembly import assemble
from django_largefiles.intake.creation import Declaration, create_trusted
from django_largefiles.intake.progress import reload
from django_largefiles.intake.resuming import take_over
from django_largefiles.models import FileAsset, PendingRemoval, Upload
from django_largefiles.outbox.removals import GRACE
from django_largefiles.pipeline.processing import TryAgain, process
from django_largefiles.states import Reason, State
from django_largefiles.sweeper import sweep
from django_largefiles.verification import verify
from tests.api.direct_client import put
from tests.conftest import Largefiles, png
from tests.s3.servers import S3Bucket
from tests.storages import RemoteStorage

pytestmark = pytest.mark.django_db(transaction=True)

CONTENT = png(padding=10_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
FILESYSTEM = "django.core.files.storage.FileSystemStorage"


@pytest.fixture
def later(settings: Settings, tmp_path: Path, largefiles: Largefiles) -> Callable[[], None]:
    """Changes ``STORAGE`` to a storage that has nothing."""
    backend = {"BACKEND": FILESYSTEM, "OPTIONS": {"location": str(tmp_path / "later")}}
    settings.STORAGES = {**settings.STORAGES, "later": backend}
    return lambda: largefiles.set(STORAGE="later")


@pytest.fixture
def on_disk(settings: Settings, tmp_path: Path, largefiles: Largefiles, later: object) -> Callable[[], list[str]]:
    """A storage ``first`` on local disk, and the names of what is in it."""
    root = tmp_path / "first"
    backend = {"BACKEND": FILESYSTEM, "OPTIONS": {"location": str(root)}}
    settings.STORAGES = {**settings.STORAGES, "first": backend}
    largefiles.set(STORAGE="first")
    return lambda: sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


@pytest.fixture
def in_s3(settings: Settings, bucket: S3Bucket, largefiles: Largefiles, later: object) -> Callable[[], list[str]]:
    """A storage ``first`` in S3, and the names of what is in it."""
    settings.STORAGES = {**settings.STORAGES, "first": bucket.setting}
    largefiles.set(STORAGE="first", DELIVERY="stream")
    return lambda: sorted([*bucket.keys(), *bucket.unfinished()])


@pytest.fixture(params=["on_disk", pytest.param("in_s3", marks=pytest.mark.s3)])
def stored(request: pytest.FixtureRequest) -> Callable[[], list[str]]:
    found: Callable[[], list[str]] = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def asset(stored: object, owner: User, later: Callable[[], None]) -> FileAsset:
    """A ready asset, received before the change."""
    asset = ingest(BytesIO(CONTENT), name="picture.png", owner=owner)
    process(asset.pk)
    later()
    asset.refresh_from_db()
    assert (asset.state, asset.storage) == (State.READY, "first")
    return asset


def reloaded(asset: FileAsset) -> FileAsset:
    return FileAsset.objects.get(pk=asset.pk)


def downloaded(client: Client, asset: FileAsset) -> bytes:
    assert asset.owner
    client.force_login(asset.owner)
    return b"".join(client.get(reverse("largefiles:download", args=[asset.pk])).streaming_content)  # type: ignore[attr-defined]


def test_a_new_asset_is_received_under_the_new_alias(asset: FileAsset) -> None:
    assert ingest(BytesIO(CONTENT), name="picture.png").storage == "later"


def test_it_is_read(asset: FileAsset, client: Client) -> None:
    assert downloaded(client, asset) == CONTENT
    assert verify(asset) is None
    with asset.file.open() as stored, asset.open() as same:
        assert stored.read() == same.read() == CONTENT


def test_it_is_processed_again(asset: FileAsset) -> None:
    FileAsset.objects.update(sha256="")
    assert lifecycle.reprocess(asset.pk)
    process(asset.pk)
    assert (reloaded(asset).state, reloaded(asset).sha256) == (State.READY, SHA256)


def test_it_is_deleted_with_its_bytes(asset: FileAsset, stored: Callable[[], list[str]]) -> None:
    assert stored() == [asset.file.name]
    asset.delete()
    assert stored() == []
    assert PendingRemoval.objects.get().storage == "first"


def test_an_upload_goes_on_where_it_began(stored: Callable[[], list[str]], later: Callable[[], None]) -> None:
    upload = create_trusted(Declaration(name="picture.png"))
    first = take_over(upload, 0)
    first.write(CONTENT[:4000])
    first.pause()
    later()
    second = take_over(reload(upload), 4000)
    second.write(CONTENT[4000:])
    asset = second.finish()
    process(asset.pk)
    assert (reloaded(asset).state, reloaded(asset).sha256) == (State.READY, SHA256)
    assert stored() == [asset.file.name]


def test_an_upload_is_aborted_where_it_began(stored: Callable[[], list[str]], later: Callable[[], None]) -> None:
    upload = create_trusted(Declaration(name="picture.png"))
    writer = take_over(upload, 0)
    writer.write(CONTENT)
    writer.pause()
    later()
    lifecycle.discard(upload.pk)
    assert stored() == []


def test_an_upload_is_put_together_of_parts_in_different_storages(
    in_s3: object, later: Callable[[], None], largefiles: Largefiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django_largefiles.stores.s3.store.S3Store.copies_from", 1)
    parts = [partial(CONTENT[:6000])]
    later()
    parts.append(partial(CONTENT[6000:]))
    largefiles.set(STORAGE="first")
    asset = assemble(create_trusted(Declaration(name="picture.png"), kind=Upload.Kind.FINAL), parts)
    assert (asset.storage, asset.sha256) == ("first", SHA256)
    with asset.file.open() as file:
        assert file.read() == CONTENT


def partial(content: bytes) -> Upload:
    upload = create_trusted(Declaration(name="part"), kind=Upload.Kind.PARTIAL)
    writer = take_over(upload, 0)
    writer.write(content)
    writer.pause()
    return Upload.objects.select_related("asset").get(pk=upload.pk)


def test_a_direct_upload_is_completed_where_it_began(
    owner: User, in_s3: Callable[[], list[str]], later: Callable[[], None]
) -> None:
    declaration = Declaration(name="picture.png", owner=owner, length=len(CONTENT))
    upload = create_trusted(declaration, kind=Upload.Kind.DIRECT)
    later()
    (part,) = direct.sign(owner, upload, [1])
    put(part.url, CONTENT)
    assert [stored.size for stored in direct.stored_parts(upload)] == [len(CONTENT)]
    asset = direct.complete(owner, upload)
    process(asset.pk)
    assert (reloaded(asset).state, reloaded(asset).storage) == (State.READY, "first")
    assert in_s3() == [asset.file.name]


def test_a_staged_asset_is_moved_to_the_storage_that_it_was_received_for(
    settings: Settings, largefiles: Largefiles, later: Callable[[], None], tmp_path: Path
) -> None:
    options = {"location": str(tmp_path / "remote")}
    settings.STORAGES = {
        **settings.STORAGES,
        "first": {"BACKEND": "tests.storages.RemoteStorage", "OPTIONS": options},
    }
    largefiles.set(STORAGE="first", STAGING_DIRECTORY=tmp_path / "staging")
    asset = ingest(BytesIO(CONTENT), name="picture.png")
    later()
    process(asset.pk)
    assert reloaded(asset).state == State.READY
    assert RemoteStorage(options["location"]).objects() == [reloaded(asset).file.name]


def test_a_file_whose_storage_gives_no_links_is_streamed_though_the_new_one_redirects(
    on_disk: object, owner: User, client: Client, bucket: S3Bucket, settings: Settings, largefiles: Largefiles
) -> None:
    asset = ingest(BytesIO(CONTENT), name="picture.png", owner=owner)
    process(asset.pk)
    settings.STORAGES = {**settings.STORAGES, "s3": bucket.setting}
    largefiles.set(STORAGE="s3", DELIVERY="redirect")
    assert downloaded(client, asset) == CONTENT


class TestAnAliasThatIsGone:
    """Taken out of ``STORAGES`` while assets are stored under it."""

    @pytest.fixture
    def lost(self, on_disk: object, owner: User, later: Callable[[], None], settings: Settings) -> FileAsset:
        asset = ingest(BytesIO(CONTENT), name="picture.png", owner=owner)
        process(asset.pk)
        later()
        self.forget(settings)
        return reloaded(asset)

    @staticmethod
    def forget(settings: Settings) -> None:
        settings.STORAGES = {alias: value for alias, value in settings.STORAGES.items() if alias != "first"}

    def test_a_download_says_so(self, lost: FileAsset, client: Client) -> None:
        assert lost.owner
        client.force_login(lost.owner)
        answer = client.get(reverse("largefiles:download", args=[lost.pk]))
        assert (answer.status_code, answer.json()["value"]) == (503, "first")

    def test_it_cannot_be_opened(self, lost: FileAsset) -> None:
        with pytest.raises(StoreUnavailable, match=r"'first'.*STORAGES"):
            lost.file.open()

    def test_verification_says_so(self, lost: FileAsset) -> None:
        fault = verify(lost)
        assert fault
        assert fault.code == "store_unavailable"
        assert "'first'" in fault.detail

    def test_processing_is_tried_again_later(self, lost: FileAsset) -> None:
        assert lifecycle.reprocess(lost.pk)
        with pytest.raises(TryAgain):
            process(lost.pk)

    def test_the_sweeper_empties_the_others(self, lost: FileAsset, caplog: pytest.LogCaptureFixture) -> None:
        ingest(BytesIO(CONTENT), name="picture.png")
        FileAsset.objects.update(state=State.REJECTED, reason=Reason.INFECTED)
        assert sweep().rejected_files_removed == 1
        assert list(FileAsset.objects.exclude(file="")) == [lost]
        assert f"{lost.pk} are still in storage 'first'" in caplog.text

    def test_the_sweeper_removes_the_others(self, lost: FileAsset, caplog: pytest.LogCaptureFixture) -> None:
        ingest(BytesIO(CONTENT), name="picture.png")
        for asset in FileAsset.objects.all():
            asset.delete()
        PendingRemoval.objects.update(due_at=F("due_at") - GRACE)
        assert sweep().deleted_files_removed == 1
        assert "are still in storage 'first'" in caplog.text
