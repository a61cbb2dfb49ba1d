from __future__ import annotations

from contextlib import closing

import pytest

from django_largefiles.exceptions import StoreFull, StoreUnavailable, UploadGone
from django_largefiles.options import MIB
from django_largefiles.stores import store_for
from django_largefiles.stores.base import Store
from django_largefiles.stores.s3 import plan, retries
from django_largefiles.stores.s3.appender import RESERVED
from django_largefiles.stores.s3.bucket import Bucket, Stat
from django_largefiles.stores.s3.errors import Missing
from django_largefiles.stores.s3.state import Progress
from django_largefiles.testing.stores import ArrivingUpload, StoreContract
from tests.s3.servers import S3Bucket
from tests.stores.s3.test_retries import Clock

NAME = "largefiles/ab/cd/abcd"


@pytest.fixture
def store(bucket: S3Bucket) -> Store:
    return store_for(bucket.storage())


class TestContract(StoreContract):
    large = 2 * plan.PART + 100_000


PART = bytes(plan.PART)


@pytest.fixture
def upload(store: Store) -> ArrivingUpload:
    return ArrivingUpload(store, NAME)


def progress(upload: ArrivingUpload) -> Progress:
    return Progress.read(upload.state)


def test_everything_is_below_the_location(bucket: S3Bucket) -> None:
    upload = ArrivingUpload(store_for(bucket.storage(location="private/area")), NAME)
    upload.add(0, b"some")
    [tail] = bucket.keys()
    assert tail.startswith("private/area/.incoming/abcd.")
    assert upload.finish(4, b" more") == NAME
    upload.store.tidy(NAME)
    assert bucket.keys() == [f"private/area/{NAME}"]


def test_nothing_is_asked_before_the_first_byte(bucket: S3Bucket) -> None:
    upload = ArrivingUpload(store_for(bucket.through("http://127.0.0.1:9").storage()), NAME)
    upload.append(0).close()
    upload.add(0)
    assert progress(upload) == Progress(name=NAME)


def test_a_small_file_costs_no_part_before_its_end(upload: ArrivingUpload, bucket: S3Bucket) -> None:
    upload.add(0, b"small")
    assert bucket.unfinished() == []


def test_of_the_tails_only_the_last_ones_stay(upload: ArrivingUpload, bucket: S3Bucket) -> None:
    for offset in range(6):
        upload.add(offset, b"x")
    with closing(upload.append(6)) as sender:
        for _ in range(4):
            sender.write(b"x")
            sender.commit()
    assert len(bucket.keys()) == 2
    upload.finish(10)
    upload.store.tidy(NAME)
    assert bucket.keys() == [NAME]


def test_a_tail_that_cannot_be_removed_does_not_stop_the_upload(
    upload: ArrivingUpload, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Bucket, key: str) -> None:
        raise StoreUnavailable("not permitted")

    upload.add(0, b"x")
    upload.add(1, b"y")
    monkeypatch.setattr(Bucket, "delete", fail)
    upload.add(2, b"z")
    assert progress(upload).size == 3


def test_nothing_is_written_twice_where_nothing_has_changed(upload: ArrivingUpload, bucket: S3Bucket) -> None:
    with closing(upload.append(0)) as sender:
        sender.write(b"x")
        sender.commit()
        before = bucket.client.head_object(Bucket=bucket.name, Key=progress(upload).tail)
        bucket.client.delete_object(Bucket=bucket.name, Key=progress(upload).tail)
        sender.commit()
    assert before["ContentLength"] == 1
    assert bucket.keys() == []


def test_numbers_are_taken_before_parts_are_sent(upload: ArrivingUpload, bucket: S3Bucket) -> None:
    upload.add(0, PART, b"x")
    assert (progress(upload).runs, progress(upload).next_number) == (((1, 1),), 2)
    with closing(upload.append(plan.PART + 1)) as interrupted:
        interrupted.write(PART)
        assert (progress(upload).runs, progress(upload).next_number) == (((1, 1),), 2 + RESERVED)
        interrupted.write(PART)
    upload.add(plan.PART + 1, PART[1:], b"y")
    assert (progress(upload).runs, progress(upload).next_number) == (((1, 1), (2 + RESERVED, 1)), 3 + RESERVED)


