from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from io import BytesIO
from typing import Any

import pytest
from django.utils import timezone

from django_largefiles import lifecycle
from django_largefiles.conf import get_profile
from django_largefiles.doors.ingest import ingest
from django_largefiles.exceptions import StoreUnavailable
from django_largefiles.intake.creation import Declaration, begin_trusted, create_trusted
from django_largefiles.models import FileAsset, Upload
from django_largefiles.states import Reason, State
from django_largefiles.stores.filesystem import FilesystemStore
from django_largefiles.sweeper import Swept, sweep
from tests.conftest import IMMEDIATE, Largefiles, png

pytestmark = pytest.mark.django_db(transaction=True)

NOTHING = Swept(
    uploads_completed=0,
    uploads_expired=0,
    finals_handed_over=0,
    assets_handed_over=0,
    signals_sent=0,
    rejected_files_removed=0,
    deleted_files_removed=0,
    provisional_expired=0,
    attachments_corrected=0,
    usage_corrected=0,
)
PAST = timedelta(minutes=-1)


def test_where_all_is_well_nothing_is_done(ready: FileAsset) -> None:
    FileAsset.objects.create(original_name="failed.png", state=State.FAILED, size=1)
    assert sweep() == NOTHING


def test_an_expired_upload_goes_with_its_bytes(stored: Callable[[], list[str]]) -> None:
    expired, living = begin_trusted(Declaration(name="expired.png")), begin_trusted(Declaration(name="living.png"))
    expired.write(png(padding=5000))
    Upload.objects.filter(pk=expired.asset_id).update(expires_at=timezone.now() + PAST)
    assert sweep() == replace(NOTHING, uploads_expired=1)
    assert [asset.pk for asset in FileAsset.objects.all()] == [living.asset_id]
    assert stored() == [f".incoming/{living.asset_id.hex}", f".incoming/{living.asset_id.hex}.fence"]
    expired.abort()
    living.abort()


@pytest.fixture
def waiting() -> tuple[Upload, Upload]:
    """A partial upload that is arriving, and the final one that waits for it and has expired."""
    part = create_trusted(Declaration(name="", length=5000), kind=Upload.Kind.PARTIAL)
    final = create_trusted(Declaration(name="a.png"), kind=Upload.Kind.FINAL, parts=[part.pk])
    past = timezone.now() + PAST
    Upload.objects.filter(pk=final.pk).update(expires_at=past, lease_expires_at=past)
    return part, final


def test_a_final_upload_is_kept_while_its_parts_arrive(waiting: tuple[Upload, Upload]) -> None:
    part, final = waiting
    assert sweep() == NOTHING
    assert Upload.objects.get(pk=final.pk).expires_at == Upload.objects.get(pk=part.pk).expires_at


def test_a_final_upload_whose_part_has_expired_expires(waiting: tuple[Upload, Upload]) -> None:
    Upload.objects.update(expires_at=timezone.now() + PAST)
    assert sweep() == replace(NOTHING, uploads_expired=2)


def test_a_final_upload_whose_part_is_gone_expires(waiting: tuple[Upload, Upload]) -> None:
    lifecycle.discard(waiting[0].pk)
    assert sweep() == replace(NOTHING, uploads_expired=1)


def at_its_end(content: bytes, **declared: Any) -> Upload:
    """An upload with all its bytes, as its process left it when it died."""
    with begin_trusted(Declaration(length=len(content), **declared)) as writer:
        writer.write(content)
        writer.pause()
    return Upload.objects.get(pk=writer.asset_id)


def long_ago(upload: Upload) -> None:
    expires_after = get_profile("default").upload_expires_after
    Upload.objects.filter(pk=upload.pk).update(expires_at=timezone.now() + expires_after - timedelta(seconds=61))


def test_an_upload_that_has_all_its_bytes_is_completed() -> None:
    content = png(padding=5000)
    long_ago(at_its_end(content, name="picture.png"))
    assert sweep() == replace(NOTHING, uploads_completed=1)
    asset = FileAsset.objects.get()
    assert (asset.state, asset.size, asset.sha256) == (State.RECEIVED, len(content), sha256(content).hexdigest())


