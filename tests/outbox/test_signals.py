from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.models import F

from django_largefiles import lifecycle, signals, sweeper
from django_largefiles.models import FileAsset, PendingSignal
from django_largefiles.outbox import signals as outbox
from django_largefiles.outbox.signals import MAX_TRIES, RESEND_AFTER
from django_largefiles.states import State

pytestmark = pytest.mark.django_db(transaction=True)


class Killed(BaseException):
    """No receiver can catch it, as none can catch SIGKILL."""


@pytest.fixture
def heard() -> Iterator[list[tuple[str, str]]]:
    """The ids of assets, and their states, as receivers of ``asset_received`` and ``asset_ready`` hear of them."""
    heard: list[tuple[str, str]] = []

    def hear_received(asset: FileAsset, **_: object) -> None:
        heard.append(("received", asset.state))

    def hear_ready(asset: FileAsset, **_: object) -> None:
        heard.append(("ready", asset.state))

    signals.asset_received.connect(hear_received)
    signals.asset_ready.connect(hear_ready)
    yield heard
    signals.asset_received.disconnect(hear_received)
    signals.asset_ready.disconnect(hear_ready)


@pytest.fixture
def killing() -> Iterator[None]:
    """A receiver that does not survive."""

    def die(**_: object) -> None:
        raise Killed

    signals.asset_received.connect(die)
    yield
    signals.asset_received.disconnect(die)


@pytest.fixture
def failed() -> FileAsset:
    return FileAsset.objects.create(original_name="a.png", state=State.FAILED, size=1)


def die_before_the_signal(asset: FileAsset, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a process does that is killed right after its commit."""
    with monkeypatch.context() as patched:
        patched.setattr(outbox, "_send", lambda *args: None)
        assert lifecycle.reprocess(asset.pk)


def later(waited: timedelta = RESEND_AFTER) -> None:
    """Let this time pass, and a moment more, as the database's clock sees it: SQLite's has milliseconds."""
    PendingSignal.objects.update(due_at=F("due_at") - waited - timedelta(milliseconds=1))


def test_nothing_is_left_to_announce_once_it_was(failed: FileAsset, heard: list[tuple[str, str]]) -> None:
    lifecycle.reprocess(failed.pk)
    assert heard == [("received", State.RECEIVED)]
    assert not PendingSignal.objects.exists()


def test_a_signal_that_a_crash_held_back_is_sent_by_the_sweeper_once(
    failed: FileAsset, heard: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    die_before_the_signal(failed, monkeypatch)
    later()
    assert [sweeper.sweep().signals_sent, sweeper.sweep().signals_sent] == [1, 0]
    assert heard == [("received", State.RECEIVED)]


def test_a_signal_that_is_being_sent_is_left_alone(
    failed: FileAsset, heard: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    die_before_the_signal(failed, monkeypatch)
    later(RESEND_AFTER - timedelta(seconds=1))
    assert sweeper.sweep().signals_sent == 0


def test_those_held_back_come_in_their_order(
    failed: FileAsset, heard: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(outbox, "_send", lambda *args: None)
        lifecycle.reprocess(failed.pk)
        claim = lifecycle.claim(failed.pk)
        assert claim
        lifecycle.accept(claim)
    later()
    assert sweeper.sweep().signals_sent == 2
    assert heard == [("received", State.READY), ("ready", State.READY)]


def test_a_process_that_dies_in_a_receiver_has_sent_nothing(
    failed: FileAsset, killing: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Killed):
        lifecycle.reprocess(failed.pk)
    note = PendingSignal.objects.get()
    assert (note.asset_id, note.state) == (failed.pk, State.RECEIVED)
    assert str(note) == f"{failed.pk} received"


def test_a_receiver_that_kills_its_process_is_not_called_without_end(
    failed: FileAsset, killing: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(Killed):
        lifecycle.reprocess(failed.pk)
    for _ in range(MAX_TRIES):
        later()
        with pytest.raises(Killed):
            outbox.send_overdue(10)
    later()
    assert outbox.send_overdue(10) == 0
    assert not PendingSignal.objects.exists()
    assert f"Giving up on the signal that asset {failed.pk} is received, after {MAX_TRIES} attempts" in caplog.text


def test_of_two_sweepers_one_sends(
    failed: FileAsset, heard: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    die_before_the_signal(failed, monkeypatch)
    later()
    note = PendingSignal.objects.get()
    assert outbox.send_overdue(10) == 1
    # The other has read the note before.
    assert not outbox._send_again(note, connection.alias)
    assert len(heard) == 1


def test_of_an_asset_that_is_deleted_nothing_is_sent(
    failed: FileAsset, heard: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    die_before_the_signal(failed, monkeypatch)
    failed.delete()
    later()
    sweeper.sweep()
    assert heard == []
    assert not PendingSignal.objects.exists()


def test_what_is_rolled_back_is_not_due(failed: FileAsset) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        lifecycle.reprocess(failed.pk)
        raise ZeroDivisionError
    assert not PendingSignal.objects.exists()


def test_a_worker_is_told_when_every_receiver_has_heard(
    failed: FileAsset, heard: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[int] = []

    def hand_over(**_: object) -> None:
        order.append(len(heard))

    lifecycle.asset_waiting.connect(hand_over)
    lifecycle.reprocess(failed.pk)
    lifecycle.asset_waiting.disconnect(hand_over)
    assert order == [1]


def test_a_database_that_fails_after_the_commit_raises_no_error(
    failed: FileAsset, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: object) -> None:
        raise ConnectionError("the database is gone")

    monkeypatch.setattr(outbox, "_send", fail)
    assert lifecycle.reprocess(failed.pk)
    assert "the database is gone" in caplog.text
