from __future__ import annotations

import io
import threading

import pytest

from django_largefiles.exceptions import StoreUnavailable
from django_largefiles.options import ExtractionLimits
from django_largefiles.sandbox.answer import ExtractionFailed
from django_largefiles.sandbox.broker import Broker
from django_largefiles.sandbox.channel import Deadline
from django_largefiles.sandbox.runner import run
from django_largefiles.sandbox.spec import BLOCK_SIZE, MAX_REQUEST
from tests.remote_files import GIB, MIB, RemoteFile

HELPERS = "tests.sandbox.extractors"


def broker(file: io.RawIOBase | io.BytesIO, budget: int = 64 * MIB, seconds: float = 60) -> Broker:
    return Broker(file, budget, Deadline(seconds))  # type: ignore[arg-type]  # a raw file is one


class Stuttering(io.BytesIO):
    """Gives a little at a time, as connections do."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(size or 0, 1000))


class Failing(io.BytesIO):
    def __init__(self, content: bytes, error: BaseException) -> None:
        super().__init__(content)
        self._error = error

    def read(self, size: int | None = -1) -> bytes:
        raise self._error


class Hanging(io.BytesIO):
    """Does not answer before it is let go."""

    def __init__(self) -> None:
        super().__init__(bytes(9))
        self.let_go = threading.Event()

    def read(self, size: int | None = -1) -> bytes:
        self.let_go.wait()
        return b""


def test_an_answer_is_a_length_and_the_bytes() -> None:
    assert broker(io.BytesIO(b"hello")).answer(b"[0, 5]") == b"\0\0\0\5hello"


def test_what_comes_in_pieces_is_put_together() -> None:
    content = bytes(range(250)) * 100
    assert broker(Stuttering(content)).answer(b"[0, %d]" % len(content))[4:] == content


def test_a_file_that_has_become_shorter_is_answered_as_far_as_it_goes() -> None:
    file = io.BytesIO(b"hello")
    asked = broker(file)
    file.truncate(2)
    assert asked.answer(b"[0, 5]") == b"\0\0\0\2he"


@pytest.mark.parametrize(
    "request_line",
    [
        pytest.param(b"[0", id="no JSON"),
        pytest.param(b"[" * 60_000, id="nested"),
        pytest.param(b"[1]", id="one number"),
        pytest.param(b"[0, 1, 2]", id="three numbers"),
        pytest.param(b"[[0], 16384]", id="lists"),
        pytest.param(b'["0", "16384"]', id="texts"),
        pytest.param(b"[false, 16384]", id="no integer"),
        pytest.param(b"[0.0, 16384]", id="a fraction"),
        pytest.param(b"[-16384, 16384]", id="before the start"),
        pytest.param(b"[0, 0]", id="nothing"),
        pytest.param(b"[0, -16384]", id="less than nothing"),
        pytest.param(b"[1, 16384]", id="begins between blocks"),
        pytest.param(b"[0, 1000]", id="ends between blocks"),
        pytest.param(b"[0, %d]" % (MAX_REQUEST + BLOCK_SIZE), id="too large"),
        pytest.param(b"[1073741824, 16384]", id="beyond the end"),
        pytest.param(b"[1073725440, 32768]", id="across the end"),
    ],
)
def test_a_request_that_is_none_ends_the_run(request_line: bytes) -> None:
    with pytest.raises(ExtractionFailed, match="asked for something that is not a piece of the file"):
        broker(RemoteFile(GIB, {})).answer(request_line)


def test_the_budget_is_the_parent_s() -> None:
    asked = broker(RemoteFile(GIB, {}), budget=2 * BLOCK_SIZE)
    asked.answer(b"[0, %d]" % (2 * BLOCK_SIZE))
    with pytest.raises(ExtractionFailed, match=f"wanted to read more than {2 * BLOCK_SIZE} bytes"):
        asked.answer(b"[0, %d]" % BLOCK_SIZE)


def test_a_child_that_was_taken_over_gets_no_more_than_the_budget(media_type: str) -> None:
    file = RemoteFile(GIB, {0: b"[16384, 16384]\n" * 20})
    with pytest.raises(ExtractionFailed, match=f"wanted to read more than {4 * BLOCK_SIZE} bytes"):
        run(f"{HELPERS}.Begging", file, media_type, ExtractionLimits(read_bytes=4 * BLOCK_SIZE))  # type: ignore[arg-type]
    assert file.bytes_read == 4 * BLOCK_SIZE


def test_a_child_that_was_taken_over_gets_pieces_alone(media_type: str) -> None:
    file = RemoteFile(GIB, {0: b"[1, 16384]\n"})
    with pytest.raises(ExtractionFailed, match="asked for something that is not a piece of the file"):
        run(f"{HELPERS}.Begging", file, media_type, ExtractionLimits())  # type: ignore[arg-type]


@pytest.mark.parametrize("error", [StoreUnavailable("down"), OSError("reset"), TimeoutError("slow")], ids=type)
def test_an_error_of_the_file_is_no_failure_of_the_extraction(media_type: str, error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        run(f"{HELPERS}.Behaving", Failing(b"hello", error), media_type, ExtractionLimits())
    assert caught.value is error


def test_the_wall_clock_holds_while_the_file_does_not_answer(media_type: str) -> None:
    file = Hanging()
    with pytest.raises(ExtractionFailed, match=r"took longer than 1 s"):
        run(f"{HELPERS}.Behaving", file, media_type, ExtractionLimits(wall_seconds=1))
    file.let_go.set()


def test_the_wall_clock_holds_while_the_size_is_not_known(media_type: str) -> None:
    class Sizeless(Hanging):
        def seek(self, offset: int, whence: int = 0) -> int:
            return len(self.read())

    file = Sizeless()
    with pytest.raises(ExtractionFailed, match=r"took longer than 0.1 s"):
        run(f"{HELPERS}.Behaving", file, media_type, ExtractionLimits(wall_seconds=0.1))
    file.let_go.set()


def assert_ended(threads: set[threading.Thread]) -> None:
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()


def test_no_thread_is_left(media_type: str) -> None:
    before = set(threading.enumerate())
    run(f"{HELPERS}.Behaving", io.BytesIO(b"hello"), media_type, ExtractionLimits())
    assert_ended(set(threading.enumerate()) - before)


def test_no_thread_is_left_of_a_file_that_does_not_tell_its_size(media_type: str) -> None:
    class Unseekable(io.BytesIO):
        def seek(self, offset: int, whence: int = 0) -> int:
            raise StoreUnavailable("down")

    before = set(threading.enumerate())
    with pytest.raises(StoreUnavailable):
        run(f"{HELPERS}.Behaving", Unseekable(), media_type, ExtractionLimits())
    assert_ended(set(threading.enumerate()) - before)
