from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.db.models import Q
from django.dispatch import Signal
from django.utils import timezone

from django_largefiles import lifecycle, signals
from django_largefiles.lifecycle import MAX_ATTEMPTS, Claim, ClaimLost
from django_largefiles.models import FileAsset, Upload
from django_largefiles.states import Reason, ScanVerdict, Stage, State
from tests.conftest import create_asset

pytestmark = pytest.mark.django_db(transaction=True)

LATER = timedelta(minutes=1)


class Heard(list[tuple[str, str]]):
    """Signals by name, with the state of the asset that came with each."""

    def listen(self, name: str, signal: Signal) -> None:
        def hear(sender: type[FileAsset], asset: FileAsset, **_: object) -> None:
            self.append((name, asset.state))

        # A local function is all that knows it: the signal must not let go of it.
        signal.connect(hear, weak=False, dispatch_uid="tests.lifecycle")


@pytest.fixture
def heard() -> Iterator[Heard]:
    heard, all_signals = (
        Heard(),
        {
            "received": signals.asset_received,
            "ready": signals.asset_ready,
            "rejected": signals.asset_rejected,
            "failed": signals.asset_failed,
        },
    )
    for name, signal in all_signals.items():
        heard.listen(name, signal)
    yield heard
    for signal in all_signals.values():
        signal.disconnect(dispatch_uid="tests.lifecycle")


def make(state: State, **columns: Any) -> FileAsset:
    asset = create_asset(state=state, **{"size": 1, **columns})
    if state == State.RECEIVING:
        Upload.objects.create(asset=asset, store_state={"name": "a"}, expires_at=timezone.now() + LATER)
    return asset


def claimed(**columns: Any) -> Claim:
    claim = lifecycle.claim(make(State.RECEIVED, **columns).pk)
    assert claim
    return claim


def complete(asset: FileAsset) -> bool:
    upload = Upload.objects.filter(pk=asset.pk).first() or Upload(asset=asset)
    upload.asset = asset
    return lifecycle.complete(upload, name="a", size=3, sha256="0" * 64, media_type="image/png")


def held(act: Callable[[Claim], None]) -> Callable[[FileAsset], bool]:
    """Whether ``act`` still holds the claim of an asset that was made in its state."""

    def held_by(asset: FileAsset) -> bool:
        try:
            act(Claim(asset_id=asset.pk, number=asset.claims, attempt=asset.attempts))
        except ClaimLost:
            return False
        return True

    return held_by


def reject(claim: Claim) -> None:
    lifecycle.reject(claim, Reason.TOO_LARGE, "detail")


def give_back(claim: Claim) -> None:
    lifecycle.give_back(claim, Reason.GAVE_UP, "detail", retry_after=LATER)


TRANSITIONS: dict[str, tuple[Callable[[FileAsset], object], set[State], State, list[str]]] = {
    "complete": (complete, {State.RECEIVING}, State.RECEIVED, ["received"]),
    "claim": (lambda asset: lifecycle.claim(asset.pk), {State.RECEIVED}, State.PROCESSING, []),
    "accept": (held(lifecycle.accept), {State.PROCESSING}, State.READY, ["ready"]),
    "reject": (held(reject), {State.PROCESSING}, State.REJECTED, ["rejected"]),
    "give back": (held(give_back), {State.PROCESSING}, State.RECEIVED, []),
    "reprocess": (
        lambda asset: lifecycle.reprocess(asset.pk),
        {State.FAILED, State.READY},
        State.RECEIVED,
        ["received"],
    ),
    "block": (lambda asset: lifecycle.block(asset.pk), {State.READY}, State.REJECTED, ["rejected"]),
}


@pytest.mark.parametrize("name", TRANSITIONS)
@pytest.mark.parametrize("state", State)
def test_each_transition_starts_from_its_own_states_alone(name: str, state: State, heard: Heard) -> None:
    act, sources, target, expected = TRANSITIONS[name]
    asset = make(state)
    won = bool(act(asset))
    asset.refresh_from_db()
    assert won == (state in sources)
    assert asset.state == (target if won else state)
    assert heard == [(signal, target) for signal in expected if won]


