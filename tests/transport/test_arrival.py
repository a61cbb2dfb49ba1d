from __future__ import annotations

import time
from datetime import timedelta

import pytest

from django_largefiles.transport.arrival import Arrival
from django_largefiles.transport.watcher import watcher
from tests.conftest import Largefiles
from tests.transport.conftest import Pair

SPAN = 10.0


@pytest.fixture(autouse=True)
def limits(largefiles: Largefiles) -> None:
    largefiles.set(BODY_TIMEOUT=timedelta(seconds=SPAN), MINIMUM_RATE=100)


def test_a_client_that_trickles_is_not_waited_for_any_more(tcp: Pair) -> None:
    arrival = Arrival(tcp.meta)
    tcp.theirs.sendall(bytes(999))
    with arrival:
        assert len(tcp.ours.recv(1000)) == 999
        arrival.look(time.monotonic() + SPAN)
        assert tcp.ours.recv(1000) == b""
    assert arrival.too_slow
    tcp.ours.sendall(b"answer")
    assert tcp.theirs.recv(100) == b"answer"


def test_a_client_that_keeps_the_rate_is_waited_for(tcp: Pair) -> None:
    arrival = Arrival(tcp.meta)
    tcp.theirs.sendall(bytes(1500))
    with arrival:
        assert len(tcp.ours.recv(2000)) == 1500
        arrival.look(time.monotonic() + SPAN)
    assert not arrival.too_slow


def test_time_between_reads_does_not_count(tcp: Pair) -> None:
    arrival = Arrival(tcp.meta)
    for _ in range(3):
        with arrival:
            arrival.look(time.monotonic() + SPAN / 4)
    assert not arrival.too_slow


def test_the_watcher_looks_only_during_a_read(tcp: Pair) -> None:
    arrival = Arrival(tcp.meta)
    with arrival:
        assert arrival in watcher._transfers
    assert arrival not in watcher._transfers


def test_over_a_unix_socket_only_silence_is_seen(unix: Pair, largefiles: Largefiles) -> None:
    largefiles.set(BODY_TIMEOUT=timedelta(milliseconds=50))
    with Arrival(unix.meta), pytest.raises(TimeoutError):
        unix.ours.recv(100)


def test_without_a_socket_there_is_no_limit() -> None:
    arrival = Arrival({})
    with arrival:
        pass
    arrival.end()
    assert arrival.too_slow
