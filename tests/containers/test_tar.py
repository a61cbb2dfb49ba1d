from __future__ import annotations

import io
import tarfile

import pytest

from django_largefiles.containers import tar
from django_largefiles.containers.facts import ArchiveFacts, Unreadable
from django_largefiles.containers.tar import BLOCK, Seeking, is_header, survey
from tests.archives import tar_of

FORMATS = pytest.mark.parametrize(
    "tar_format", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT], ids=["pax", "gnu", "ustar"]
)


def facts(data: bytes) -> ArchiveFacts:
    return survey(Seeking(io.BytesIO(data)), len(data))


def header(name: str = "a", size: int = 0, kind: bytes = tarfile.REGTYPE) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT)


def attributes(records: bytes, kind: bytes = tarfile.XHDTYPE) -> bytes:
    return header("x", len(records), kind) + records.ljust(-(-len(records) // BLOCK) * BLOCK, b"\0")


def record(text: str) -> bytes:
    length = len(text) + 3
    while len(f"{length} {text}\n") != length:
        length += 1
    return f"{length} {text}\n".encode()


END = bytes(2 * BLOCK)


@FORMATS
def test_counts_and_totals_of_the_headers(tar_format: int) -> None:
    data = tar_of({"a.txt": "a" * 1000, "b/c.txt": "b"}, tar_format=tar_format)
    assert facts(data) == ArchiveFacts(entries=2, total_size=1001, ratio=round(1001 / len(data), 1), largest=1000)


@pytest.mark.parametrize("tar_format", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT], ids=["pax", "gnu"])
def test_long_names_are_read(tar_format: int) -> None:
    found = facts(tar_of({"../" + "a" * 300 + ".zip": "a", "é.txt": "b"}, tar_format=tar_format))
    assert (found.entries, found.total_size, found.traversal, found.nested) == (2, 2, 1, 1)


@FORMATS
def test_links_are_counted(tar_format: int) -> None:
    found = facts(tar_of({"a": "a"}, links={"b": "/etc/passwd", "c": "x" * 99}, tar_format=tar_format))
    assert (found.entries, found.links, found.total_size) == (3, 2, 1)


def test_a_long_target_is_not_the_name() -> None:
    found = facts(tar_of({}, links={"b": "../" * 100}, tar_format=tarfile.GNU_FORMAT))
    assert (found.links, found.traversal) == (1, 0)


@pytest.mark.parametrize("kind", [tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_other_things_than_files_count_as_links(kind: bytes) -> None:
    assert facts(header(kind=kind) + END).links == 1


def test_folders_are_no_links() -> None:
    found = facts(header("a/", kind=tarfile.DIRTYPE) + END)
    assert (found.entries, found.links) == (1, 0)


def test_duplicates_are_counted() -> None:
    assert facts(tar_of([("a", "1"), ("a", "2")])).duplicates == 1


def test_sizes_in_attributes_count_before_the_header_s() -> None:
    data = attributes(record("size=600") + record("comment=x")) + header() + bytes(1024) + header("b") + END
    found = facts(data)
    assert (found.entries, found.total_size, found.complete) == (2, 600, True)


def test_attributes_of_all_members() -> None:
    data = attributes(record("size=512"), tarfile.XGLTYPE) + (header() + bytes(BLOCK)) * 3 + END
    assert facts(data).total_size == 3 * 512


def test_an_empty_archive() -> None:
    assert facts(END) == ArchiveFacts(entries=0, total_size=0, ratio=0.0)


@pytest.mark.parametrize(
    "data",
    [header() * 2, header(size=1000) + bytes(900), header() + bytes(100), attributes(b"x" * 600)[:700], b""],
    ids=["no end", "cut in the content", "cut in a header", "cut in attributes", "nothing"],
)
def test_an_archive_without_its_end_is_not_complete(data: bytes) -> None:
    assert not facts(data).complete


def test_the_padding_of_the_last_member_may_be_missing() -> None:
    assert facts(header(size=10) + bytes(10)) == ArchiveFacts(
        entries=1, total_size=10, ratio=0.0, complete=False, largest=10
    )


def test_one_block_of_zeros_is_enough_at_the_end() -> None:
    assert facts(header() + bytes(BLOCK)) == ArchiveFacts(entries=1, total_size=0, ratio=0.0)


def test_what_is_no_member_may_follow_a_block_of_zeros() -> None:
    assert facts(header() + bytes(BLOCK) + b"x" * BLOCK).ambiguous == 0


def test_members_behind_a_lone_block_of_zeros_are_found() -> None:
    found = facts(header() + bytes(BLOCK) + header("b") + END)
    assert (found.entries, found.ambiguous, found.complete) == (1, 1, True)


CONTENT = header("../b", 6) + b"hidden".ljust(BLOCK, b"\0")
"""What is the content of a member for some programs, and another member for others."""


def long_name(name: str) -> bytes:
    return header("././@LongLink", len(name) + 1, tarfile.GNUTYPE_LONGNAME) + name.encode().ljust(BLOCK, b"\0")


def old(name: str, size: int) -> bytes:
    """A header of the seventh edition of Unix, which knows no types."""
    block = bytearray(header(name, size))
    block[156] = 0
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


@pytest.mark.parametrize(
    ("data", "traversal"),
    [
        pytest.param(long_name("../evil") + attributes(record("path=safe")) + header(), 1, id="long name, then path"),
        pytest.param(attributes(record("path=safe")) + long_name("../evil") + header(), 1, id="path, then long name"),
        pytest.param(attributes(record("path=../evil") + record("path=safe")) + header(), 1, id="two paths"),
        pytest.param(long_name("safe") + long_name("../evil") + header(), 1, id="two long names"),
        pytest.param(
            attributes(record("path=../evil")) + attributes(record("comment=x")) + header(), 1, id="two headers"
        ),
        pytest.param(
            attributes(record("path=../evil"), tarfile.XGLTYPE) + long_name("safe") + header(), 1, id="path of all"
        ),
        pytest.param(attributes(record("size=1024"), tarfile.XGLTYPE) + header() + CONTENT, 0, id="size of all"),
        pytest.param(attributes(record("size=1024")) + header() + CONTENT, 0, id="size above that of the header"),
        pytest.param(attributes(record("size=0")) + header(size=1024) + CONTENT, 1, id="size below it"),
        pytest.param(
            attributes(record("size=1024")) + header(kind=tarfile.DIRTYPE) + CONTENT, 1, id="size of a folder"
        ),
        pytest.param(header(size=1024, kind=tarfile.FIFOTYPE) + CONTENT, 1, id="content of a FIFO"),
        pytest.param(header(size=1024, kind=b"V") + CONTENT, 0, id="content of a volume's name"),
        pytest.param(header("a/", 1024) + CONTENT, 0, id="file called like a folder"),
        pytest.param(old("a/", 1024) + CONTENT, 0, id="old file called like a folder"),
        pytest.param(long_name("a/") + header("a", 1024) + CONTENT, 0, id="file with a long name like a folder's"),
    ],
)
def test_members_that_programs_read_in_different_ways(data: bytes, traversal: int) -> None:
    found = facts(data + END)
    assert (found.ambiguous, found.traversal, found.complete) == (1, traversal, True)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(long_name("a" * 300) + header("a" * 100), id="long name"),
        pytest.param(attributes(record("path=b")) + header(), id="path"),
        pytest.param(attributes(record("path=b"), tarfile.XGLTYPE) + header(), id="path of all"),
        pytest.param(attributes(record("path=")) + header(), id="path that is taken back"),
        pytest.param(long_name("b") + attributes(record("path=b")) + header(), id="one name twice"),
        pytest.param(attributes(record("size=5")) + header(size=5) + bytes(BLOCK), id="one size twice"),
        pytest.param(header("a/", kind=tarfile.DIRTYPE), id="folder"),
        pytest.param(header("a/", 512, kind=tarfile.DIRTYPE), id="folder with the size of its list"),
        pytest.param(header("a/"), id="empty file called like a folder"),
        pytest.param(old("a/", 0), id="old folder"),
    ],
)
def test_members_that_programs_read_alike(data: bytes) -> None:
    found = facts(data + END)
    assert (found.entries, found.ambiguous, found.complete) == (1, 0, True)


def test_a_size_that_no_header_can_hold_is_not_compared() -> None:
    class Vast(Seeking):
        def skip(self, size: int) -> int:
            return size

    data = attributes(record(f"size={8**11}").ljust(BLOCK, b"\0")) + header() + END
    found = survey(Vast(io.BytesIO(data)), 1)
    assert (found.total_size, found.ambiguous, found.complete) == (8**11, 0, True)


def test_the_short_name_is_judged_too() -> None:
    assert facts(attributes(record("path=safe")) + header("../evil") + END).traversal == 1


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        pytest.param(b"x" * BLOCK, "not a tar header", id="garbage"),
        pytest.param(header(size=2**70), "cannot have", id="absurd size"),
        pytest.param(header(size=-1), "cannot have", id="negative size"),
        pytest.param(header(kind=tarfile.GNUTYPE_SPARSE), "sparse", id="sparse"),
        pytest.param(attributes(record("GNU.sparse.major=1")), "sparse", id="sparse by attributes"),
        pytest.param(attributes(record("size=-5")), "cannot have", id="negative size in attributes"),
        pytest.param(attributes(record("size=" + "9" * 30)), "cannot have", id="absurd size in attributes"),
        pytest.param(attributes(b"garbage"), "malformed", id="attributes without a length"),
        pytest.param(attributes(b"99 path=a\n"), "malformed", id="attributes longer than they are"),
        pytest.param(attributes(b"3 path=a\n"), "malformed", id="attributes shorter than their keyword"),
        pytest.param(attributes(b"9 path=ab\n"), "malformed", id="attributes without an end"),
        pytest.param(header("x", 10**6, tarfile.GNUTYPE_LONGNAME), "has 1000000 bytes", id="a name of a megabyte"),
        pytest.param(long_name("a") * 9 + header(), "more than 8", id="nine names"),
        pytest.param(attributes(record("size=0") * 9) + header(), "more than 8", id="nine sizes"),
        pytest.param(header("x", 10**6, tarfile.XHDTYPE), "has 1000000 bytes", id="attributes of a megabyte"),
    ],
)
def test_what_is_not_read(data: bytes, problem: str) -> None:
    with pytest.raises(Unreadable, match=problem):
        facts(data + END)


def test_members_are_counted_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tar, "MAX_ENTRIES", 3)
    found = facts(header() * 5 + END)
    assert (found.entries, found.complete) == (3, False)


def test_what_lies_between_headers_is_not_read() -> None:
    class Counting(io.BytesIO):
        taken = 0

        def read(self, size: int | None = -1) -> bytes:
            self.taken += size or 0
            return super().read(size)

    file = Counting(header(size=10_000_000) + bytes(10_000_384) + header("b") + END)
    assert survey(Seeking(file), 1).entries == 2
    assert file.taken == 4 * BLOCK


@pytest.mark.parametrize(
    ("block", "expected"),
    [(header(), True), (bytes(BLOCK), False), (b"x" * BLOCK, False), (header()[:500], False)],
    ids=["header", "zeros", "garbage", "short"],
)
def test_is_header(block: bytes, expected: bool) -> None:
    assert is_header(block) is expected