@pytest.mark.parametrize("name", TRANSITIONS)
def test_of_two_that_try_one_wins(name: str, heard: Heard) -> None:
    act, sources, _, expected = TRANSITIONS[name]
    asset = make(next(iter(sources)))
    assert [bool(act(asset)), bool(act(asset))] == [True, False]
    assert len(heard) == len(expected)


def test_signals_wait_for_the_commit(heard: Heard) -> None:
    asset = make(State.FAILED)
    with transaction.atomic():
        lifecycle.reprocess(asset.pk)
        assert heard == []
    assert heard == [("received", State.RECEIVED)]


def test_a_rolled_back_transition_is_never_announced(heard: Heard) -> None:
    asset = make(State.FAILED)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        lifecycle.reprocess(asset.pk)
        raise ZeroDivisionError
    asset.refresh_from_db()
    assert (asset.state, heard) == (State.FAILED, [])


def test_an_asset_deleted_before_the_commit_is_not_announced(heard: Heard) -> None:
    asset = make(State.FAILED)
    with transaction.atomic():
        lifecycle.reprocess(asset.pk)
        asset.delete()
    assert heard == []


def test_a_receiver_that_raises_does_not_affect_the_others(heard: Heard) -> None:
    def fail(**_: object) -> None:
        raise ZeroDivisionError

    signals.asset_received.connect(fail)
    try:
        assert lifecycle.reprocess(make(State.FAILED).pk)
    finally:
        signals.asset_received.disconnect(fail)
    assert heard == [("received", State.RECEIVED)]


def test_an_upload_does_not_complete_at_another_length() -> None:
    asset = make(State.RECEIVING)
    Upload.objects.update(length=4)
    assert not complete(asset)
    Upload.objects.update(length=3)
    assert complete(asset)


def test_an_upload_whose_asset_has_another_state_does_not_complete() -> None:
    asset = make(State.RECEIVING)
    FileAsset.objects.update(state=State.FAILED)
    assert not complete(asset)


def test_a_complete_upload_has_no_more_record() -> None:
    asset = make(State.RECEIVING)
    complete(asset)
    asset.refresh_from_db()
    assert not Upload.objects.exists()
    assert (asset.file.name, asset.size, asset.media_type) == ("a", 3, "image/png")


def test_discarding_takes_asset_and_record() -> None:
    asset = make(State.RECEIVING)
    assert lifecycle.discard(asset.pk)
    assert not FileAsset.objects.exists()
    assert not Upload.objects.exists()


@pytest.mark.parametrize("state", sorted(set(State) - {State.RECEIVING}))
def test_what_has_arrived_is_not_discarded(state: State) -> None:
    assert not lifecycle.discard(make(state).pk)
    assert FileAsset.objects.exists()


def test_an_upload_that_lives_again_is_not_discarded_as_expired() -> None:
    asset = make(State.RECEIVING)
    assert not lifecycle.discard(asset.pk, only=Q(upload__expires_at__lt=timezone.now()))
    assert lifecycle.discard(asset.pk, only=Q(upload__expires_at__lt=timezone.now() + 2 * LATER))


def test_a_claim_counts_attempts_and_has_a_lease() -> None:
    claim = claimed(attempts=2)
    asset = FileAsset.objects.get()
    assert (claim.attempt, asset.attempts) == (3, 3)
    assert asset.lease_expires_at and asset.lease_expires_at > timezone.now()


def test_a_claim_of_before_a_reprocessing_holds_no_more() -> None:
    before = claimed()
    lifecycle.reject(before, Reason.UNSCANNABLE, "detail", file="a")
    assert lifecycle.reprocess(before.asset_id)
    after = lifecycle.claim(before.asset_id)
    assert after
    assert after.attempt == before.attempt
    with pytest.raises(ClaimLost):
        lifecycle.accept(before)
    lifecycle.accept(after)


def test_there_is_nothing_to_claim_of_an_unknown_asset() -> None:
    assert lifecycle.claim(uuid4()) is None


