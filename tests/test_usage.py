from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import BytesIO
from threading import Barrier
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from django_largefiles import access, clock, lifecycle, usage
from django_largefiles.access import OwnerOrStaff
from django_largefiles.doors.ingest import ingest
from django_largefiles.exceptions import MalformedRequest, QuotaExceeded, TooManyUploads
from django_largefiles.intake.creation import Declaration, begin, create_trusted
from django_largefiles.intake.resuming import set_length, take_over
from django_largefiles.models import FileAsset, Upload, Usage
from django_largefiles.options import Quota
from django_largefiles.pipeline.processing import process
from django_largefiles.pipeline.rejection import discard_rejected
from django_largefiles.states import Reason, State
from django_largefiles.sweeper import sweep
from tests.conftest import Largefiles, create_asset, png
from tests.doors.resumable import ietf_client

pytestmark = pytest.mark.django_db(transaction=True)

needs_threads = pytest.mark.skipif(
    connection.vendor == "sqlite" and not connection.settings_dict["TEST"]["NAME"],
    reason="threads cannot wait for each other in SQLite's memory: integration/test_parallel.py uses a file",
)

Stored = Callable[[], list[str]]
PICTURE = png(padding=1000 - len(png()))
"""Of a thousand bytes."""


class StaffKeepAll(OwnerOrStaff):
    def quota(self, user: access.User) -> Quota:
        return Quota() if getattr(user, "is_staff", False) else Quota(files=1)


def declared(owner: access.User | None, length: int | None, *, at_most: int | None = None) -> Upload:
    return create_trusted(Declaration(name="picture.png", owner=owner, length=length, at_most=at_most))


def arrived(owner: User) -> FileAsset:
    """A file of a thousand bytes that no worker has seen."""
    return ingest(BytesIO(PICTURE), name="picture.png", owner=owner)


def rejected(owner: User, reason: Reason) -> FileAsset:
    asset = arrived(owner)
    claim = lifecycle.claim(asset.pk)
    assert claim
    lifecycle.reject(claim, reason, "for the test")
    asset.refresh_from_db()
    return asset


@pytest.mark.parametrize(
    ("quota", "length"),
    [({"BYTES": 1000}, 1000), ({"FILES": 1}, 1000), ({"BYTES": 1000, "FILES": 1}, 0), ({}, 10**9)],
    ids=["all its bytes", "the last file", "both", "no quota"],
)
def test_up_to_the_quota_all_is_well(quota: dict[str, int], length: int, owner: User, largefiles: Largefiles) -> None:
    largefiles.set(QUOTA=quota)
    assert declared(owner, length).asset.owner == owner


@pytest.mark.parametrize(
    ("quota", "limit", "value", "unit"),
    [
        ({"BYTES": 1999}, 1999, 2000, "bytes"),
        ({"FILES": 1}, 1, 2, "files"),
        ({"BYTES": 10**6, "FILES": 1}, 1, 2, "files"),
    ],
    ids=["bytes", "files", "files within the bytes"],
)
def test_beyond_the_quota_a_file_is_refused_and_leaves_nothing_behind(
    quota: dict[str, int], limit: int, value: int, unit: str, owner: User, largefiles: Largefiles, stored: Stored
) -> None:
    arrived(owner)
    files = stored()
    largefiles.set(QUOTA=quota)
    with pytest.raises(QuotaExceeded, match=f"{value} {unit}, more than {limit}") as refused:
        declared(owner, 1000)
    assert (refused.value.limit, refused.value.value) == (limit, value)
    assert (FileAsset.objects.count(), Upload.objects.count(), stored()) == (1, 0, files)


@pytest.mark.parametrize("whose", [None, AnonymousUser()], ids=["nobody", "anonymous"])
def test_an_anonymous_user_has_no_quota(whose: access.User | None, largefiles: Largefiles) -> None:
    largefiles.set(QUOTA={"FILES": 1})
    declared(whose, 10)
    declared(whose, 10)
    assert FileAsset.objects.count() == 2


