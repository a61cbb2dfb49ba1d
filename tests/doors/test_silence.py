from __future__ import annotations

import socket
from datetime import timedelta

import pytest

from django_largefiles.doors.silence import limit_silence
from tests.conftest import Largefiles


def test_a_silent_client_is_given_up(largefiles: Largefiles) -> None:
    largefiles.set(BODY_TIMEOUT=timedelta(milliseconds=50))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        limit_silence({"gunicorn.socket": ours})
        theirs.sendall(b"some")
        assert ours.recv(100) == b"some"
        with pytest.raises(TimeoutError):
            ours.recv(100)


def test_other_servers_have_time_outs_of_their_own() -> None:
    limit_silence({})