def test_renewing_tells_the_stage_and_puts_the_lease_off() -> None:
    claim = claimed()
    lifecycle.renew(claim, Stage.READING, done=7, lease=10 * LATER)
    asset = FileAsset.objects.get()
    assert (asset.stage, asset.stage_done) == (Stage.READING, 7)
    assert asset.lease_expires_at and asset.lease_expires_at > timezone.now() + 9 * LATER


def test_a_worker_that_was_replaced_has_no_say() -> None:
    old = claimed()
    FileAsset.objects.update(lease_expires_at=timezone.now() - LATER)
    assert lifecycle.reclaim(old.asset_id)
    new = lifecycle.claim(old.asset_id)
    assert new and new.attempt == old.attempt + 1
    for act in (lambda: lifecycle.renew(old, Stage.READING), partial(lifecycle.accept, old), partial(reject, old)):
        with pytest.raises(ClaimLost):
            act()
    with pytest.raises(ClaimLost):
        give_back(old)
    lifecycle.accept(new, media_type="image/png")
    assert FileAsset.objects.get().media_type == "image/png"


def test_what_is_given_back_waits_and_is_then_overdue() -> None:
    claim = claimed()
    lifecycle.give_back(claim, Reason.STORE_UNAVAILABLE, "down", retry_after=LATER)
    asset = FileAsset.objects.get()
    assert (asset.state, asset.detail) == (State.RECEIVED, "down")
    assert not lifecycle.overdue().exists()


def test_the_last_attempt_that_is_given_back_fails(heard: Heard) -> None:
    claim = claimed(attempts=MAX_ATTEMPTS - 1)
    lifecycle.give_back(claim, Reason.STORE_UNAVAILABLE, "x" * 2000, retry_after=LATER)
    asset = FileAsset.objects.get()
    assert (asset.state, asset.reason, len(asset.detail)) == (State.FAILED, Reason.STORE_UNAVAILABLE, 1000)
    assert heard == [("failed", State.FAILED)]


@pytest.mark.parametrize("state", [State.RECEIVED, State.PROCESSING])
def test_an_overdue_asset_is_reclaimed_by_one(state: State) -> None:
    asset = make(state, attempts=1, lease_expires_at=timezone.now() - LATER)
    assert list(lifecycle.overdue()) == [asset]
    assert [lifecycle.reclaim(asset.pk), lifecycle.reclaim(asset.pk)] == [True, False]
    asset.refresh_from_db()
    assert asset.state == State.RECEIVED


@pytest.mark.parametrize("state", [State.RECEIVED, State.PROCESSING])
def test_an_asset_under_a_lease_is_left_alone(state: State) -> None:
    asset = make(state, lease_expires_at=timezone.now() + LATER)
    assert not lifecycle.overdue().exists()
    assert not lifecycle.reclaim(asset.pk)


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 5), (2, 10), (3, 20), (4, 40)])
def test_after_a_lost_worker_the_next_waits_longer_each_time(attempt: int, seconds: int) -> None:
    asset = make(State.PROCESSING, attempts=attempt, lease_expires_at=timezone.now() - timedelta(seconds=seconds - 1))
    assert not lifecycle.overdue().exists()
    FileAsset.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=seconds))
    assert list(lifecycle.overdue()) == [asset]


def test_after_the_last_attempt_an_asset_is_overdue_at_once(heard: Heard) -> None:
    make(State.PROCESSING, attempts=MAX_ATTEMPTS, lease_expires_at=timezone.now())
    assert lifecycle.overdue().exists()


def test_a_file_that_kills_its_workers_fails_in_the_end(heard: Heard) -> None:
    asset = make(State.PROCESSING, attempts=MAX_ATTEMPTS, lease_expires_at=timezone.now() - LATER)
    assert not lifecycle.reclaim(asset.pk)
    asset.refresh_from_db()
    assert (asset.state, asset.reason) == (State.FAILED, Reason.GAVE_UP)
    assert heard == [("failed", State.FAILED)]


def test_what_could_not_be_handed_over_is_overdue_at_once() -> None:
    asset = make(State.RECEIVED, lease_expires_at=timezone.now() + LATER)
    lifecycle.not_handed_over(asset.pk)
    assert list(lifecycle.overdue()) == [asset]


