from __future__ import annotations

import io
import os
from unittest.mock import Mock

from django_largefiles.extractors.rationed import RationedFile


def test_it_starts_at_the_start() -> None:
    file = io.BytesIO(b"0123456789")
    file.seek(5)
    assert RationedFile(file, 100).read() == b"0123456789"


def test_it_ends_with_its_ration() -> None:
    rationed = RationedFile(io.BytesIO(b"0123456789"), 6)
    assert (rationed.read(4), rationed.read(4), rationed.read(4)) == (b"0123", b"45", b"")


def test_what_is_read_again_counts_again() -> None:
    rationed = RationedFile(io.BytesIO(b"0123456789"), 6)
    rationed.read(4)
    rationed.seek(0)
    assert rationed.read() == b"01"


def test_no_more_is_asked_for_than_is_left() -> None:
    file = Mock(wraps=io.BytesIO(b"0123456789"))
    rationed = RationedFile(file, 2**40)
    rationed.seek(-3, os.SEEK_END)
    assert (rationed.tell(), rationed.read(2**31)) == (7, b"789")
    file.read.assert_called_once_with(3)


def test_beyond_the_end_there_is_nothing() -> None:
    rationed = RationedFile(io.BytesIO(b"0123456789"), 100)
    rationed.seek(50)
    assert rationed.read(1) == b""
