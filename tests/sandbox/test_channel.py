from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from django_largefiles.sandbox.answer import ExtractionFailed
from django_largefiles.sandbox.channel import MAX_LINE_BYTES, Channel, Deadline

Start = Callable[..., Channel]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a program and converses with it."""
    with ExitStack() as stack:

        def start(program: str, seconds: float = 60) -> Channel:
            process = subprocess.Popen(
                [sys.executable, "-Ic", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return Channel(process, Deadline(seconds))

        yield start


def test_lines_are_told_one_by_one(start: Start) -> None:
    talk = start("print('one\\n\\ntwo', flush=True); print('unfinished', end='')")
    assert [talk.line(), talk.line(), talk.line(), talk.line()] == [b"one", b"", b"two", b""]


@pytest.mark.parametrize("program", ["print('x' * 10**6)", "print('one'); print('x' * 10**6)"])
def test_a_line_is_not_longer_than_the_limit(start: Start, program: str) -> None:
    talk = start(program)
    with pytest.raises(ExtractionFailed, match=f"answered more than {MAX_LINE_BYTES} bytes"):
        assert talk.line() == b"one"
        talk.line()


def test_silence_ends_with_the_deadline(start: Start) -> None:
    with pytest.raises(ExtractionFailed, match=r"took longer than 0.1 s"):
        start("import time; time.sleep(60)", seconds=0.1).line()


def test_one_who_does_not_listen_is_left_at_the_deadline(start: Start) -> None:
    with pytest.raises(ExtractionFailed, match=r"took longer than 0.1 s"):
        start("import time; time.sleep(60)", seconds=0.1).send(bytes(10**6))


def test_bytes_arrive_whole(start: Start) -> None:
    talk = start("import sys; print(len(sys.stdin.buffer.read(10**6)))")
    talk.send(bytes(10**6))
    assert talk.line() == b"1000000"


def test_one_who_is_gone_is_not_waited_for(start: Start) -> None:
    talk = start("")
    talk.send(bytes(10**6))
    assert talk.line() == b""
