from __future__ import annotations

import io
import struct
import zipfile
from typing import Any

import pytest

from django_largefiles.containers.facts import MAX_ENTRIES, ArchiveFacts, Unreadable
from django_largefiles.containers.zip import Directory, Member, find_directory, walk
from django_largefiles.containers.zip_survey import MAX_DIRECTORY, describe, survey
from tests.archives import encrypted_zip, overlapping_zip, zip_link, zip_of

TWO = zip_of({"a.txt": "a" * 1000, "b/c.txt": "b"})
END = TWO.index(b"PK\5\6")
START = TWO.index(b"PK\1\2")


def facts(data: bytes) -> ArchiveFacts:
    return describe(io.BytesIO(data))


def first(data: bytes) -> Member:
    file = io.BytesIO(data)
    return next(walk(file, find_directory(file)))


def zip64(*, entries: int | None = None, position: int | None = None, disk: int = 0, count: int = 2) -> bytes:
    """``TWO`` with the end record of 64 bits; the one of 16 and 32 is masked but for ``entries``."""
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, END - START, START)
    locator = struct.pack("<4sLQL", b"PK\6\7", disk, END if position is None else position, 1)
    narrow = 0xFFFF if entries is None else entries
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, narrow, narrow, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return TWO[:END] + record + locator + end


def counting(entries: int) -> bytes:
    return TWO[: END + 8] + struct.pack("<2H", entries, entries) + TWO[END + 12 :]


def entry(**changes: Any) -> bytes:
    """``TWO`` with the first entry of the directory changed: offsets into it to formatted values."""
    data = bytearray(TWO)
    for name, (offset, layout, value) in changes.items():
        assert name
        struct.pack_into(layout, data, START + offset, value)
    return bytes(data)


def test_counts_and_totals_of_the_directory() -> None:
    assert facts(TWO) == ArchiveFacts(
        entries=2, total_size=1001, ratio=round(1001 / len(TWO), 1), largest=1000, methods=("deflate",), compared=2
    )


@pytest.mark.parametrize(
    ("method", "name"), [(0, "stored"), (12, "bzip2"), (14, "lzma"), (99, "aes"), (7, "method 7")], ids=str
)
def test_methods_are_told_by_name(method: int, name: str) -> None:
    data = entry(method=(10, "<H", method))
    assert facts(data).methods == tuple(sorted({"deflate", name}))


def test_an_empty_archive() -> None:
    assert facts(zip_of({})) == ArchiveFacts(entries=0, total_size=0, ratio=0.0)


@pytest.mark.parametrize(
    "data",
    [zip_of({"a.txt": "a"}, comment=b"short"), zip_of({"a.txt": "a"}, comment=b"x" * 65535), b"#!/bin/sh\n" + TWO],
    ids=["comment", "longest comment", "program in front"],
)
def test_the_end_record_is_found(data: bytes) -> None:
    assert facts(data).entries >= 1


def test_a_program_in_front_moves_the_members() -> None:
    assert first(b"12345" + TWO).offset == 5


def test_sizes_of_64_bits() -> None:
    assert facts(zip64()).entries == 2
    assert facts(zip64(entries=2)).entries == 2


def test_the_number_of_the_only_part_may_be_masked() -> None:
    data = TWO[: END + 4] + b"\xff" * 4 + TWO[END + 8 :]
    assert facts(data).entries == 2


