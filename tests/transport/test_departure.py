from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse

from django_largefiles.options import KIB, MIB
from django_largefiles.transport import departure as departure_module
from django_largefiles.transport.departure import HANG_UP, AsyncDeparture, limit_departure
from django_largefiles.transport.watcher import Transfer, watcher
from tests.conftest import Largefiles
from tests.transport.conftest import Pair

# Closing an answer tells Django that the request has ended, which looks at the connections of databases.
pytestmark = pytest.mark.django_db

SPAN = 10.0


@pytest.fixture(autouse=True)
def limits(largefiles: Largefiles) -> None:
    largefiles.set(BODY_TIMEOUT=timedelta(seconds=SPAN), MINIMUM_RATE=100)


@pytest.fixture
def departing(tcp: Pair) -> Iterator[Callable[[], Transfer]]:
    """What the watcher looks at, once an answer goes out."""
    response = HttpResponse()

    def begin() -> Transfer:
        before = set(watcher._transfers)
        limit_departure(tcp.meta, response)
        (transfer,) = watcher._transfers - before
        return transfer

    yield begin
    response.close()


def test_a_client_that_takes_nothing_is_cut_off(tcp: Pair, departing: Callable[[], Transfer]) -> None:
    transfer = departing()
    tcp.fill()
    transfer.look(time.monotonic() + SPAN)
    transfer.look(time.monotonic() + 2 * SPAN)
    with pytest.raises(BrokenPipeError):
        tcp.ours.sendall(b"more")


def test_a_client_that_takes_enough_is_not(tcp: Pair, departing: Callable[[], Transfer]) -> None:
    transfer = departing()
    tcp.ours.sendall(bytes(100_000))
    tcp.fill()
    transfer.look(time.monotonic() + SPAN)
    assert tcp.theirs.recv(10)


def test_time_in_which_nothing_waits_for_the_client_does_not_count(
    tcp: Pair, departing: Callable[[], Transfer]
) -> None:
    transfer, now = departing(), time.monotonic()
    for spans in range(1, 4):
        transfer.look(now + spans * SPAN)
    tcp.ours.sendall(b"more")
    assert tcp.theirs.recv(10) == b"more"


def test_a_closed_connection_is_left_alone(tcp: Pair, departing: Callable[[], Transfer]) -> None:
    transfer = departing()
    tcp.ours.close()
    transfer.look(time.monotonic() + SPAN)


def test_the_watcher_looks_until_the_answer_is_closed(tcp: Pair) -> None:
    response, before = HttpResponse(), set(watcher._transfers)
    limit_departure(tcp.meta, response)
    assert watcher._transfers - before
    response.close()
    assert not watcher._transfers - before


def test_over_a_unix_socket_only_silence_is_seen(unix: Pair, largefiles: Largefiles) -> None:
    largefiles.set(BODY_TIMEOUT=timedelta(milliseconds=50))
    response = HttpResponse()
    unix.fill()
    limit_departure(unix.meta, response)
    with pytest.raises(BlockingIOError):
        unix.ours.sendall(bytes(1024))
    response.close()
    assert not any(unix.ours.getsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, 16))


def test_without_a_socket_there_is_no_limit() -> None:
    response = HttpResponse()
    limit_departure({}, response)
    response.close()


def test_under_asgi_a_client_that_does_not_take_a_piece_in_time_is_hung_up_on(largefiles: Largefiles) -> None:
    largefiles.set(BODY_TIMEOUT=timedelta(milliseconds=1), MINIMUM_RATE=10**9)

    async def send() -> None:
        gone = asyncio.Event()
        with AsyncDeparture({HANG_UP: gone.set}, largest=MIB).of(bytes(1000)):
            await asyncio.wait_for(gone.wait(), timeout=20)

    asyncio.run(send())


@pytest.mark.parametrize("scope", [{HANG_UP: lambda: pytest.fail("it was hung up")}, {}], ids=["ours", "another's"])
def test_under_asgi_a_client_that_takes_a_piece_in_time_is_not(scope: dict[str, Any], largefiles: Largefiles) -> None:
    largefiles.set(BODY_TIMEOUT=timedelta(milliseconds=1), MINIMUM_RATE=1)

    async def send() -> None:
        departure = AsyncDeparture(scope, largest=MIB)
        for _ in range(3):
            with departure.of(b"p"):
                await asyncio.sleep(0)
        await asyncio.sleep(0.01)

    asyncio.run(send())


def sizes(count: int, *, largest: int) -> list[int]:
    """Return the sizes of the pieces that a client is given."""

    async def send() -> list[int]:
        departure, found = AsyncDeparture({}, largest=largest), []
        for _ in range(count):
            found.append(departure.size)
            with departure.of(bytes(departure.size)):
                pass
        return found

    return asyncio.run(send())


def test_pieces_grow_with_what_a_client_has_taken() -> None:
    assert sizes(200, largest=512 * KIB) == [64 * KIB] * 64 + [128 * KIB] * 32 + [256 * KIB] * 32 + [512 * KIB] * 72


def test_pieces_shrink_for_a_slow_client(monkeypatch: pytest.MonkeyPatch) -> None:
    async def send() -> list[int]:
        departure, found = AsyncDeparture({}, largest=256 * KIB), []
        for number in range(140):
            monkeypatch.setattr(departure_module, "SLOW_SECONDS", 20 if number < 130 else -1)
            with departure.of(bytes(departure.size)):
                found.append(departure.size)
        return found

    assert asyncio.run(send())[-13:] == [256 * KIB] * 4 + [128 * KIB] + [64 * KIB] * 8


def test_pieces_are_no_larger_than_asked_for() -> None:
    assert set(sizes(100, largest=1000)) == {1000}
