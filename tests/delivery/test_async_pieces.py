from __future__ import annotations

import asyncio
import itertools
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import pytest

from django_largefiles.delivery import async_pieces
from django_largefiles.delivery.async_pieces import AsyncFilePieces
from django_largefiles.delivery.segments import Segment
from django_largefiles.options import KIB
from django_largefiles.protocols.ranges import ByteRange
from django_largefiles.transport.departure import AsyncDeparture

CONTENT = bytes(range(256)) * 1024
PIECE = 100


@pytest.fixture
def stored(tmp_path: Path) -> BinaryIO:
    path = tmp_path / "content"
    path.write_bytes(CONTENT)
    return path.open("rb")


def pieces_of(file: BinaryIO, *segments: Segment, largest: int = PIECE) -> AsyncFilePieces:
    return AsyncFilePieces(file, segments, AsyncDeparture({}, largest=largest))


def sent(file: BinaryIO, *segments: Segment, largest: int = PIECE) -> list[bytes]:
    async def read() -> list[bytes]:
        pieces = pieces_of(file, *segments, largest=largest)
        try:
            return [piece async for piece in pieces]
        finally:
            pieces.close()

    return asyncio.run(read())


def without_a_descriptor(file: BinaryIO) -> BinaryIO:
    with file:
        return BytesIO(file.read())


@pytest.fixture(params=["in memory", "on disk", "without a descriptor"])
def file(request: pytest.FixtureRequest, stored: BinaryIO, monkeypatch: pytest.MonkeyPatch) -> BinaryIO:
    if request.param == "on disk":
        monkeypatch.setattr(async_pieces, "_cached", lambda *_: None)
    return without_a_descriptor(stored) if request.param == "without a descriptor" else stored


@pytest.mark.parametrize(
    ("segments", "expected"),
    [
        ([ByteRange(start=0, stop=len(CONTENT))], CONTENT),
        ([ByteRange(start=1000, stop=1001)], CONTENT[1000:1001]),
        (
            [b"head", ByteRange(start=500, stop=1000), b"between", ByteRange(start=0, stop=301), b"end"],
            b"head" + CONTENT[500:1000] + b"between" + CONTENT[:301] + b"end",
        ),
    ],
    ids=["whole", "a byte", "two ranges"],
)
def test_the_ranges_are_sent_in_pieces(file: BinaryIO, segments: Sequence[Segment], expected: bytes) -> None:
    received = sent(file, *segments)
    assert b"".join(received) == expected
    assert max(map(len, received)) <= PIECE


def test_a_file_that_became_shorter_ends_the_answer(file: BinaryIO) -> None:
    assert b"".join(sent(file, ByteRange(start=1000, stop=len(CONTENT) + 1))) == CONTENT[1000:]


def test_a_client_that_takes_much_is_given_larger_pieces(file: BinaryIO) -> None:
    received = sent(file, *[ByteRange(start=0, stop=len(CONTENT))] * 40, largest=100 * KIB)
    assert (len(received[0]), max(map(len, received))) == (64 * KIB, 100 * KIB)


def test_what_is_in_memory_is_read_without_a_thread(stored: BinaryIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(async_pieces, "readers", None)
    assert b"".join(sent(stored, ByteRange(start=0, stop=1000))) == CONTENT[:1000]


def test_where_the_file_system_cannot_tell_a_thread_reads(stored: BinaryIO, monkeypatch: pytest.MonkeyPatch) -> None:
    def preadv(*_: object) -> int:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(async_pieces.os, "preadv", preadv)
    assert b"".join(sent(stored, ByteRange(start=0, stop=1000))) == CONTENT[:1000]


def test_where_python_cannot_tell_a_thread_reads(stored: BinaryIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "RWF_NOWAIT")
    assert b"".join(sent(stored, ByteRange(start=0, stop=1000))) == CONTENT[:1000]


def test_a_thread_tells_the_end_where_linux_says_it_too_early(
    stored: BinaryIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    preadv, early = os.preadv, itertools.cycle([False, True])
    monkeypatch.setattr(os, "preadv", lambda *args: 0 if next(early) else preadv(*args))
    assert b"".join(sent(stored, ByteRange(start=0, stop=1000))) == CONTENT[:1000]


def test_a_file_that_cannot_be_read_is_closed(stored: BinaryIO, monkeypatch: pytest.MonkeyPatch) -> None:
    async def read() -> None:
        await anext(aiter(pieces_of(file, ByteRange(start=0, stop=1000))))

    file = without_a_descriptor(stored)
    monkeypatch.setattr(AsyncFilePieces, "_seek_and_read", lambda *_: CONTENT[1 // 0 :])
    with pytest.raises(ZeroDivisionError):
        asyncio.run(read())
    assert file.closed


def test_a_client_that_leaves_does_not_wait_for_the_reads_of_others(
    stored: BinaryIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def read() -> None:
        pieces = pieces_of(without_a_descriptor(stored), ByteRange(start=0, stop=1000))
        reading = asyncio.ensure_future(anext(aiter(pieces)))
        while pieces._reading is None:
            await asyncio.sleep(0)
        await asyncio.to_thread(pieces.close)
        release.set()
        reading.cancel()

    release = threading.Event()
    with ThreadPoolExecutor(1) as readers:
        readers.submit(release.wait)
        monkeypatch.setattr(async_pieces, "readers", readers)
        asyncio.run(read())


def test_a_file_is_closed_before_it_was_read(file: BinaryIO) -> None:
    pieces_of(file, ByteRange(start=0, stop=7)).close()
    assert file.closed


def test_a_file_is_closed_after_the_piece_that_is_being_read(file: BinaryIO) -> None:
    async def read_one() -> bytes:
        pieces = pieces_of(file, ByteRange(start=0, stop=7), largest=1)
        piece = await anext(aiter(pieces))
        pieces.close()
        return piece

    assert asyncio.run(read_one()) == CONTENT[:1]
    assert file.closed
