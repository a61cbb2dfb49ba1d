"""The last step of a worker: verified bytes go to where they stay, and the asset becomes ready.

What is about to be written there is noted as bytes to be removed, before the storage hears of it. The transaction
that makes the asset ready takes that note back, and notes the original instead. So whatever a crash leaves, in either
place, the sweeper removes, and never what a row names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import router, transaction

from .. import lifecycle
from ..lifecycle import Claim
from ..models import FileAsset, PendingRemoval
from ..outbox.removals import put_off, remove_after_commit, removed_on_failure, take_back
from ..states import Stage
from ..stores import store_of
from .heartbeat import Heartbeat, LostClaim


def settle(claim: Claim, asset: FileAsset, findings: Mapping[str, Any]) -> None:
    """processing → ready. Raises ``LostClaim`` and ``StoreError``; then the bytes are where they were."""
    destination = store_of(asset).destination(str(asset.file))
    if destination is None:
        _accept(claim, findings)
        return
    with removed_on_failure(asset.storage, destination) as note:
        _move(claim, asset, note)
        _accept_moved(claim, asset, note, findings)


def _move(claim: Claim, asset: FileAsset, note: PendingRemoval) -> None:
    """To where the note says, which says afterwards where it was."""

    def renew(done: int) -> bool:
        return lifecycle.renew(claim, Stage.STORING, done=done) and put_off(note)

    destination = note.store_state
    with Heartbeat(renew) as heartbeat:
        name = store_of(asset).move(str(asset.file), destination, heartbeat.tell)
    if name != destination["name"]:
        note.store_state = {"name": name}
    if not renew(asset.size or 0):
        raise LostClaim


def _accept_moved(claim: Claim, asset: FileAsset, note: PendingRemoval, findings: Mapping[str, Any]) -> None:
    using = router.db_for_write(FileAsset)
    with transaction.atomic(using=using):
        _accept(claim, {**findings, "file": note.store_state["name"]})
        if not take_back(note):
            raise LostClaim
        remove_after_commit(asset.storage, {"name": str(asset.file), "staged": True}, using)


def _accept(claim: Claim, findings: Mapping[str, Any]) -> None:
    if not lifecycle.accept(claim, **findings):
        raise LostClaim
