from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import AnonymousUser, User

from django_largefiles.exceptions import TooManyStreams
from django_largefiles.progress.streams import Streams
from tests.conftest import Largefiles

ONE, OTHER = User(pk=1), User(pk=2)


@pytest.fixture(autouse=True)
def _limits(largefiles: Largefiles) -> None:
    largefiles.set(PROGRESS_LIMITS={"STREAMS": 4, "STREAMS_PER_USER": 2})


def test_a_user_has_a_limit() -> None:
    streams = Streams()
    streams.open(ONE)
    streams.open(ONE)
    for refused in (streams.check, streams.open):
        with pytest.raises(TooManyStreams) as raised:
            refused(ONE)
        assert raised.value.limit == 2
    streams.open(OTHER)


def test_a_process_has_a_limit() -> None:
    streams = Streams()
    for user in (ONE, ONE, OTHER, OTHER):
        streams.open(user)
    with pytest.raises(TooManyStreams) as raised:
        streams.check(User(pk=3))
    assert raised.value.limit == 4


def test_anonymous_users_have_the_limit_of_the_process_alone() -> None:
    streams = Streams()
    for _ in range(4):
        streams.open(AnonymousUser())
    with pytest.raises(TooManyStreams) as raised:
        streams.open(AnonymousUser())
    assert raised.value.limit == 4


def test_a_closed_stream_makes_room() -> None:
    streams = Streams()
    streams.open(ONE)
    streams.open(ONE)
    streams.close(ONE)
    streams.check(ONE)


def test_users_without_streams_are_forgotten() -> None:
    streams = Streams()
    streams.open(ONE)
    streams.close(ONE)
    assert not streams._open


def test_threads_count_together(largefiles: Largefiles) -> None:
    largefiles.set(PROGRESS_LIMITS={"STREAMS": 500, "STREAMS_PER_USER": 500})
    streams = Streams()

    def use(number: int) -> None:
        streams.open(ONE)
        if number % 2:
            streams.close(ONE)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(use, range(400)))
    for _ in range(300):
        streams.open(ONE)
    with pytest.raises(TooManyStreams):
        streams.open(ONE)
