from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage

from django_largefiles.exceptions import StoreUnavailable, TakenOver
from django_largefiles.stores.base import Appender, Store
from django_largefiles.stores.memory import MemoryStore
from django_largefiles.testing.stores import ArrivingUpload, StoreContract

KEY = "largefiles/ab/cd/abcd"


@pytest.fixture
def storage() -> InMemoryStorage:
    return InMemoryStorage()


@pytest.fixture
def store(storage: InMemoryStorage) -> Store:
    return MemoryStore(storage)


class TestContract(StoreContract):
    pass


def test_a_finished_file_is_one_of_the_storage(store: Store, storage: InMemoryStorage) -> None:
    ArrivingUpload(store, KEY).finish(0, b"content")
    with storage.open(KEY) as file:
        assert file.read() == b"content"


def test_an_unfinished_file_is_not(store: Store, storage: InMemoryStorage) -> None:
    ArrivingUpload(store, KEY).add(0, b"content")
    assert not storage.exists(KEY)


def test_each_store_of_a_storage_knows_what_is_arriving(store: Store, storage: InMemoryStorage) -> None:
    upload = ArrivingUpload(store, KEY)
    upload.add(0, b"con")
    upload.store = MemoryStore(storage)
    upload.finish(3, b"tent")
    with store.open_ranged(KEY) as file:
        assert file.read() == b"content"


def test_another_storage_does_not() -> None:
    upload = ArrivingUpload(MemoryStore(InMemoryStorage()), KEY)
    upload.add(0, b"con")
    with pytest.raises(StoreUnavailable):
        MemoryStore(InMemoryStorage()).open_incoming(upload.state)


def test_readers_of_one_file_have_positions_of_their_own(store: Store, storage: InMemoryStorage) -> None:
    storage.save(KEY, ContentFile(b"content"))
    with store.open_ranged(KEY) as one, store.open_ranged(KEY) as other:
        assert (one.read(3), other.read(3), one.read(), other.read()) == (b"con", b"con", b"tent", b"tent")


@pytest.mark.parametrize(
    "act",
    [
        lambda appender: appender.write(b"late"),
        lambda appender: appender.commit(),
        lambda appender: appender.roll_back(0),
    ],
    ids=["write", "commit", "roll back"],
)
def test_an_appender_that_was_replaced_does_nothing(act: Callable[[Appender], object], store: Store) -> None:
    state = store.begin(KEY, None)
    with closing(store.append(state, 0, uuid4())) as first, closing(store.append(state, 0, uuid4())) as second:
        second.write(b"content")
        with pytest.raises(TakenOver):
            act(first)
    assert store.open_incoming(state).read() == b"content"


def test_bytes_beyond_the_offset_can_be_given_up(store: Store) -> None:
    state = store.begin(KEY, None)
    with closing(store.append(state, 0, uuid4())) as appender:
        appender.write(b"content")
        appender.roll_back(3)
    assert store.open_incoming(state).read() == b"con"
