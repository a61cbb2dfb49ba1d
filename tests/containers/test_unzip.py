from __future__ import annotations

import io
import struct
import zipfile

import pytest

from django_largefiles.containers.facts import Unreadable
from django_largefiles.containers.reading import PIECE
from django_largefiles.containers.unzip import content, pieces
from django_largefiles.containers.zip import find_directory, walk
from tests.archives import encrypted_zip, zip_of

MIB = 1024 * 1024


def unpacked(data: bytes, limit: int = MIB) -> bytes:
    file = io.BytesIO(data)
    return content(file, next(walk(file, find_directory(file))), limit)


def changed(data: bytes, offset: int, value: bytes) -> bytes:
    return data[:offset] + value + data[offset + len(value) :]


ONE = zip_of({"a.txt": "hello " * 1000})
DIRECTORY = ONE.index(b"PK\1\2")


@pytest.mark.parametrize("packed", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED], ids=["stored", "deflated"])
@pytest.mark.parametrize("text", ["", "a", "hello " * 50_000], ids=["empty", "short", "of many pieces"])
def test_the_content_of_a_member(text: str, packed: int) -> None:
    assert unpacked(zip_of({"a.txt": text}, packed=packed)) == text.encode()


def test_a_bomb_is_unpacked_up_to_the_limit_in_small_pieces() -> None:
    file = io.BytesIO(zip_of({"a": bytes(50 * MIB)}))
    taken: list[int] = []
    with pytest.raises(Unreadable, match="more than the limit"):
        for piece in pieces(file, next(walk(file, find_directory(file))), MIB):
            taken.append(len(piece))  # noqa: PERF401 - it raises
    assert sum(taken) <= MIB
    assert max(taken) <= PIECE


def test_a_member_that_lies_about_its_size_is_still_bounded() -> None:
    bomb = bytearray(zip_of({"a": bytes(5 * MIB)}))
    for offset in (22, bomb.index(b"PK\1\2") + 24):
        struct.pack_into("<L", bomb, offset, 10)
    with pytest.raises(Unreadable, match="more than the limit"):
        unpacked(bytes(bomb))


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        pytest.param(encrypted_zip(), "encrypted", id="encrypted"),
        pytest.param(zip_of({"a": "a"}, packed=zipfile.ZIP_BZIP2), "unsupported method", id="another method"),
        pytest.param(changed(ONE, 0, b"xx"), "no local header", id="no local header"),
        pytest.param(changed(ONE, 30, b"b"), "different names", id="another name"),
        pytest.param(changed(ONE, 26, b"\1"), "different names", id="a shorter name"),
        pytest.param(changed(ONE, 35, b"\xff" * 5), "invalid", id="garbage"),
        pytest.param(changed(ONE, DIRECTORY + 20, b"\5\0"), "truncated", id="cut off"),
    ],
)
def test_what_cannot_be_unpacked(data: bytes, problem: str) -> None:
    with pytest.raises(Unreadable, match=problem):
        unpacked(data)


def test_output_that_the_last_input_left_behind_is_not_lost() -> None:
    assert unpacked(zip_of({"a": bytes(PIECE * 3 + 1)})) == bytes(PIECE * 3 + 1)
