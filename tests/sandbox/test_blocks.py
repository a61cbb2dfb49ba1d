from __future__ import annotations

import io
import os
import random
from collections.abc import Callable

import pytest

from django_largefiles.sandbox import blocks
from django_largefiles.sandbox.blocks import Brokered, BudgetedFile, Descriptor, ReadBudgetExceeded

BLOCK = Descriptor.block_size
KIB = 1024


class Recorded:
    """A source that remembers what was read, in blocks: the first one and how many."""

    block_size = 16 * KIB
    longest_read = 16
    many_reads = 5

    def __init__(self, size: int) -> None:
        self.size = size
        self.reads: list[tuple[int, int]] = []

    def read(self, offset: int, size: int) -> bytes:
        assert offset % self.block_size == 0
        self.reads.append((offset // self.block_size, -(-size // self.block_size)))
        return bytes(min(size, self.size - offset))


def test_reads_agree_with_the_content(descriptor: Callable[[bytes], int]) -> None:
    chance = random.Random(7)
    content = chance.randbytes(3 * BLOCK + 5)
    file = io.BufferedReader(BudgetedFile(Descriptor(descriptor(content)), len(content)))
    for _ in range(300):
        offset, size = chance.randrange(len(content) + 9), chance.choice([1, 7, 9000, 2 * BLOCK])
        assert file.seek(offset) == offset
        assert file.read(size) == content[offset : offset + size]
    file.seek(-5, os.SEEK_END)
    file.seek(1, os.SEEK_CUR)
    assert file.read() == content[-4:]


def test_position_before_the_start_is_refused(descriptor: Callable[[bytes], int]) -> None:
    with pytest.raises(ValueError, match="negative seek position -1"):
        BudgetedFile(Descriptor(descriptor(b"abc")), 10).seek(-4, os.SEEK_END)


def test_position_of_the_descriptor_stays(descriptor: Callable[[bytes], int]) -> None:
    given = descriptor(b"abcdef")
    os.lseek(given, 4, os.SEEK_SET)
    assert BudgetedFile(Descriptor(given), 10).read() == b"abcdef"
    assert os.lseek(given, 0, os.SEEK_CUR) == 4


def test_file_offers_no_descriptor(descriptor: Callable[[bytes], int]) -> None:
    with pytest.raises(OSError, match="fileno"):
        BudgetedFile(Descriptor(descriptor(b"")), 1).fileno()


def test_reading_again_costs_nothing(descriptor: Callable[[bytes], int]) -> None:
    file = io.BufferedReader(BudgetedFile(Descriptor(descriptor(bytes(2 * BLOCK))), 2 * BLOCK))
    for offset in range(2 * BLOCK, 0, -100):
        file.seek(offset - 1)
        assert file.read(1) == b"\0"


@pytest.mark.parametrize("size", [-1, 3 * BLOCK], ids=["at once", "in pieces"])
def test_budget_is_not_exceeded(descriptor: Callable[[bytes], int], size: int) -> None:
    file = BudgetedFile(Descriptor(descriptor(bytes(3 * BLOCK))), 2 * BLOCK)
    with pytest.raises(ReadBudgetExceeded, match=f"more than {2 * BLOCK} bytes"):
        io.BufferedReader(file).read(size)
    file.seek(2 * BLOCK)
    with pytest.raises(ReadBudgetExceeded):
        file.read(1)


def test_reading_on_takes_twice_as_much_each_time() -> None:
    source = Recorded(100 * 16 * KIB)
    file = io.BufferedReader(BudgetedFile(source, source.size))
    while file.read(KIB):
        pass
    assert source.reads == [(0, 1), (1, 2), (3, 4), (7, 8), (15, 16), (31, 16), (47, 16), (63, 16), (79, 16), (95, 5)]


def test_reading_here_and_there_takes_single_blocks() -> None:
    source = Recorded(100 * 16 * KIB)
    file = io.BufferedReader(BudgetedFile(source, source.size))
    for index in (5, 50, 20, 5):
        file.seek(index * source.block_size)
        file.read(8)
    assert source.reads == [(5, 1), (50, 1), (20, 1)]


def test_a_large_piece_is_read_at_once() -> None:
    source = Recorded(100 * 16 * KIB)
    BudgetedFile(source, source.size).read(150 * KIB)
    assert source.reads == [(0, 10)]


def test_reading_ahead_stays_within_the_budget() -> None:
    source = Recorded(100 * 16 * KIB)
    file = io.BufferedReader(BudgetedFile(source, 5 * source.block_size))
    assert len(file.read(5 * source.block_size)) == 5 * source.block_size
    with pytest.raises(ReadBudgetExceeded):
        file.read(1)
    assert sum(count for _, count in source.reads) == 5


def test_half_of_the_budget_is_kept_for_what_is_essential() -> None:
    source = Recorded(100 * 16 * KIB)
    file = BudgetedFile(source, 4 * source.block_size)
    for index in (0, 50):
        assert file.affords_more
        file.seek(index * source.block_size)
        file.read(1)
    assert not file.affords_more


def test_after_many_reads_no_more_are_afforded() -> None:
    source = Recorded(100 * 16 * KIB)
    file = BudgetedFile(source, source.size)
    for index in range(0, 50, 10):
        assert file.affords_more
        file.seek(index * source.block_size)
        file.read(1)
    assert not file.affords_more


def test_blocks_are_forgotten_before_they_fill_the_memory() -> None:
    source = Recorded(2 * blocks.CACHED_BYTES)
    file = BudgetedFile(source, 10 * blocks.CACHED_BYTES)
    while file.read(KIB):
        pass
    assert len(file._blocks) * source.block_size == blocks.CACHED_BYTES


def test_the_parent_is_asked_and_answers_with_a_length_and_bytes() -> None:
    requests, to_parent = os.pipe()
    replies, from_parent = os.pipe()
    os.write(from_parent, b"\0\0\0\5hello")
    os.close(from_parent)
    source = Brokered(20, to_parent, replies)
    assert source.read(0, 5) == b"hello"
    assert os.read(requests, 99) == b"[0, 5]\n"
    with pytest.raises(EOFError):
        source.read(5, 5)
    for each in (requests, to_parent, replies):
        os.close(each)
