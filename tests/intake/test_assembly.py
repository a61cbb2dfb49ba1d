from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from django_largefiles import lifecycle
from django_largefiles.exceptions import (
    DigestMismatch,
    LargeFilesError,
    StoreUnavailable,
    TakenOver,
    TooLarge,
    TypeNotAllowed,
    UploadGone,
)
from django_largefiles.intake import assembly, progress
from django_largefiles.intake.assembly import (
    FINALS_IN_REQUEST,
    assemble,
    complete_parts,
    hold,
    make_final,
    make_finals,
    put_together,
)
from django_largefiles.intake.creation import Declaration, create_trusted
from django_largefiles.intake.progress import reload
from django_largefiles.intake.resuming import take_over
from django_largefiles.intake.writing import UploadWriter
from django_largefiles.lifecycle import LEASE
from django_largefiles.models import FileAsset, Upload
from django_largefiles.states import State
from django_largefiles.stores.base import StoreState
from django_largefiles.stores.filesystem import FilesystemStore
from tests.conftest import EXECUTABLE, Largefiles, png

pytestmark = pytest.mark.django_db(transaction=True)

Stored = Callable[[], list[str]]
PICTURE = png(padding=5000)
SHA256 = hashlib.sha256(PICTURE).hexdigest()


def received_part(content: bytes, owner: User | None = None) -> Upload:
    part = create_trusted(Declaration(name="", length=len(content), owner=owner), kind=Upload.Kind.PARTIAL)
    with take_over(part, 0) as incoming:
        incoming.write(content)
        incoming.pause()
    return reload(part)


def final_of(*parts: Upload, owner: User | None = None, **declared: object) -> Upload:
    declaration = Declaration(**{"name": "a.png", "owner": owner, **declared})  # type: ignore[arg-type]
    return create_trusted(declaration, kind=Upload.Kind.FINAL, parts=[part.pk for part in parts])


def state_of(final: Upload) -> str:
    return FileAsset.objects.get(pk=final.pk).state


def let_it_be_due(final: Upload) -> None:
    Upload.objects.filter(pk=final.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))


