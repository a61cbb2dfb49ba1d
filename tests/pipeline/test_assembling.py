from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from django_largefiles import lifecycle
from django_largefiles.exceptions import StoreUnavailable
from django_largefiles.intake import assembly
from django_largefiles.intake.assembly import hold, make_final
from django_largefiles.intake.progress import reload
from django_largefiles.intake.resuming import interrupt
from django_largefiles.intake.writing import UploadWriter
from django_largefiles.lifecycle import FIRST_DELAY, MAX_ATTEMPTS, ClaimLost
from django_largefiles.models import FileAsset, Upload
from django_largefiles.pipeline import assembling
from django_largefiles.pipeline.processing import TryAgain, process
from django_largefiles.states import State
from django_largefiles.sweeper import sweep
from tests.conftest import EXECUTABLE, IMMEDIATE, Largefiles
from tests.intake.test_assembly import PICTURE, SHA256, final_of, let_it_be_due, received_part, state_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def final(monkeypatch: pytest.MonkeyPatch) -> Upload:
    """One that is too large for a request, with its only part."""
    monkeypatch.setattr(assembly, "IN_REQUEST", 0)
    return final_of(received_part(PICTURE))


def part_of(final: Upload) -> Upload:
    return Upload.objects.get(pk=final.parts[0])


def test_a_worker_puts_it_together(final: Upload) -> None:
    process(final.pk)
    asset = FileAsset.objects.get(pk=final.pk)
    assert (asset.state, asset.sha256) == (State.RECEIVED, SHA256)


def test_the_immediate_dispatcher_does_it_in_the_request(final: Upload, largefiles: Largefiles) -> None:
    largefiles.set(DISPATCHER=IMMEDIATE)
    make_final(final)
    assert state_of(final) == State.READY


def test_one_that_another_worker_holds_is_left_to_it(final: Upload) -> None:
    hold(final).close()
    process(final.pk)
    assert state_of(final) == State.RECEIVING


def test_there_may_be_nothing_to_do(final: Upload) -> None:
    part_of(final).asset.delete()
    process(final.pk)
    process(uuid4())
    assert state_of(final) == State.RECEIVING


def test_one_that_is_refused_is_removed(caplog: pytest.LogCaptureFixture) -> None:
    final = final_of(received_part(EXECUTABLE))
    process(final.pk)
    assert not FileAsset.objects.filter(pk=final.pk).exists()
    assert f"Final upload {final.pk} cannot be made: the content is" in caplog.text


@pytest.mark.parametrize("setting", [{"RESERVED_BYTES": 2**62}, {}], ids=["before it is held", "while it is held"])
def test_one_that_the_storage_fails_is_tried_again_later(
    setting: dict[str, int], final: Upload, largefiles: Largefiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise StoreUnavailable("down")

    with monkeypatch.context() as patched:
        if not setting:
            patched.setattr(UploadWriter, "concatenate", fail)
        largefiles.set(**setting)
        with pytest.raises(TryAgain) as again:
            process(final.pk)
    largefiles.set(RESERVED_BYTES=0)
    assert again.value.delay == FIRST_DELAY
    process(final.pk)
    assert state_of(final) == State.RECEIVED


class Beat:
    """A heartbeat that beats once, at its beginning."""

    def __init__(self, renew: Callable[[int], None]) -> None:
        self._renew = renew

    def __enter__(self) -> None:
        Upload.objects.filter(kind=Upload.Kind.FINAL).update(lease_expires_at=timezone.now() - timedelta(seconds=1))
        self._renew(0)

    def __exit__(self, *error: object) -> None:
        assert not Upload.objects.filter(lease_expires_at__lte=timezone.now()).exists()


def test_the_lease_is_renewed_while_a_storage_copies(final: Upload, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembling, "Heartbeat", Beat)
    monkeypatch.setattr(assembling, "put_together", lambda writer, parts: writer.close())
    process(final.pk)
    assert reload(final).lease_expires_at


def test_one_that_is_lost_cannot_be_renewed(final: Upload) -> None:
    stale = reload(final)
    stale.lease_token = uuid4()
    with pytest.raises(ClaimLost):
        lifecycle.renew_final(stale)


def test_the_sweeper_hands_over_what_no_process_makes(final: Upload, largefiles: Largefiles) -> None:
    assert sweep().finals_handed_over == 0
    let_it_be_due(final)
    largefiles.set(DISPATCHER=IMMEDIATE)
    assert sweep().finals_handed_over == 1
    assert state_of(final) == State.READY


def test_the_sweeper_takes_one_back_from_a_worker_that_died(final: Upload, largefiles: Largefiles) -> None:
    hold(final).close()
    let_it_be_due(final)
    assert sweep().finals_handed_over == 1
    assert sweep().finals_handed_over == 0
    process(final.pk)
    assert state_of(final) == State.RECEIVED


def test_the_sweeper_lets_those_wait_whose_parts_are_not_complete(final: Upload) -> None:
    part_of(final).asset.delete()
    let_it_be_due(final)
    assert sweep().finals_handed_over == 0
    assert not lifecycle.overdue_finals().exists()


def test_a_dispatcher_that_fails_ends_the_sweep_of_finals(final: Upload, largefiles: Largefiles) -> None:
    let_it_be_due(final)
    largefiles.set(DISPATCHER="tests.dispatchers.BrokenDispatcher")
    assert sweep().finals_handed_over == 0


def test_one_that_kills_every_worker_is_removed(final: Upload) -> None:
    for _ in range(MAX_ATTEMPTS):
        hold(final).close()
        let_it_be_due(final)
    sweep()
    assert not FileAsset.objects.filter(pk=final.pk).exists()


def test_what_was_reclaimed_meanwhile_is_not_reclaimed_again(final: Upload) -> None:
    assert not lifecycle.reclaim_final(final.pk)


def test_asking_for_the_offset_by_the_draft_does_not_stop_a_worker(final: Upload, largefiles: Largefiles) -> None:
    largefiles.set(ACCESS_POLICY="tests.doors.resumable.tus_client.Anyone")
    hold(final).close()
    held = reload(final)
    assert interrupt(AnonymousUser(), held)
    assert reload(final).lease_token == held.lease_token
