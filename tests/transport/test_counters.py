from __future__ import annotations

from django_largefiles.transport.counters import counters
from tests.transport.conftest import Pair


def test_bytes_of_both_directions_are_counted(tcp: Pair) -> None:
    before = counters(tcp.ours)
    tcp.ours.sendall(bytes(1000))
    assert len(tcp.theirs.recv(1000)) == 1000
    tcp.theirs.sendall(bytes(2000))
    assert len(tcp.ours.recv(2000)) == 2000
    after = counters(tcp.ours)
    assert before and after
    assert (after.acknowledged - before.acknowledged, after.received - before.received) == (1000, 2000)
    assert not after.pending


def test_bytes_that_the_client_does_not_take_are_pending(tcp: Pair) -> None:
    tcp.fill()
    found = counters(tcp.ours)
    assert found
    assert found.pending


def test_a_unix_socket_has_no_counters(unix: Pair) -> None:
    assert counters(unix.ours) is None
