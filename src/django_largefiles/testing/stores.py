"""The contract of stores, as tests: subclass ``StoreContract`` in your suite and give it a store."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing, suppress
from uuid import uuid4

import pytest

from ..exceptions import StoreUnavailable, TakenOver, UploadGone
from ..names import storage_key
from ..stores.base import Store
from .arriving import ArrivingUpload


class StoreContract:
    """Provide a fixture ``store``. pytest collects the tests of a subclass named ``Test…``.

    ``large`` is a number of bytes that is larger than one piece of the store, such as a part of a multipart upload.
    """

    large = 300_000

    @pytest.fixture
    def name(self) -> str:
        return storage_key(uuid4())

    @pytest.fixture
    def upload(self, store: Store, name: str) -> ArrivingUpload:
        return ArrivingUpload(store, name)

    def other(self, store: Store, *chunks: bytes) -> ArrivingUpload:
        """Return another upload, which has all its bytes."""
        upload = ArrivingUpload(store, storage_key(uuid4()))
        upload.add(0, *chunks)
        return upload

    def content(self, store: Store, name: str) -> bytes:
        with store.open_ranged(name) as file:
            return file.read()

    def chunks(self, seed: int = 0) -> Sequence[bytes]:
        """Return ``large`` bytes in which no block equals another, so that exchanged blocks are noticed."""
        block = 64 * 1024
        return [
            bytes([seed, number % 256]) * (min(block, self.large - start) // 2)
            for number, start in enumerate(range(0, self.large, block))
        ]

    def test_state_holds_the_name(self, upload: ArrivingUpload, name: str) -> None:
        assert upload.state["name"] == name
        upload.add(0, b"bytes")
        assert upload.state["name"] == name

    def test_what_is_written_is_read_back(self, upload: ArrivingUpload, store: Store, name: str) -> None:
        assert upload.finish(0, b"one ", b"two") == name
        assert self.content(store, name) == b"one two"

    @pytest.mark.parametrize("known", [True, False], ids=["of known length", "of unknown length"])
    def test_a_large_file_is_read_back(self, known: bool, store: Store, name: str) -> None:
        ArrivingUpload(store, name, self.large if known else None).finish(0, *self.chunks())
        assert self.content(store, name) == b"".join(self.chunks())

    def test_an_empty_file_is_stored(self, upload: ArrivingUpload, store: Store, name: str) -> None:
        upload.finish(0)
        assert self.content(store, name) == b""

    def test_an_appender_goes_on_where_another_ended(self, upload: ArrivingUpload, store: Store, name: str) -> None:
        upload.add(0, b"one ")
        upload.add(4, b"two")
        upload.finish(7, b" three")
        assert self.content(store, name) == b"one two three"

    def test_a_large_file_comes_in_pieces(self, upload: ArrivingUpload, store: Store, name: str) -> None:
        offset, chunks = 0, self.chunks()
        for number in range(0, len(chunks), 13):
            upload.add(offset, *chunks[number : number + 13])
            offset += sum(map(len, chunks[number : number + 13]))
        upload.finish(offset)
        assert self.content(store, name) == b"".join(chunks)

    def test_nothing_more_may_come(self, upload: ArrivingUpload, store: Store, name: str) -> None:
        upload.add(0, b"all")
        upload.add(3)
        upload.finish(3)
        assert self.content(store, name) == b"all"

    def test_uncommitted_bytes_are_dropped(self, upload: ArrivingUpload, store: Store, name: str) -> None:
        upload.add(0, b"one")
        with closing(upload.append(3)) as interrupted:
            interrupted.write(*self.chunks())
        upload.finish(3, b"!")
        assert self.content(store, name) == b"one!"

    def test_bytes_beyond_the_offset_are_dropped(self, upload: ArrivingUpload, store: Store, name: str) -> None:
        upload.add(0, b"one and much more")
        upload.finish(3, b"!")
        assert self.content(store, name) == b"one!"

    @pytest.mark.parametrize("chunks", [[], [b"one"]], ids=["all", "some"])
    def test_lost_bytes_are_not_made_up(self, chunks: Sequence[bytes], upload: ArrivingUpload) -> None:
        upload.add(0, *chunks)
        with pytest.raises(UploadGone):
            upload.append(4)

    @pytest.mark.parametrize("missing", [1, 100_000])
    def test_many_bytes_before_the_offset_are_kept(
        self, missing: int, upload: ArrivingUpload, store: Store, name: str
    ) -> None:
        chunks, offset = self.chunks(), self.large - missing
        upload.add(0, *chunks)
        upload.finish(offset, b"!")
        assert self.content(store, name) == b"".join(chunks)[:offset] + b"!"

    def test_what_an_unfinished_upload_holds_can_be_read(self, upload: ArrivingUpload, store: Store) -> None:
        upload.add(0, b"not yet")
        with store.open_incoming(upload.state) as file:
            assert (file.read(3), file.read()) == (b"not", b" yet")

    def test_what_another_upload_holds_can_be_read(self, store: Store) -> None:
        with store.open_incoming(self.other(store, *self.chunks()).state) as file:
            assert file.read() == b"".join(self.chunks())

    def test_an_appender_may_be_closed_twice(self, upload: ArrivingUpload) -> None:
        sender = upload.append(0)
        sender.close()
        sender.close()

    def test_a_later_appender_fences_an_earlier_one_off(self, upload: ArrivingUpload, store: Store, name: str) -> None:
        stalled = upload.append(0)
        stalled.write(*self.chunks(1))
        successor = upload.append(0)
        successor.write(*self.chunks(2))
        with suppress(TakenOver):
            stalled.write(b"and more")
        with pytest.raises(TakenOver):
            stalled.commit()
        with pytest.raises(TakenOver):
            stalled.conclude()
        successor.write(b"three")
        successor.commit()
        stalled.close()
        successor.close()
        upload.finish(self.large + 5)
        assert self.content(store, name) == b"".join(self.chunks(2)) + b"three"

    @pytest.mark.parametrize("when", ["before", "after"])
    def test_an_earlier_appender_that_finishes_does_no_harm(
        self, when: str, upload: ArrivingUpload, store: Store, name: str
    ) -> None:
        early = upload.append(0)
        early.write(*self.chunks())
        early.conclude()
        early.close()
        late = upload.append(3)
        if when == "after":
            late.write(b"!")
        with suppress(TakenOver):
            early.finish()
        if when == "before":
            late.write(b"!")
        late.conclude()
        late.close()
        late.finish()
        assert self.content(store, name) == self.chunks()[0][:3] + b"!"

    def test_finish_may_be_repeated(self, upload: ArrivingUpload, store: Store, name: str) -> None:
        upload.finish(0, b"once")
        assert store.finish(upload.state, upload.token) == name
        assert self.content(store, name) == b"once"

    @pytest.mark.parametrize("offset", [0, 4])
    def test_an_upload_continues_after_a_finish_whose_result_was_lost(
        self, offset: int, upload: ArrivingUpload, store: Store, name: str
    ) -> None:
        upload.finish(0, b"one two")
        upload.add(offset, b"three")
        upload.finish(offset + 5)
        assert self.content(store, name) == b"one two"[:offset] + b"three"

    def test_an_unfinished_upload_cannot_be_read_by_its_name(
        self, upload: ArrivingUpload, store: Store, name: str
    ) -> None:
        upload.add(0, b"unfinished")
        with pytest.raises(StoreUnavailable):
            store.open_ranged(name)

    def test_an_aborted_upload_is_gone(self, upload: ArrivingUpload, store: Store) -> None:
        upload.add(0, b"unwanted")
        store.abort(upload.state)
        with pytest.raises(StoreUnavailable):
            upload.finish(8)

    def test_an_upload_is_aborted_by_its_name_alone(self, upload: ArrivingUpload, store: Store, name: str) -> None:
        upload.add(0, b"unwanted")
        store.abort({"name": name})
        with pytest.raises(StoreUnavailable):
            upload.finish(8)

    def test_abort_may_be_repeated_and_reaches_a_finished_upload(
        self, upload: ArrivingUpload, store: Store, name: str
    ) -> None:
        upload.finish(0, b"unwanted")
        store.abort(upload.state)
        store.abort(upload.state)
        with pytest.raises(StoreUnavailable):
            store.open_ranged(name)

    def test_delete_may_be_repeated(self, upload: ArrivingUpload, store: Store, name: str) -> None:
        upload.finish(0, b"unwanted")
        store.delete(name)
        store.delete(name)
        with pytest.raises(StoreUnavailable):
            store.open_ranged(name)

    def test_a_reader_seeks(self, upload: ArrivingUpload, store: Store, name: str) -> None:
        upload.finish(0, b"0123456789")
        with store.open_ranged(name) as file:
            file.seek(-4, 2)
            assert (file.tell(), file.read(2), file.tell()) == (6, b"67", 8)
            file.seek(1)
            assert file.read(2) == b"12"
            file.seek(2, 1)
            assert (file.read(), file.read()) == (b"56789", b"")

    def test_uploads_are_put_together(self, upload: ArrivingUpload, store: Store, name: str) -> None:
        if store.copies_from is None:
            pytest.skip("the store leaves it to the intake")
        first, second = self.other(store, *self.chunks(1)), self.other(store, b"small")
        third, nothing = self.other(store, *self.chunks(2)), self.other(store)
        with closing(upload.append(0)) as sender:
            sender.concatenate(first, second, nothing, third, second, first)
            sender.conclude()
            sender.finish()
        large = [b"".join(self.chunks(seed)) for seed in (1, 2)]
        assert self.content(store, name) == b"".join((large[0], b"small", large[1], b"small", large[0]))
        with store.open_incoming(first.state) as file:
            assert file.read() == large[0]

    def tell(self, done: int) -> None:
        assert done >= 0

    def moved(self, store: Store, name: str) -> str:
        """Move the bytes as a worker moves verified ones."""
        destination = store.destination(name)
        if destination is None:
            pytest.skip("bytes stay where they arrived")
        return store.move(name, destination, self.tell)

    def test_what_was_moved_is_read_back(self, upload: ArrivingUpload, store: Store, name: str) -> None:
        upload.finish(0, *self.chunks())
        moved = self.moved(store, name)
        store.abort(upload.state)
        assert self.content(store, moved) == b"".join(self.chunks())

    def test_an_empty_file_is_moved(self, upload: ArrivingUpload, store: Store, name: str) -> None:
        upload.finish(0)
        assert self.content(store, self.moved(store, name)) == b""

    def test_what_was_moved_is_not_moved_again(self, upload: ArrivingUpload, store: Store, name: str) -> None:
        upload.finish(0, b"moved")
        assert store.destination(self.moved(store, name)) is None

    def test_a_reader_of_what_was_moved_seeks(self, upload: ArrivingUpload, store: Store, name: str) -> None:
        upload.finish(0, b"0123456789")
        moved = self.moved(store, name)
        with store.open_ranged(moved) as file:
            file.seek(-4, 2)
            assert (file.tell(), file.read(2), file.tell()) == (6, b"67", 8)
            file.seek(1)
            assert file.read(2) == b"12"
            file.seek(2, 1)
            assert (file.read(), file.read()) == (b"56789", b"")

    def taken_down(self, store: Store, name: str) -> str:
        """Move the bytes as a worker moves those of a blocked asset."""
        destination = store.blocked_destination(name)
        if destination is None:
            pytest.skip("no URL leads to the bytes")
        moved = store.move(name, destination, self.tell)
        store.abort({"name": name})
        return moved

    def test_what_was_taken_down_is_elsewhere(self, upload: ArrivingUpload, store: Store, name: str) -> None:
        upload.finish(0, *self.chunks())
        moved = self.taken_down(store, name)
        assert self.content(store, moved) == b"".join(self.chunks())
        with pytest.raises(StoreUnavailable):
            store.open_ranged(name)

    def test_an_empty_file_is_taken_down(self, upload: ArrivingUpload, store: Store, name: str) -> None:
        upload.finish(0)
        assert self.content(store, self.taken_down(store, name)) == b""

    def test_two_moves_do_not_meet(self, upload: ArrivingUpload, store: Store, name: str) -> None:
        upload.finish(0, b"moved")
        abandoned = store.destination(name)
        moved = self.moved(store, name)
        assert abandoned is not None
        store.move(name, abandoned, self.tell)
        store.abort(abandoned)
        store.abort(abandoned)
        assert self.content(store, moved) == b"moved"

    def test_a_move_that_is_stopped_leaves_the_original(self, upload: ArrivingUpload, store: Store, name: str) -> None:
        upload.finish(0, b"original")
        destination = store.destination(name)
        if destination is None:
            pytest.skip("bytes stay where they arrived")

        def stop(done: int) -> None:
            raise TakenOver("enough")

        with pytest.raises(TakenOver):
            store.move(name, destination, stop)
        store.abort(destination)
        assert self.content(store, name) == b"original"
        with pytest.raises(StoreUnavailable):
            store.open_ranged(destination["name"])

    def test_what_was_moved_is_deleted(self, upload: ArrivingUpload, store: Store, name: str) -> None:
        upload.finish(0, b"unwanted")
        moved = self.moved(store, name)
        store.abort({"name": moved})
        store.delete(moved)
        with pytest.raises(StoreUnavailable):
            store.open_ranged(moved)
        assert self.content(store, name) == b"unwanted"
