from __future__ import annotations

import errno
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from django.core.files.base import ContentFile, File
from django.core.files.storage import InMemoryStorage, Storage

from django_largefiles.exceptions import StoreFull, StoreUnavailable, TakenOver
from django_largefiles.options import GIB
from django_largefiles.stores.remote import LARGEST_READ, OutgoingFile, open_stored, translated_errors
from tests.storages import RemoteStorage

CONTENT = bytes(range(256)) * 20


@pytest.fixture
def local(tmp_path: Path) -> Path:
    path = tmp_path / "local"
    path.write_bytes(CONTENT)
    return path


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (OSError(errno.ENOSPC, "full"), StoreFull),
        (OSError(errno.ECONNRESET, "reset"), StoreUnavailable),
        (ValueError("the password is hunter2"), StoreUnavailable),
        (TakenOver("ours"), TakenOver),
    ],
    ids=["full", "system", "vendor", "ours"],
)
def test_an_exception_of_the_storage_is_an_error_of_the_store(raised: Exception, expected: type[Exception]) -> None:
    with pytest.raises(expected) as translated, translated_errors():
        raise raised
    assert "hunter2" not in str(translated.value)


def _in_one(file: OutgoingFile) -> bytes:
    return file.read()


def _without_an_argument_of_use(file: OutgoingFile) -> bytes:
    return file.read(None)


def _all(file: OutgoingFile) -> bytes:
    return file.readall()


def _in_pieces(file: OutgoingFile) -> bytes:
    return b"".join(iter(lambda: file.read(1000), b""))


def _into_a_buffer(file: OutgoingFile) -> bytes:
    buffer = bytearray(2 * len(CONTENT))
    return bytes(buffer[: file.readinto(buffer)])


def _in_chunks(file: OutgoingFile) -> bytes:
    file.seek(7)
    return b"".join(File(file).chunks(100))  # type: ignore[arg-type]


@pytest.mark.parametrize("read", [_in_one, _without_an_argument_of_use, _all, _in_pieces, _into_a_buffer, _in_chunks])
def test_a_storage_reads_as_it_likes(read: Callable[[OutgoingFile], bytes], local: Path) -> None:
    with local.open("rb") as file:
        outgoing = OutgoingFile(file, lambda done: None)
        assert read(outgoing) == CONTENT
        assert outgoing.tell() == len(CONTENT)
        assert (outgoing.readable(), outgoing.seekable(), File(outgoing).size) == (  # type: ignore[arg-type]
            True,
            True,
            len(CONTENT),
        )


def test_a_local_disk_that_fails_is_told_apart_from_a_bad_file(local: Path) -> None:
    with local.open("rb") as file:
        outgoing = OutgoingFile(file, lambda done: None)
        outgoing._file = Failing(file)  # type: ignore[assignment]
        with pytest.raises(StoreUnavailable):
            outgoing.read(1)


class Failing:
    """What a disk gives that goes bad."""

    def __init__(self, file: BinaryIO) -> None:
        self.tell = file.tell

    def read(self, size: int) -> bytes:
        raise OSError(errno.EIO, "Input/output error")


def test_no_storage_reads_past_it(local: Path) -> None:
    with local.open("rb") as file, pytest.raises(io.UnsupportedOperation):
        OutgoingFile(file, lambda done: None).fileno()


@pytest.mark.parametrize("size", [-1, LARGEST_READ + 1, 10 * GIB])
def test_a_storage_that_would_hold_a_large_file_in_memory_is_stopped(size: int, tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb+") as file:
        file.truncate(GIB)
        outgoing = OutgoingFile(file, lambda done: None)
        with pytest.raises(StoreUnavailable, match="in memory"):
            outgoing.read(size)
        assert isinstance(outgoing.error, StoreUnavailable)


def _seekable(tmp_path: Path) -> Storage:
    return InMemoryStorage()


def _one_way(tmp_path: Path) -> Storage:
    return RemoteStorage(str(tmp_path / "remote"))


@pytest.fixture(params=[_seekable, _one_way])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    storage: Storage = request.param(tmp_path)
    storage.save("name", ContentFile(CONTENT))
    return storage


def test_a_stored_file_is_read_anywhere(storage: Storage) -> None:
    with open_stored(storage, "name") as file:
        for start, length in [(0, 10), (4000, 10), (5, 3000), (3005, 5), (9, 1), (len(CONTENT), 5), (6000, 5), (0, 1)]:
            file.seek(start)
            assert file.read(length) == CONTENT[start : start + length]
            assert file.tell() == max(start, min(start + length, len(CONTENT)))


def test_nothing_of_a_stored_file_is_read_before_it_is_asked_for(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_stored(storage, "name") as file:
        assert (file.readable(), file.seekable(), file.writable()) == (True, True, False)
        monkeypatch.setattr(File, "read", property(lambda self: pytest.fail("read")))
        assert file.seek(-1, io.SEEK_END) == len(CONTENT) - 1
        assert file.seek(-3, io.SEEK_CUR) == len(CONTENT) - 4
        assert file.seek(-3) == 0


@pytest.mark.parametrize("kind", [_seekable, _one_way])
def test_what_is_not_there_is_told_at_once(kind: Callable[[Path], Storage], tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable):
        open_stored(kind(tmp_path), "name")


class LateFile(ContentFile):  # type: ignore[type-arg]
    """As that of django-storages' SFTP: a seek before the first read is forgotten."""

    def __init__(self) -> None:
        super().__init__(b"")

    def read(self, size: int = -1) -> bytes:  # type: ignore[override]
        if not self.file.getvalue():  # type: ignore[attr-defined]
            self.file = io.BytesIO(CONTENT)
        return self.file.read(size)


class LateStorage(InMemoryStorage):
    def _open(self, name: str, mode: str = "rb") -> Any:
        return LateFile()


def test_a_seek_before_the_first_read_counts() -> None:
    with open_stored(LateStorage(), "name") as file:
        file.seek(100)
        assert file.read(5) == CONTENT[100:105]


def test_it_is_closed_with_what_the_storage_gave(storage: Storage) -> None:
    file = open_stored(storage, "name")
    file.close()
    file.close()
    assert file.closed
