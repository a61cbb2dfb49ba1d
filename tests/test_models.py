from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from io import SEEK_END, BytesIO
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import CharField
from django.shortcuts import redirect
from django.test.utils import isolate_apps
from django.utils import timezone
from pytest_django.fixtures import Settings

from django_largefiles.exceptions import NotReady
from django_largefiles.extractors.base import COLUMN_BOUNDS, METADATA_COLUMNS, Bounds, Integer, Number, Text
from django_largefiles.models import MANAGED_COLUMNS, FileAsset, Upload
from django_largefiles.states import Attachment, Reason, ScanVerdict, Stage, State
from tests.conftest import create_asset, png

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
KEY = "largefiles/ab/cd/abcd"
BIGGEST: dict[type[Bounds], Callable[[Any], object]] = {Integer: int, Number: float, Text: lambda most: "a" * most}
SETTLED_STATES = [state for state in State if state != State.RECEIVING]


def asset(**values: Any) -> FileAsset:
    return create_asset(**{"state": State.RECEIVED, **values})


def receiving(*, offset: int = 0, size: int | None = None) -> FileAsset:
    found = asset(state=State.RECEIVING, size=size)
    Upload.objects.create(asset=found, offset=offset, store_state={"name": KEY}, expires_at=timezone.now() + DAY)
    return FileAsset.objects.get(pk=found.pk)


def test_each_column_of_the_metadata_holds_the_largest_value_of_its_bounds() -> None:
    largest = {name: BIGGEST[type(bounds)](bounds.most) for name, bounds in COLUMN_BOUNDS.items()}
    described = asset(**largest)
    described.clean_fields(exclude={field.name for field in described._meta.fields} - {*METADATA_COLUMNS})
    described.refresh_from_db()
    assert {name: getattr(described, name) for name in METADATA_COLUMNS} == largest


def test_an_id_cannot_be_guessed() -> None:
    assert {asset().pk.version for _ in range(2)} == {4}


def test_an_asset_is_called_by_its_name_and_state() -> None:
    assert str(asset()) == "picture.png (received)"


def test_an_upload_is_called_by_its_id_and_offset() -> None:
    found = receiving(offset=9)
    assert str(found.upload) == f"{found.pk} at 9"


def test_of_an_arriving_asset_the_offset_is_received() -> None:
    assert receiving(offset=3, size=7).received == 3


def test_of_an_arriving_asset_without_an_upload_nothing_is_received() -> None:
    assert asset(state=State.RECEIVING).received == 0


@pytest.mark.parametrize("state", SETTLED_STATES)
def test_of_a_complete_asset_all_is_received(state: State) -> None:
    assert asset(state=state).received == 7


def test_of_an_empty_asset_nothing_is_received() -> None:
    assert asset(size=0).received == 0


def test_a_file_can_be_taken_in_through_the_manager(owner: User) -> None:
    content = png()
    found = FileAsset.objects.ingest(BytesIO(content), name="picture.png", owner=owner)
    assert (found.state, found.owner, found.original_name) == (State.RECEIVED, owner, "picture.png")
    assert found.sha256 == hashlib.sha256(content).hexdigest()


