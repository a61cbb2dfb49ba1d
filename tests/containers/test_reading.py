from __future__ import annotations

import io

import pytest

from django_largefiles.containers.facts import Unreadable
from django_largefiles.containers.reading import PIECE, Stretch, read_at


class Dribble(io.BytesIO):
    """A file that gives fewer bytes than asked for."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(size or 0, 3))


@pytest.mark.parametrize(
    ("position", "size", "expected"),
    [(0, 4, b"0123"), (8, 4, b"89"), (20, 4, b""), (-1, 4, b""), (0, 0, b"")],
    ids=["beginning", "end", "beyond", "before", "nothing"],
)
def test_read_at(position: int, size: int, expected: bytes) -> None:
    assert read_at(Dribble(b"0123456789"), position, size) == expected


def test_a_stretch_is_read_from_front_to_back_whoever_reads_in_between() -> None:
    file = io.BytesIO(b"0123456789" * PIECE)
    stretch = Stretch(file, 5, 3 * PIECE)
    first = stretch.take(4)
    file.seek(0)
    rest = stretch.take(2 * PIECE)
    assert first + rest == file.getvalue()[5 : 9 + 2 * PIECE]
    assert stretch.left == PIECE - 4


def test_a_stretch_ends() -> None:
    stretch = Stretch(io.BytesIO(b"0123456789"), 5, 3)
    with pytest.raises(Unreadable, match="truncated"):
        stretch.take(4)