def test_a_member_of_64_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, archive.open("a", "w", force_zip64=True) as member:
        member.write(b"hello")
    assert facts(buffer.getvalue()).total_size == 5
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 10)
    assert facts(zip_of({"a": bytes(1000)}, packed=zipfile.ZIP_STORED)).total_size == 1000


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        pytest.param(b"", "no end record", id="empty"),
        pytest.param(b"PK\3\4" + bytes(100_000), "no end record", id="none"),
        pytest.param(TWO[:-1], "other data follows", id="cut off"),
        pytest.param(TWO + b"x", "other data follows", id="something behind"),
        pytest.param(zip_of({}, comment=b"PK\5\6" + bytes(18) + b"x"), "other data follows", id="one in another"),
        pytest.param(TWO[: END + 4] + b"\1" + TWO[END + 5 :], "several parts", id="second disk"),
        pytest.param(TWO[: END + 8] + b"\1" + TWO[END + 9 :], "several parts", id="not all here"),
        pytest.param(TWO[START:], "not at the position", id="without its members"),
        pytest.param(counting(1), "no member", id="more than it says"),
        pytest.param(counting(9), "too small for 9", id="less than it says"),
        pytest.param(entry(name=(28, "<H", 60_000)), "truncated", id="a name longer than the directory"),
        pytest.param(zip64(entries=3), "contradict each other", id="two counts"),
        pytest.param(zip64(position=3), "no 64-bit end record", id="no record of 64 bits"),
        pytest.param(zip64(position=2**64 - 1), "is not in this file", id="far away"),
        pytest.param(zip64(disk=1), "is not in this file", id="elsewhere"),
        pytest.param(entry(signature=(0, "<L", 0)), "not an entry", id="no entry"),
        pytest.param(entry(offset=(42, "<L", 2**31)), "after the directory", id="member behind the directory"),
        pytest.param(entry(disk=(34, "<H", 1)), "several parts", id="member on another disk"),
        pytest.param(entry(size=(24, "<L", 0xFFFFFFFF)), "size or offset is missing", id="masked without a field"),
    ],
)
def test_an_archive_that_can_be_read_in_two_ways_is_not_read(data: bytes, problem: str) -> None:
    with pytest.raises(Unreadable, match=problem):
        facts(data)


def test_absurd_sizes_are_not_believed() -> None:
    field = struct.pack("<2HQ", 1, 8, 2**63)
    name = b"a.txt"
    data = bytearray(zip_of({"a.txt": "a"}))
    start = data.index(b"PK\1\2")
    end = data.index(b"PK\5\6")
    struct.pack_into("<L", data, start + 24, 0xFFFFFFFF)
    struct.pack_into("<H", data, start + 30, len(field))
    struct.pack_into("<L", data, end + 12, 46 + len(name) + len(field))
    data[start + 46 + len(name) : end] = field
    with pytest.raises(Unreadable, match="cannot have"):
        facts(bytes(data))


def test_links_are_counted() -> None:
    assert facts(zip_link("a", "/etc/passwd")).links == 1


def test_encrypted_members_are_counted() -> None:
    assert facts(encrypted_zip()).encrypted == 1


def test_overlapping_members_are_counted() -> None:
    assert facts(overlapping_zip(50)).overlapping == 49


def test_a_member_that_reaches_into_the_directory_overlaps_it() -> None:
    assert facts(entry(packed=(20, "<L", 10**6))).overlapping == 2


def test_duplicates_are_counted() -> None:
    assert facts(zip_of([("a", "1"), ("a", "2"), ("b", "3")])).duplicates == 1


def test_the_other_name_of_a_member_counts_too() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo("harmless.txt")
        info.extra = struct.pack("<2HBL", 0x7075, 5 + 8, 1, 0) + b"../a.zip"
        archive.writestr(info, "a")
    found = facts(buffer.getvalue())
    assert (found.traversal, found.nested) == (1, 1)


@pytest.mark.parametrize(("entries", "size"), [(MAX_ENTRIES + 1, 22), (1, MAX_DIRECTORY + 1)])
def test_of_a_huge_directory_no_more_than_the_count_is_told(entries: int, size: int) -> None:
    directory = Directory(start=0, size=size, entries=entries, shift=0)
    found, members = survey(io.BytesIO(b""), directory)
    assert found == ArchiveFacts(entries=entries, total_size=0, ratio=0.0, complete=False)
    assert members == {}


def test_a_directory_of_many_pieces() -> None:
    found = facts(zip_of({f"folder/file-{number}.txt": "x" for number in range(3000)}))
    assert (found.entries, found.total_size, found.overlapping) == (3000, 3000, 0)