@pytest.mark.parametrize("stage", ["", Stage.STORING], ids=["waiting", "its worker died"])
def test_a_takedown_that_no_worker_settles_is_handed_over_again(stage: str) -> None:
    asset = make(State.READY, attempts=MAX_ATTEMPTS)
    lifecycle.block(asset.pk)
    assert not lifecycle.overdue().exists()
    FileAsset.objects.update(lease_expires_at=timezone.now() - LATER, stage=stage)
    assert list(lifecycle.overdue()) == [asset]
    assert [lifecycle.reclaim(asset.pk), lifecycle.reclaim(asset.pk)] == [True, False]
    asset.refresh_from_db()
    assert (asset.state, asset.reason, asset.stage) == (State.REJECTED, Reason.BLOCKED, "")
    assert lifecycle.claim_blocked(asset.pk)


def test_a_settled_takedown_leaves_nothing_to_do() -> None:
    asset = make(State.READY)
    lifecycle.block(asset.pk)
    claim = lifecycle.claim_blocked(asset.pk)
    assert claim
    lifecycle.renew_blocked(claim, done=1)
    lifecycle.settle_blocked(claim, file="moved")
    assert lifecycle.claim_blocked(asset.pk) is None
    for act in (partial(lifecycle.renew_blocked, claim), partial(lifecycle.settle_blocked, claim)):
        with pytest.raises(ClaimLost):
            act()
    FileAsset.objects.update(lease_expires_at=None)
    assert not lifecycle.overdue().exists()
    asset.refresh_from_db()
    assert (asset.file.name, asset.stage_done) == ("moved", 1)


def test_a_takedown_that_could_not_be_handed_over_is_overdue_at_once() -> None:
    asset = make(State.READY)
    lifecycle.block(asset.pk)
    lifecycle.not_handed_over(asset.pk)
    assert list(lifecycle.overdue()) == [asset]


def test_reprocessing_starts_afresh() -> None:
    asset = make(
        State.FAILED,
        attempts=MAX_ATTEMPTS,
        reason=Reason.GAVE_UP,
        detail="x",
        scan_verdict=ScanVerdict.CLEAN,
        scan_detail=[{"scanner": "clamd"}],
    )
    lifecycle.reprocess(asset.pk)
    asset.refresh_from_db()
    assert (asset.attempts, asset.reason, asset.detail) == (0, "", "")
    assert (asset.scan_verdict, asset.scan_detail) == ("", [])


@pytest.mark.parametrize(
    ("reason", "file", "won"),
    [
        pytest.param(Reason.UNSCANNABLE, "a", True, id="in quarantine"),
        pytest.param(Reason.UNSCANNABLE, "", False, id="removed"),
        pytest.param(Reason.INFECTED, "a", False, id="not removed yet"),
        pytest.param(Reason.BLOCKED, "a", False, id="blocked"),
    ],
)
def test_of_rejected_files_those_in_quarantine_are_reprocessed(reason: Reason, file: str, won: bool) -> None:
    assert lifecycle.reprocess(make(State.REJECTED, reason=reason, file=file).pk) == won


@pytest.mark.parametrize("attempts", [0, MAX_ATTEMPTS - 1], ids=["to be tried again", "the last"])
def test_what_an_attempt_found_is_kept_when_it_is_given_back(attempts: int) -> None:
    claim = claimed(attempts=attempts)
    lifecycle.give_back(claim, Reason.GAVE_UP, "x", retry_after=LATER, scan_verdict=ScanVerdict.ERROR)
    assert FileAsset.objects.get().scan_verdict == ScanVerdict.ERROR


def test_an_asset_that_waits_in_a_long_queue_is_handed_over_ever_more_seldom() -> None:
    asset = make(State.RECEIVED)
    waits = []
    past = timezone.now() - timedelta(days=1)
    wait = lifecycle.HAND_OVER
    for _ in range(9):
        FileAsset.objects.filter(pk=asset.pk).update(updated_at=past, lease_expires_at=past + wait)
        assert lifecycle.reclaim(asset.pk)
        asset.refresh_from_db()
        assert asset.lease_expires_at
        wait = asset.lease_expires_at - asset.updated_at
        waits.append(round(wait.total_seconds()))
    assert waits == [120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600]
