"""The contract that every store keeps, as tests: subclass ``StoreContract`` in your suite and give it a store."""

from __future__ import annotations

from uuid import uuid4

import pytest

from ..exceptions import StoreUnavailable
from ..names import storage_key
from ..stores.base import Store, StoreState


class StoreContract:
    """Provide a fixture ``store``. pytest collects the tests of a subclass named ``Test…``."""

    @pytest.fixture
    def name(self) -> str:
        return storage_key(uuid4())

    def append(self, store: Store, state: StoreState, offset: int, *chunks: bytes) -> None:
        appender = store.append(state, offset)
        for chunk in chunks:
            appender.write(chunk)
        appender.commit()
        appender.close()

    def content(self, store: Store, name: str) -> bytes:
        with store.open_ranged(name) as file:
            return file.read()

    def test_state_holds_the_name(self, store: Store, name: str) -> None:
        assert store.begin(name)["name"] == name

    def test_what_is_written_is_read_back(self, store: Store, name: str) -> None:
        state = store.begin(name)
        self.append(store, state, 0, b"one ", b"two")
        assert self.content(store, store.finish(state)) == b"one two"

    def test_an_empty_file_is_stored(self, store: Store, name: str) -> None:
        assert self.content(store, store.finish(store.begin(name))) == b""

    def test_an_appender_goes_on_where_another_ended(self, store: Store, name: str) -> None:
        state = store.begin(name)
        self.append(store, state, 0, b"one ")
        self.append(store, state, 4, b"two")
        assert self.content(store, store.finish(state)) == b"one two"

    def test_bytes_beyond_the_offset_are_dropped(self, store: Store, name: str) -> None:
        state = store.begin(name)
        self.append(store, state, 0, b"one and much more")
        self.append(store, state, 3, b"!")
        assert self.content(store, store.finish(state)) == b"one!"

    def test_an_appender_may_be_closed_twice(self, store: Store, name: str) -> None:
        appender = store.append(store.begin(name), 0)
        appender.close()
        appender.close()

    def test_finish_may_be_repeated(self, store: Store, name: str) -> None:
        state = store.begin(name)
        self.append(store, state, 0, b"once")
        assert store.finish(state) == store.finish(state)
        assert self.content(store, name) == b"once"

    def test_an_unfinished_upload_cannot_be_read(self, store: Store, name: str) -> None:
        self.append(store, store.begin(name), 0, b"unfinished")
        with pytest.raises(StoreUnavailable):
            store.open_ranged(name)

    def test_an_aborted_upload_is_gone(self, store: Store, name: str) -> None:
        state = store.begin(name)
        self.append(store, state, 0, b"unwanted")
        store.abort(state)
        with pytest.raises(StoreUnavailable):
            store.finish(state)

    def test_an_upload_is_aborted_by_its_name_alone(self, store: Store, name: str) -> None:
        state = store.begin(name)
        store.abort({"name": name})
        with pytest.raises(StoreUnavailable):
            store.finish(state)

    def test_abort_may_be_repeated_and_reaches_a_finished_upload(self, store: Store, name: str) -> None:
        state = store.begin(name)
        store.finish(state)
        store.abort(state)
        store.abort(state)
        with pytest.raises(StoreUnavailable):
            store.open_ranged(name)

    def test_delete_may_be_repeated(self, store: Store, name: str) -> None:
        store.finish(store.begin(name))
        store.delete(name)
        store.delete(name)
        with pytest.raises(StoreUnavailable):
            store.open_ranged(name)

    def test_a_reader_seeks(self, store: Store, name: str) -> None:
        state = store.begin(name)
        self.append(store, state, 0, b"0123456789")
        with store.open_ranged(store.finish(state)) as file:
            file.seek(-4, 2)
            assert file.read(2) == b"67"
            file.seek(1)
            assert file.read(2) == b"12"