def test_an_upload_whose_request_may_still_complete_it_is_left_alone() -> None:
    at_its_end(png(), name="picture.png")
    assert sweep() == NOTHING


def test_a_part_that_has_all_its_bytes_stays_a_part() -> None:
    upload = at_its_end(png(), name="")
    Upload.objects.update(kind=Upload.Kind.PARTIAL)
    long_ago(upload)
    assert sweep() == NOTHING


def test_an_upload_at_its_end_whose_content_is_refused_is_removed(
    stored: Callable[[], list[str]], caplog: pytest.LogCaptureFixture
) -> None:
    upload = at_its_end(b"text", name="picture.png")
    long_ago(upload)
    assert sweep() == NOTHING
    assert f"Upload {upload.pk} has all its bytes, and cannot be completed: the content is text/plain" in caplog.text
    assert not FileAsset.objects.exists()
    assert stored() == []


@pytest.mark.parametrize("state", [State.RECEIVED, State.PROCESSING])
def test_what_no_worker_works_on_is_handed_over_once(
    state: State, received: FileAsset, largefiles: Largefiles
) -> None:
    FileAsset.objects.update(state=state, attempts=1, lease_expires_at=timezone.now() + PAST)
    assert sweep() == replace(NOTHING, assets_handed_over=1)
    assert sweep() == NOTHING


def test_a_lost_asset_becomes_ready(received: FileAsset, largefiles: Largefiles) -> None:
    FileAsset.objects.update(lease_expires_at=timezone.now() + PAST)
    largefiles.set(DISPATCHER=IMMEDIATE)
    sweep()
    assert FileAsset.objects.get().state == State.READY


def test_a_broker_that_is_still_down_is_asked_once_a_sweep(largefiles: Largefiles, received: FileAsset) -> None:
    ingest(BytesIO(png()), name="another.png")
    FileAsset.objects.update(lease_expires_at=timezone.now() + PAST)
    largefiles.set(DISPATCHER="tests.dispatchers.BrokenDispatcher")
    assert sweep() == NOTHING
    assert lifecycle.overdue().count() == 2


def test_a_file_that_used_up_its_attempts_is_failed(received: FileAsset) -> None:
    FileAsset.objects.update(
        state=State.PROCESSING, attempts=lifecycle.MAX_ATTEMPTS, lease_expires_at=timezone.now() + PAST
    )
    assert sweep() == NOTHING
    assert FileAsset.objects.get().reason == Reason.GAVE_UP


def test_a_rejected_file_whose_bytes_were_left_is_emptied(
    received: FileAsset, stored: Callable[[], list[str]]
) -> None:
    FileAsset.objects.update(state=State.REJECTED, reason=Reason.TYPE_NOT_ALLOWED)
    assert sweep() == replace(NOTHING, rejected_files_removed=1)
    assert sweep() == NOTHING
    assert stored() == []


def test_a_store_that_is_down_does_not_end_the_sweep(
    received: FileAsset, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(self: FilesystemStore, name: str) -> None:
        raise StoreUnavailable("the storage does not answer")

    FileAsset.objects.update(state=State.REJECTED, reason=Reason.TYPE_NOT_ALLOWED)
    monkeypatch.setattr(FilesystemStore, "delete", fail)
    assert sweep() == NOTHING
    assert f"bytes of the rejected asset {received.pk} are still in storage 'default'" in caplog.text


def test_a_file_in_quarantine_is_kept(received: FileAsset, stored: Callable[[], list[str]]) -> None:
    FileAsset.objects.update(state=State.REJECTED, reason=Reason.UNSCANNABLE)
    assert sweep() == NOTHING
    assert stored() == [received.file.name]


def test_a_blocked_file_is_kept(ready: FileAsset, stored: Callable[[], list[str]]) -> None:
    lifecycle.block(ready.pk)
    assert sweep() == NOTHING
    assert stored() == [ready.file.name]