def test_without_numbers_an_upload_is_full(upload: ArrivingUpload) -> None:
    upload.add(0, PART)
    upload.state = {**upload.state, "next_number": plan.MAX_PARTS}
    with pytest.raises(StoreFull, match="10000 parts"), closing(upload.append(plan.PART)) as sender:
        sender.write(PART)


def test_bytes_that_are_not_there_are_missed(upload: ArrivingUpload) -> None:
    upload.add(0, b"some")
    with pytest.raises(UploadGone, match="4 bytes, not 5"):
        upload.add(5, b"more")


def test_parts_that_are_not_there_are_missed(upload: ArrivingUpload) -> None:
    upload.add(0, PART, b"x")
    upload.state = {**upload.state, "runs": [[1, 2]], "size": 2 * plan.PART + 1, "parted": 2 * plan.PART}
    with pytest.raises(StoreUnavailable, match="2 parts"):
        upload.finish(2 * plan.PART + 1)


def test_a_part_that_is_listed_twice_counts_once(
    upload: ArrivingUpload, bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = Bucket.parts
    monkeypatch.setattr(Bucket, "parts", lambda *told: [*parts(*told), *parts(*told)])
    upload.finish(0, PART, b"x")
    assert bucket.content(NAME) == PART + b"x"


def test_a_file_of_which_all_is_there_is_finished_again(upload: ArrivingUpload, bucket: S3Bucket) -> None:
    upload.finish(0, b"all")
    before = upload.state
    assert upload.finish(3) == NAME
    assert upload.state == before
    assert bucket.content(NAME) == b"all"


def test_an_object_may_appear_a_little_later_than_its_upload_vanishes(
    upload: ArrivingUpload, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    stat, answers = Bucket.stat, [Missing("not yet"), Missing("not yet")]

    def stat_late(self: Bucket, key: str) -> Stat:
        if answers:
            raise answers.pop()
        return stat(self, key)

    upload.finish(0, b"all")
    monkeypatch.setattr(retries, "time", Clock())
    monkeypatch.setattr(Bucket, "stat", stat_late)
    assert store.finish(upload.state, upload.token) == NAME


def test_an_object_of_another_length_is_not_taken_for_the_file(upload: ArrivingUpload, bucket: S3Bucket) -> None:
    upload.finish(0, b"all")
    bucket.client.put_object(Bucket=bucket.name, Key=NAME, Body=b"something else")
    with pytest.raises(StoreUnavailable):
        upload.store.finish(upload.state, upload.token)


def test_small_uploads_are_put_together_into_parts(upload: ArrivingUpload, store: Store, bucket: S3Bucket) -> None:
    sizes = [3 * MIB, 100, 4 * MIB, 6 * MIB, 1]
    others = []
    for number, size in enumerate(sizes):
        others.append(ArrivingUpload(store, f"largefiles/other-{number}"))
        others[-1].add(0, bytes([number]) * size)
    with closing(upload.append(0)) as sender:
        sender.concatenate(*others)
        sender.conclude()
        sender.finish()
    assert bucket.content(NAME) == b"".join(bytes([number]) * size for number, size in enumerate(sizes))


def test_leftovers_of_an_upload_are_tidied_up(upload: ArrivingUpload, store: Store, bucket: S3Bucket) -> None:
    with closing(upload.append(0)) as lost:
        lost.write(PART)
        lost.appender.commit()
    upload.finish(0, b"all")
    assert (len(bucket.keys()), bucket.unfinished()) == (2, [NAME])
    store.tidy(NAME)
    assert (bucket.keys(), bucket.unfinished()) == ([NAME], [])
