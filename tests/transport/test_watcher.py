from __future__ import annotations

from threading import Event

import pytest

from django_largefiles.transport import watcher as module
from django_largefiles.transport.watcher import Watcher


class Seen:
    """A transfer that tells when it was looked at."""

    def __init__(self) -> None:
        self.event = Event()

    def look(self, now: float) -> None:
        self.event.set()


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "INTERVAL_SECONDS", 0.01)


def test_transfers_are_looked_at_again_and_again() -> None:
    watcher, first, second = Watcher(), Seen(), Seen()
    watcher.add(first)
    assert first.event.wait(10)
    watcher.add(second)
    assert second.event.wait(10)
    first.event.clear()
    assert first.event.wait(10)
    watcher.discard(first)
    watcher.discard(second)


def test_the_thread_ends_without_transfers_and_begins_again() -> None:
    watcher, transfer = Watcher(), Seen()
    for _ in range(2):
        watcher.add(transfer)
        assert transfer.event.wait(10)
        thread = watcher._thread
        watcher.discard(transfer)
        assert thread
        thread.join(10)
        assert not thread.is_alive()
        transfer.event.clear()
