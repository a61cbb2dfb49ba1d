from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tracemalloc
import zlib
from collections.abc import Callable

import pytest

from django_largefiles.containers.compressed import Unpacked
from django_largefiles.containers.facts import Unreadable

MIB = 1024 * 1024

KINDS = pytest.mark.parametrize(
    ("compression", "compress"),
    [("gzip", gzip.compress), ("bzip2", bz2.compress), ("xz", lzma.compress)],
    ids=["gzip", "bzip2", "xz"],
)

Compress = Callable[[bytes], bytes]

TEXT = bytes(range(256)) * 1000


def unpacked(data: bytes, compression: str = "gzip", cap: int = 10 * MIB) -> Unpacked:
    return Unpacked(io.BytesIO(data), compression, cap)


@KINDS
def test_what_was_compressed_comes_back(compression: str, compress: Compress) -> None:
    source = unpacked(compress(TEXT), compression)
    assert source.read(10) + source.read(10**9) == TEXT
    assert (source.read(1), source.done, source.capped) == (b"", len(TEXT), False)


@KINDS
def test_it_can_be_passed_over(compression: str, compress: Compress) -> None:
    source = unpacked(compress(TEXT), compression)
    assert source.skip(300) == 300
    assert source.read(2) == TEXT[300:302]
    assert source.skip(10**9) == len(TEXT) - 302


@KINDS
def test_several_in_a_row_are_one_with_padding_or_without(compression: str, compress: Compress) -> None:
    data = compress(b"a") + compress(b"b") + bytes(200_000) + compress(b"c") + bytes(4)
    assert unpacked(data, compression).read(10) == b"abc"


@KINDS
def test_no_more_is_made_than_the_cap(compression: str, compress: Compress) -> None:
    source = unpacked(compress(bytes(20 * MIB)), compression, cap=MIB)
    assert source.skip(10**9) == MIB
    assert (source.read(1), source.done, source.capped) == (b"", MIB, True)


@KINDS
def test_as_much_as_the_cap_is_not_beyond_it(compression: str, compress: Compress) -> None:
    source = unpacked(compress(bytes(MIB)), compression, cap=MIB)
    assert source.skip(10**9) == MIB
    assert not source.capped


@KINDS
def test_a_bomb_is_not_held_in_memory(compression: str, compress: Compress) -> None:
    source = unpacked(compress(bytes(24 * MIB)), compression, cap=10**9)
    tracemalloc.start()
    try:
        assert source.skip(10**9) == 24 * MIB
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 12 * MIB


@KINDS
@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-5],
        lambda data: data[:20] + b"xxxx" + data[24:],
        lambda data: data + b"garbage",
        lambda _: b"",
    ],
    ids=["cut off", "damaged", "something behind", "empty"],
)
def test_what_cannot_be_unpacked(compression: str, compress: Compress, damage: Compress) -> None:
    with pytest.raises(Unreadable):
        unpacked(damage(compress(TEXT)), compression).skip(10**9)


def test_a_dictionary_that_would_take_all_memory_is_refused() -> None:
    # The .xz file format, 5.3.1: its size is one byte, and no compressor need have it to make a file that asks for it.
    data = bytearray(lzma.compress(b"a", filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 4096}]))
    assert data[16] == 0
    data[16] = 36
    data[20:24] = zlib.crc32(data[12:20]).to_bytes(4, "little")
    with pytest.raises(Unreadable, match=r"[Mm]emory"):
        unpacked(bytes(data), "xz").read(1)
