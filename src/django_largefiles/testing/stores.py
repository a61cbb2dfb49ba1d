"""The contract that every store keeps, as tests: subclass ``StoreContract`` in your suite and give it a store."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from ..exceptions import StoreUnavailable, TakenOver
from ..names import storage_key
from ..stores.base import Store, StoreState


class StoreContract:
    """Provide a fixture ``store``. pytest collects the tests of a subclass named ``Test…``."""

    @pytest.fixture
    def name(self) -> str:
        return storage_key(uuid4())

    def append(self, store: Store, state: StoreState, offset: int, *chunks: bytes) -> UUID:
        """Gives the token that ``finish`` takes."""
        token = uuid4()
        appender = store.append(state, offset, token)
        for chunk in chunks:
            appender.write(chunk)
        appender.commit()
        appender.close()
        return token

    def stored(self, store: Store, name: str, *chunks: bytes) -> StoreState:
        state = store.begin(name)
        store.finish(state, self.append(store, state, 0, *chunks))
        return state

    def content(self, store: Store, name: str) -> bytes:
        with store.open_ranged(name) as file:
            return file.read()

    def test_state_holds_the_name(self, store: Store, name: str) -> None:
        assert store.begin(name)["name"] == name

    def test_what_is_written_is_read_back(self, store: Store, name: str) -> None:
        self.stored(store, name, b"one ", b"two")
        assert self.content(store, name) == b"one two"

    def test_an_empty_file_is_stored(self, store: Store, name: str) -> None:
        self.stored(store, name)
        assert self.content(store, name) == b""

    def test_an_appender_goes_on_where_another_ended(self, store: Store, name: str) -> None:
        state = store.begin(name)
        self.append(store, state, 0, b"one ")
        store.finish(state, self.append(store, state, 4, b"two"))
        assert self.content(store, name) == b"one two"

    def test_bytes_beyond_the_offset_are_dropped(self, store: Store, name: str) -> None:
        state = store.begin(name)
        self.append(store, state, 0, b"one and much more")
        store.finish(state, self.append(store, state, 3, b"!"))
        assert self.content(store, name) == b"one!"

    def test_what_an_unfinished_upload_holds_can_be_read(self, store: Store, name: str) -> None:
        state = store.begin(name)
        self.append(store, state, 0, b"not yet")
        with store.open_incoming(state) as file:
            assert (file.read(3), file.read()) == (b"not", b" yet")

    def test_an_appender_may_be_closed_twice(self, store: Store, name: str) -> None:
        appender = store.append(store.begin(name), 0, uuid4())
        appender.close()
        appender.close()

    def test_a_later_appender_fences_an_earlier_one_off(self, store: Store, name: str) -> None:
        state, early, late = store.begin(name), uuid4(), uuid4()
        stalled = store.append(state, 0, early)
        stalled.write(b"one ")
        successor = store.append(state, 0, late)
        successor.write(b"two ")
        with pytest.raises(TakenOver):
            stalled.write(b"and more")
        with pytest.raises(TakenOver):
            store.finish(state, early)
        successor.write(b"three")
        successor.commit()
        stalled.close()
        successor.close()
        store.finish(state, late)
        assert self.content(store, name) == b"two three"

    def test_finish_may_be_repeated(self, store: Store, name: str) -> None:
        state = store.begin(name)
        token = self.append(store, state, 0, b"once")
        assert store.finish(state, token) == store.finish(state, token) == name
        assert self.content(store, name) == b"once"

    def test_an_upload_goes_on_after_a_finish_that_nobody_knows_of(self, store: Store, name: str) -> None:
        state = self.stored(store, name, b"one two")
        store.finish(state, self.append(store, state, 4, b"three"))
        assert self.content(store, name) == b"one three"

    def test_an_unfinished_upload_cannot_be_read_by_its_name(self, store: Store, name: str) -> None:
        self.append(store, store.begin(name), 0, b"unfinished")
        with pytest.raises(StoreUnavailable):
            store.open_ranged(name)

    def test_an_aborted_upload_is_gone(self, store: Store, name: str) -> None:
        state = store.begin(name)
        token = self.append(store, state, 0, b"unwanted")
        store.abort(state)
        with pytest.raises(StoreUnavailable):
            store.finish(state, token)

    def test_an_upload_is_aborted_by_its_name_alone(self, store: Store, name: str) -> None:
        state = store.begin(name)
        store.abort({"name": name})
        with pytest.raises(StoreUnavailable):
            store.append(state, 0, uuid4())

    def test_abort_may_be_repeated_and_reaches_a_finished_upload(self, store: Store, name: str) -> None:
        state = self.stored(store, name, b"unwanted")
        store.abort(state)
        store.abort(state)
        with pytest.raises(StoreUnavailable):
            store.open_ranged(name)

    def test_delete_may_be_repeated(self, store: Store, name: str) -> None:
        self.stored(store, name, b"unwanted")
        store.delete(name)
        store.delete(name)
        with pytest.raises(StoreUnavailable):
            store.open_ranged(name)

    def test_a_reader_seeks(self, store: Store, name: str) -> None:
        self.stored(store, name, b"0123456789")
        with store.open_ranged(name) as file:
            file.seek(-4, 2)
            assert file.read(2) == b"67"
            file.seek(1)
            assert file.read(2) == b"12"