def meanwhile(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Do something after a store has finished an upload."""
    finish = FilesystemStore.finish

    def finish_and_act(self: FilesystemStore, state: StoreState, token: UUID) -> str:
        name = finish(self, state, token)
        act()
        return name

    monkeypatch.setattr(FilesystemStore, "finish", finish_and_act)


@pytest.fixture
def handed_over(monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """The ids of what was handed to a worker."""
    handed = list[UUID]()
    monkeypatch.setattr("tests.dispatchers.NobodyDispatcher.dispatch", lambda self, asset_id: handed.append(asset_id))
    return handed


def test_a_final_upload_is_made_of_its_parts(largefiles: Largefiles) -> None:
    largefiles.set(CHUNK_SIZE=1000)
    parts = [received_part(PICTURE[:4000]), received_part(PICTURE[4000:])]
    asset = assemble(final_of(*parts), parts)
    assert (asset.state, asset.size, asset.sha256) == (State.RECEIVED, len(PICTURE), SHA256)
    assert [reload(part).offset for part in parts] == [4000, len(PICTURE) - 4000]


@pytest.mark.parametrize(
    ("content", "declared", "refusal"),
    [
        (EXECUTABLE, {}, TypeNotAllowed),
        (PICTURE, {"sha256": "0" * 64}, DigestMismatch),
        (PICTURE, {"profile": "small"}, TooLarge),
    ],
    ids=["type", "digest", "limit"],
)
def test_a_final_upload_that_is_refused_is_gone_without_its_parts(
    content: bytes,
    declared: dict[str, object],
    refusal: type[LargeFilesError],
    largefiles: Largefiles,
    stored: Stored,
) -> None:
    largefiles.set(PROFILES={"small": {"MAX_UPLOAD_SIZE": 1000}})
    part = received_part(content)
    final, before = final_of(part, **declared), stored()
    with pytest.raises(refusal):
        assemble(final, [part])
    assert list(Upload.objects.all()) == [part]
    assert [name for name in before if part.pk.hex in name] == stored()


def test_a_final_upload_that_the_storage_fails_waits_to_be_made_again(stored: Stored) -> None:
    part = received_part(PICTURE)
    final = final_of(part)
    lifecycle.discard(part.pk)
    with pytest.raises(StoreUnavailable):
        assemble(final, [part])
    again = reload(final)
    assert (again.lease_token, again.attempts, again.offset) == (None, 1, 0)
    assert lifecycle.claim_final(final.pk)


def test_a_final_upload_of_a_part_whose_bytes_were_lost_is_gone(media: Path) -> None:
    part = received_part(PICTURE)
    final = final_of(part)
    os.truncate(media / ".incoming" / part.pk.hex, 3000)
    with pytest.raises(UploadGone):
        assemble(final, [part])
    assert not FileAsset.objects.filter(pk=final.pk).exists()


def test_a_final_upload_that_another_request_took_over_is_that_one_s(monkeypatch: pytest.MonkeyPatch) -> None:
    part = received_part(PICTURE)
    final = final_of(part)
    later: list[UploadWriter] = []

    def lose_the_lease() -> None:
        let_it_be_due(final)
        later.append(hold(reload(final)))

    meanwhile(monkeypatch, lose_the_lease)
    with pytest.raises(TakenOver):
        assemble(final, [part])
    monkeypatch.undo()
    assert put_together(later[0], [part]).state == State.RECEIVED


def test_a_final_upload_whose_making_was_cut_off_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "HEARTBEAT_SECONDS", -1.0)
    part = received_part(PICTURE)
    final = final_of(part)
    killed = hold(final)
    killed.write(PICTURE[:4000])
    killed.close()
    with pytest.raises(TakenOver):
        assemble(reload(final), [part])
    let_it_be_due(final)
    assert assemble(reload(final), [part]).sha256 == SHA256


def test_arriving_bytes_renew_the_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "HEARTBEAT_SECONDS", -1.0)
    final = final_of(received_part(PICTURE))
    with hold(final) as writer:
        let_it_be_due(final)
        writer.write(PICTURE)
        expires_at = reload(final).lease_expires_at
    assert expires_at
    assert expires_at > timezone.now() + LEASE / 2


def test_a_final_upload_that_is_gone_cannot_be_held() -> None:
    final = final_of()
    lifecycle.discard(final.pk)
    with pytest.raises(UploadGone):
        hold(final)


def test_a_small_final_upload_is_made_at_once(handed_over: list[UUID]) -> None:
    final = final_of(received_part(PICTURE))
    make_final(final)
    assert state_of(final) == State.RECEIVED


def test_a_large_final_upload_is_left_to_a_worker(handed_over: list[UUID], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembly, "IN_REQUEST", len(PICTURE) - 1)
    final = final_of(received_part(PICTURE))
    make_final(final)
    assert (state_of(final), handed_over) == (State.RECEIVING, [final.pk])


def test_a_final_upload_whose_parts_are_not_complete_waits(handed_over: list[UUID]) -> None:
    part = create_trusted(Declaration(name="", length=10), kind=Upload.Kind.PARTIAL)
    final = final_of(part)
    make_final(final)
    make_finals(part)
    assert (state_of(final), handed_over, complete_parts(final)) == (State.RECEIVING, [], [])


def test_one_request_copies_no_more_than_it_may(handed_over: list[UUID], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembly, "IN_REQUEST", 2 * len(PICTURE))
    part = received_part(PICTURE)
    finals = [final_of(part) for _ in range(4)]
    make_finals(part)
    assert [state_of(final) for final in finals] == [State.RECEIVED] * 2 + [State.RECEIVING] * 2
    assert handed_over == [final.pk for final in finals]


def test_one_request_makes_no_more_files_than_it_may(handed_over: list[UUID]) -> None:
    part = received_part(PICTURE)
    finals = [final_of(part) for _ in range(60)]
    make_finals(part)
    states = [state_of(final) for final in finals]
    assert states == [State.RECEIVED] * FINALS_IN_REQUEST + [State.RECEIVING] * (60 - FINALS_IN_REQUEST)
    assert len(handed_over) == FINALS_IN_REQUEST


def test_a_part_completes_only_its_owner_s_finals(owner: User, stranger: User) -> None:
    part = received_part(PICTURE, owner)
    own, other = final_of(part, owner=owner), final_of(part, owner=stranger)
    make_finals(part)
    assert (state_of(own), state_of(other)) == (State.RECEIVED, State.RECEIVING)


def test_a_final_upload_that_a_worker_holds_is_left_to_it(handed_over: list[UUID]) -> None:
    part = received_part(PICTURE)
    final = final_of(part)
    hold(final).close()
    make_final(final)
    make_finals(part)
    assert (state_of(final), handed_over, lifecycle.hand_over_final(final.pk)) == (State.RECEIVING, [], False)