def test_a_path_can_be_taken_in_through_the_manager(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(png())
    assert FileAsset.objects.ingest(path).original_name == "picture.png"


def test_a_file_can_be_taken_in_asynchronously(owner: User) -> None:
    found = async_to_sync(FileAsset.objects.aingest)(BytesIO(png()), name="picture.png", owner=owner)
    assert (found.state, found.owner, found.original_name) == (State.RECEIVED, owner, "picture.png")


def test_a_ready_asset_is_a_file_that_can_seek(ready: FileAsset) -> None:
    with ready.open() as file:
        assert (file.seek(-4, SEEK_END), file.read()) == (len(png()) - 4, png()[-4:])
        assert (file.seek(0), file.read()) == (0, png())
    assert file.closed


@pytest.mark.parametrize("state", sorted(set(State) - {State.READY}))
def test_no_other_asset_is_opened(state: State) -> None:
    with pytest.raises(NotReady, match=f"the file is {state}, not ready"):
        asset(state=state, file=KEY).open()


def test_an_asset_knows_where_it_is(received: FileAsset) -> None:
    assert received.get_absolute_url() == received.url == redirect(received).url


def test_without_our_urls_an_asset_does_not_know_where_it_is(received: FileAsset, settings: Settings) -> None:
    settings.ROOT_URLCONF = "django.contrib.auth.urls"
    with pytest.raises(ImproperlyConfigured, match=r'include\("django_largefiles\.urls"\)'):
        received.get_absolute_url()


def test_the_bytes_can_be_read_through_the_field(received: FileAsset) -> None:
    with received.file.open() as file:
        assert file.read() == png()


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"state": "lost"}, id="unknown state"),
        pytest.param({"state": ""}, id="no state"),
        pytest.param({"size": -1}, id="negative size"),
        *[pytest.param({"state": state, "size": None}, id=f"{state} without a size") for state in SETTLED_STATES],
    ],
)
def test_the_database_refuses(values: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError, match="largefiles_asset"):
        asset(**values)


@pytest.mark.parametrize("size", [None, 0, 2**43])
def test_the_database_takes_an_arriving_asset_of_any_size(size: int | None) -> None:
    assert asset(state=State.RECEIVING, size=size).size == size


def test_an_asset_outlives_its_owner(owner: User) -> None:
    found = asset(owner=owner)
    owner.delete()
    found.refresh_from_db()
    assert found.owner is None


def test_an_upload_goes_with_its_asset() -> None:
    receiving().delete()
    assert not Upload.objects.exists()


def test_an_upload_has_the_id_of_its_asset() -> None:
    found = receiving()
    assert found.upload.pk == found.pk


def arriving_bytes() -> str:
    receiving()
    return ".incoming/abcd"


def complete_bytes() -> str:
    return str(asset(file=KEY).file)


@pytest.mark.parametrize("path_of", [arriving_bytes, complete_bytes], ids=["arriving", "complete"])
@pytest.mark.parametrize(
    "delete",
    [
        lambda: FileAsset.objects.get().delete(),
        lambda: FileAsset.objects.all().delete(),
        lambda: async_to_sync(FileAsset.objects.get().adelete)(),
    ],
    ids=["one", "a query", "asynchronously"],
)
def test_the_bytes_go_once_the_deletion_is_committed(
    media: Path,
    stored: Callable[[], list[str]],
    django_capture_on_commit_callbacks: Callable[..., Any],
    path_of: Callable[[], str],
    delete: Callable[[], object],
) -> None:
    path = path_of()
    (media / path).parent.mkdir(parents=True)
    (media / path).write_bytes(b"abc")
    with django_capture_on_commit_callbacks(execute=True):
        delete()
        assert stored() == [path]
    assert stored() == []


def test_an_asset_without_bytes_is_deleted_too(django_capture_on_commit_callbacks: Callable[..., Any]) -> None:
    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        asset(state=State.REJECTED, file="").delete()
    assert not callbacks


@pytest.mark.parametrize(
    "columns",
    [
        ["owner_id", "created_at", "id"],
        ["created_at", "id"],
        ["state", "lease_expires_at"],
        ["sha256"],
    ],
    ids=" ".join,
)
def test_what_is_asked_for_has_an_index(columns: list[str]) -> None:
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, FileAsset._meta.db_table)
    assert columns in [each["columns"] for each in found.values() if each["index"]]


OTHER_COLUMNS = {
    "id", "owner", "profile", "original_name", "client_fields", "declared_type", "created_at", "updated_at",
    "extra_attributes", *METADATA_COLUMNS,
}  # fmt: skip


def test_each_column_is_either_managed_or_saved() -> None:
    names = [field.name for field in FileAsset._meta.concrete_fields]
    assert sorted([*MANAGED_COLUMNS, *OTHER_COLUMNS]) == sorted(names)