class TestWhatCounts:
    """Beside a file of a thousand bytes, of which the quota allows two."""

    @pytest.fixture(autouse=True)
    def quota(self, largefiles: Largefiles) -> None:
        largefiles.set(QUOTA={"BYTES": 2000}, MAX_UPLOAD_SIZE=1500)

    def refuses_another(self, owner: User, length: int = 1000) -> bool:
        try:
            upload = declared(owner, length)
        except QuotaExceeded:
            return True
        lifecycle.discard(upload.pk)
        return False

    def test_a_file_that_has_not_sent_a_byte_counts_as_large_as_it_will_be(self, owner: User) -> None:
        declared(owner, 1001)
        assert self.refuses_another(owner)

    def test_a_file_of_unknown_length_counts_as_large_as_it_may_be(self, owner: User) -> None:
        declared(owner, None)
        assert not self.refuses_another(owner, 500)
        assert self.refuses_another(owner, 501)

    def test_a_file_that_cannot_be_larger_than_its_request_counts_as_large_as_that(self, owner: User) -> None:
        declared(owner, None, at_most=600)
        assert not self.refuses_another(owner, 1400)
        assert self.refuses_another(owner, 1401)

    def test_a_request_that_may_carry_more_than_is_allowed_counts_as_what_is_allowed(self, owner: User) -> None:
        declared(owner, None, at_most=10**9)
        assert not self.refuses_another(owner, 500)

    def test_a_length_that_is_told_later_counts_from_then_on(self, owner: User) -> None:
        upload = declared(owner, None)
        set_length(upload, 1000)
        assert not self.refuses_another(owner)

    def test_a_file_counts_as_large_as_it_became(self, owner: User) -> None:
        with begin(Declaration(name="picture.png", owner=owner)) as writer:
            writer.write(PICTURE)
            writer.finish()
        assert not self.refuses_another(owner)
        assert self.refuses_another(owner, 1001)

    def test_a_file_that_is_ready_counts(self, owner: User) -> None:
        asset = arrived(owner)
        process(asset.pk)
        asset.refresh_from_db()
        assert asset.state == State.READY
        assert self.refuses_another(owner, 1001)

    def test_a_file_that_was_rejected_and_emptied_does_not(self, owner: User) -> None:
        discard_rejected(rejected(owner, Reason.TYPE_NOT_ALLOWED))
        assert not self.refuses_another(owner, 1500)

    def test_a_file_that_was_blocked_and_kept_does(self, owner: User) -> None:
        rejected(owner, Reason.BLOCKED)
        assert self.refuses_another(owner, 1001)

    def test_a_file_that_was_given_up_does_not(self, owner: User) -> None:
        begin(Declaration(name="picture.png", owner=owner)).abort()
        assert not self.refuses_another(owner, 1500)

    def test_a_file_that_was_deleted_does_not(self, owner: User) -> None:
        arrived(owner).delete()
        assert not self.refuses_another(owner, 1500)

    def test_another_s_file_does_not(self, owner: User, stranger: User) -> None:
        arrived(stranger)
        assert not self.refuses_another(owner, 1500)


def test_the_access_policy_may_differ_by_user(owner: User, staff: User, largefiles: Largefiles) -> None:
    largefiles.set(ACCESS_POLICY=f"{__name__}.StaffKeepAll")
    for user in (owner, staff, staff):
        declared(user, 10)
    with pytest.raises(QuotaExceeded):
        declared(owner, 10)


def test_a_refused_client_is_told_which_limit(client: Client, owner: User, largefiles: Largefiles) -> None:
    largefiles.set(QUOTA={"FILES": 1})
    client.force_login(owner)
    ietf_client.create(client, PICTURE)
    answer = ietf_client.create(client, PICTURE)
    assert ietf_client.problem(answer) == (413, "quota_exceeded")
    assert (answer.json()["limit"], answer.json()["value"]) == (1, 2)
    assert FileAsset.objects.count() == 1


