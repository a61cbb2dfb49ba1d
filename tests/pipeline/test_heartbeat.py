from __future__ import annotations

from collections.abc import Iterator
from threading import Event, current_thread, main_thread

import pytest
from django.db import InterfaceError

from django_largefiles.lifecycle import ClaimLost
from django_largefiles.pipeline import heartbeat
from django_largefiles.pipeline.heartbeat import Heartbeat

PATIENCE = 30
"""Seconds, for what takes a few milliseconds."""


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.001)


class Renewals:
    """Raises at each renewal the next of ``outcomes``, unless it is ``None``, and the last of them from then on."""

    def __init__(self, *outcomes: Exception | None) -> None:
        self._outcomes: Iterator[Exception | None] = iter(outcomes)
        self._last = outcomes[-1]
        self.heard: list[int] = []
        self.threads = set()
        self.all_answered = Event()

    def __call__(self, done: int) -> None:
        self.heard.append(done)
        self.threads.add(current_thread())
        outcome = next(self._outcomes, self._last)
        if len(self.heard) > 3:
            self.all_answered.set()
        if outcome is not None:
            raise outcome


def test_a_claim_is_renewed_without_news_of_progress() -> None:
    renewals = Renewals(None)
    beating = Heartbeat(renewals)
    beating.tell(7)
    with beating:
        assert renewals.all_answered.wait(PATIENCE)
    assert renewals.heard[-1] == 7
    assert main_thread() not in renewals.threads


def test_it_ends_with_its_block() -> None:
    renewals = Renewals(None)
    with Heartbeat(renewals):
        assert renewals.all_answered.wait(PATIENCE)
    (thread,) = renewals.threads
    assert not thread.is_alive()


def test_a_lost_claim_is_raised_and_not_renewed_again() -> None:
    renewals = Renewals(ClaimLost())
    with Heartbeat(renewals) as beating:
        beating._thread.join(PATIENCE)
        with pytest.raises(ClaimLost):
            beating.tell(1)
    assert len(renewals.heard) == 1


def test_a_database_that_fails_for_a_moment_does_no_harm(caplog: pytest.LogCaptureFixture) -> None:
    renewals = Renewals(InterfaceError("gone away"), None)
    with Heartbeat(renewals) as beating:
        assert renewals.all_answered.wait(PATIENCE)
        beating.tell(1)
    assert caplog.text.count("could not be renewed") == 1