def changed(stored: FileAsset) -> dict[str, Any]:
    """Change every managed column in the database, and return what they are now."""
    digests = {"sha256": "a" * 64, "sha512": "b" * 128, "expected_sha256": "c" * 64, "expected_sha512": "d" * 128}
    now = timezone.now()
    values = {
        **digests, "storage": "other", "file": "other", "size": 9, "media_type": "image/gif", "crc32": 9,
        "attachment": Attachment.PROVISIONAL, "expires_at": now, "kept_when_orphaned": True, "session": "s",
        "state": State.REJECTED, "reason": Reason.BLOCKED, "detail": "court order", "stage": Stage.READING,
        "stage_done": 9, "attempts": 9, "claims": 9, "lease_expires_at": now, "processed_at": now,
        "link_generation": 9, "extraction_error": "none", "confinement": "seccomp",
        "scan_verdict": ScanVerdict.CLEAN, "scan_detail": [{}],
    }  # fmt: skip
    assert values.keys() == MANAGED_COLUMNS
    FileAsset.objects.filter(pk=stored.pk).update(**values)
    return values


@pytest.mark.parametrize(
    "save",
    [
        lambda held: held.save(),
        lambda held: held.save(force_update=True),
        lambda held: async_to_sync(held.asave)(),
        lambda held: FileAsset.objects.update_or_create(pk=held.pk, defaults={"title": held.title}),
    ],
    ids=["save", "forced", "asynchronously", "update_or_create"],
)
def test_saving_an_instance_undoes_no_change_of_ours(save: Callable[[FileAsset], object]) -> None:
    held = asset()
    now = changed(held)
    held.title = "My picture"
    save(held)
    stored = FileAsset.objects.get()
    assert stored.title == "My picture"
    assert stored.updated_at > held.created_at
    assert FileAsset.objects.values(*now).get() == now


def test_an_instance_made_of_an_id_undoes_no_change_of_ours() -> None:
    found = asset(state=State.READY)
    FileAsset(pk=found.pk, original_name="b.png", created_at=timezone.now()).save(force_update=True)
    found.refresh_from_db()
    assert (found.original_name, found.state) == ("b.png", State.READY)


def test_saving_writes_no_column_that_was_not_read(django_assert_num_queries: Callable[[int], Any]) -> None:
    asset(title="Title", profile="default")
    held = FileAsset.objects.only("title").get()
    FileAsset.objects.update(profile="videos")
    held.title = "Other"
    with django_assert_num_queries(1):
        held.save()
    assert FileAsset.objects.values_list("title", "profile").get() == ("Other", "videos")


@pytest.mark.parametrize("columns", [["state"], ("title", "link_generation"), {"attachment"}], ids=str)
def test_a_column_of_ours_cannot_be_named(columns: Iterable[str]) -> None:
    held = asset()
    with pytest.raises(ValueError, match=r"does not write (state|link_generation|attachment): only this package"):
        held.save(update_fields=columns)


def test_other_columns_can_be_named() -> None:
    held = asset()
    changed(held)
    held.title, held.original_name = "Other", "other.png"
    held.save(update_fields=["title"])
    assert FileAsset.objects.values_list("title", "original_name", "state").get() == (
        "Other",
        "picture.png",
        State.REJECTED,
    )


def test_a_deleted_asset_is_not_saved_again() -> None:
    held = asset()
    FileAsset.objects.all().delete()
    with pytest.raises(DatabaseError), transaction.atomic():
        held.save()
    assert not FileAsset.objects.exists()


@pytest.fixture
def recording() -> Iterator[Any]:
    """A model that inherits from ours, with its table."""
    with isolate_apps("tests.films"):

        class Recording(FileAsset):
            place = CharField(max_length=20)

            class Meta:
                app_label = "films"

    with connection.schema_editor() as editor:
        editor.create_model(Recording)
    yield Recording
    with connection.schema_editor() as editor:
        editor.delete_model(Recording)


@pytest.mark.django_db(transaction=True)
def test_a_model_that_inherits_from_ours_saves_its_own_columns(recording: Any) -> None:
    held = recording.objects.create(original_name="a.png", place="Here")
    now = changed(held)
    held.place, held.title = "There", "Other"
    held.save()
    assert recording.objects.values("place", "title", *now).get() == {"place": "There", "title": "Other", **now}
