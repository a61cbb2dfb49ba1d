from __future__ import annotations

import socket

import pytest

from django_largefiles.transport.sockets import cut, shut, socket_of
from tests.transport.conftest import Pair


def test_the_socket_is_the_one_that_gunicorn_gives(tcp: Pair) -> None:
    assert socket_of(tcp.meta) is tcp.ours


@pytest.mark.parametrize("meta", [{}, {"gunicorn.socket": "a socket"}], ids=["another server", "no socket"])
def test_other_servers_give_none(meta: dict[str, object]) -> None:
    assert socket_of(meta) is None


def test_one_direction_is_shut(tcp: Pair) -> None:
    shut(tcp.ours, socket.SHUT_RD)
    assert tcp.ours.recv(1) == b""
    tcp.ours.sendall(b"answer")
    assert tcp.theirs.recv(100) == b"answer"


def test_what_was_not_taken_is_dropped_when_a_connection_is_cut(tcp: Pair) -> None:
    tcp.fill()
    cut(tcp.ours)
    tcp.ours.close()
    with pytest.raises(ConnectionResetError):
        while True:
            tcp.theirs.recv(1024 * 1024)


def test_a_closed_connection_is_left_alone(tcp: Pair) -> None:
    tcp.ours.close()
    cut(tcp.ours)