def test_where_rows_can_be_locked_the_owner_s_usage_is_before_anything_is_added(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection.features, "has_select_for_update", True)
    monkeypatch.setattr(connection.ops, "for_update_sql", lambda **_: "/* locked */")
    with CaptureQueriesContext(connection) as queries:
        declared(owner, 10)
    statements = [query["sql"] for query in queries if query["sql"].startswith(("SELECT", "INSERT"))]
    assert "/* locked */" in statements[0]
    assert Usage._meta.db_table in statements[0]


ISOLATION = {
    "sqlite": [None],
    "postgresql": [1, 2, 3],
    "mysql": ["read committed", "repeatable read", "serializable"],
}
"""READ COMMITTED, REPEATABLE READ and SERIALIZABLE, as the driver of each database calls them."""


@needs_threads
@pytest.mark.parametrize("isolation", ISOLATION[connection.vendor])
def test_parallel_creations_at_the_edge_are_as_many_as_there_is_room_for(
    isolation: Any, owner: User, largefiles: Largefiles, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "isolation_level", isolation)
    if isolation is None:
        monkeypatch.delitem(connection.settings_dict["OPTIONS"], "isolation_level")
    largefiles.set(QUOTA={"BYTES": 5000})
    together = Barrier(10)

    def attempt(_: int) -> bool:
        together.wait()
        try:
            declared(owner, 1000)
        except QuotaExceeded:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(max_workers=10) as pool:
        admitted = sum(pool.map(attempt, range(50)))
    assert admitted == FileAsset.objects.count() == len(stored()) == 5
    assert usage_of(owner) == (5000, 5)


def usage_of(owner: User) -> tuple[int, int]:
    row = Usage.objects.get(pk=owner.pk)
    return row.bytes, row.files


def test_usage_is_counted_without_a_quota(owner: User) -> None:
    upload = declared(owner, None, at_most=500)
    assert str(Usage.objects.get()) == f"{owner.pk}: 500 bytes in 1 files"
    set_length(upload, 400)
    assert usage_of(owner) == (400, 1)
    lifecycle.discard(upload.pk)
    assert usage_of(owner) == (0, 0)


class TestOpenUploads:
    """Of which an owner may have two."""

    @pytest.fixture(autouse=True)
    def quota(self, largefiles: Largefiles) -> None:
        largefiles.set(QUOTA={"UPLOADS": 2})

    def open_uploads(self, owner: User) -> int:
        assert usage.repair() == 0
        counted = Usage.objects.get(pk=owner.pk).uploads
        Usage.objects.update(checked_at=clock.after(-usage.CHECK_AFTER))
        assert usage.repair() == 0
        return counted

    def test_another_is_refused_and_leaves_nothing_behind(self, owner: User, stored: Stored) -> None:
        declared(owner, 10)
        declared(owner, None)
        files = stored()
        with pytest.raises(TooManyUploads, match="more than 2 uploads at once") as refused:
            declared(owner, 10)
        assert (refused.value.limit, refused.value.retry_after) == (2, 60)
        assert (FileAsset.objects.count(), stored(), self.open_uploads(owner)) == (2, files, 2)

    def test_one_that_is_complete_does_not_count(self, owner: User) -> None:
        arrived(owner)
        assert self.open_uploads(owner) == 0

    def test_one_that_was_deleted_does_not_count(self, owner: User) -> None:
        declared(owner, 10).asset.delete()
        assert self.open_uploads(owner) == 0

    def test_another_s_does_not_count(self, owner: User, stranger: User) -> None:
        declared(stranger, 10)
        declared(owner, 10)
        assert self.open_uploads(owner) == 1

    def test_a_partial_one_counts_until_it_has_all_its_bytes(self, owner: User) -> None:
        upload = create_trusted(Declaration(name="", owner=owner, length=10), kind=Upload.Kind.PARTIAL)
        for offset in (0, 4, 10, 10):
            with take_over(upload, upload.offset) as writer:
                writer.write(bytes(offset - upload.offset))
                writer.pause()
            upload = Upload.objects.select_related("asset").get()
            assert self.open_uploads(owner) == (offset < 10)
        upload.asset.delete()
        assert self.open_uploads(owner) == 0

    def test_a_partial_one_without_an_owner_is_closed_too(self) -> None:
        upload = create_trusted(Declaration(name="", length=0), kind=Upload.Kind.PARTIAL)
        with take_over(upload, 0) as writer:
            writer.pause()
        assert not Upload.objects.get().is_open


def test_usage_of_files_that_the_host_made_begins_with_the_first_upload(owner: User, largefiles: Largefiles) -> None:
    create_asset(owner=owner, state=State.READY, file="a", size=700)
    largefiles.set(QUOTA={"BYTES": 1000})
    with pytest.raises(QuotaExceeded):
        declared(owner, 301)
    declared(owner, 300)
    assert usage_of(owner) == (1000, 2)


def test_a_file_whose_owner_has_no_usage_yet_is_deleted_without_one(owner: User) -> None:
    FileAsset.objects.create(original_name="a.png", owner=owner, state=State.READY, size=700).delete()
    assert not Usage.objects.exists()


def test_bytes_of_a_rejected_file_are_removed_from_the_usage_once(owner: User) -> None:
    declared(owner, 1)
    asset = rejected(owner, Reason.TYPE_NOT_ALLOWED)
    assert usage_of(owner) == (1001, 2)
    discard_rejected(asset)
    discard_rejected(asset)
    assert usage_of(owner) == (1, 1)


def test_of_two_that_tell_the_length_the_first_counts(owner: User) -> None:
    first, second = declared(owner, None), Upload.objects.select_related("asset").get()
    set_length(first, 400)
    with pytest.raises(MalformedRequest):
        set_length(second, 300)
    assert usage_of(owner) == (400, 1)


def test_usage_is_deleted_with_its_owner(owner: User) -> None:
    declared(owner, 1)
    owner.delete()
    assert not Usage.objects.exists()
    assert FileAsset.objects.get().owner is None


class TestRepair:
    @pytest.fixture(autouse=True)
    def wrong(self, owner: User) -> None:
        declared(owner, 10)
        Usage.objects.update(bytes=7, files=7, checked_at=clock.after(-usage.CHECK_AFTER))

    def test_usage_that_was_counted_wrongly_is_corrected(self, owner: User, caplog: pytest.LogCaptureFixture) -> None:
        assert [sweep().usage_corrected, sweep().usage_corrected] == [1, 0]
        assert usage_of(owner) == (10, 1)
        assert f"usage of owner {owner.pk}" in caplog.text

    def test_usage_that_was_counted_rightly_is_not_reported(
        self, owner: User, caplog: pytest.LogCaptureFixture
    ) -> None:
        Usage.objects.update(bytes=10, files=1)
        assert usage.repair() == 0
        assert caplog.text == ""

    def test_usage_that_was_checked_within_a_day_is_not_checked(self, owner: User) -> None:
        Usage.objects.update(checked_at=clock.after(timedelta(minutes=1) - usage.CHECK_AFTER))
        assert usage.repair() == 0
        assert usage_of(owner) == (7, 7)

    def test_owners_are_checked_in_turn_within_the_budget(
        self, owner: User, stranger: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        declared(stranger, 10)
        Usage.objects.filter(pk=stranger.pk).update(bytes=7, checked_at=clock.after(-2 * usage.CHECK_AFTER))
        monkeypatch.setattr(usage, "FILES_AT_ONCE", 1)
        assert usage.repair() == 1
        assert (usage_of(stranger), usage_of(owner)) == ((10, 1), (7, 7))
        assert usage.repair() == 1
        assert usage_of(owner) == (10, 1)

    def test_an_owner_who_is_deleted_meanwhile_is_passed_over(
        self, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pk = owner.pk
        owner.delete()
        monkeypatch.setattr(usage, "_within_budget", lambda owners: [pk])
        assert usage.repair() == 0
