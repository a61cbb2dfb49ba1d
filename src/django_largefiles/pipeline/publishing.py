"""The last step of a worker: verified bytes are moved to their final place, and the asset becomes ready.

Before anything is written there, a ``PendingRemoval`` names what will be. The transaction that makes the asset ready
takes that row back, and adds one for the original instead. So the sweeper removes what a crash leaves in either place,
and never what an asset names.
"""

from __future__ import annotations

from django.db import router

from .. import lifecycle
from ..lifecycle import Claim, ClaimLost
from ..models import FileAsset, PendingRemoval
from ..outbox.removals import put_off, remove_after_commit, removed_on_failure, take_back
from ..states import Stage
from ..stores import store_of
from ..transactions import in_transaction_of
from .findings import Findings
from .heartbeat import Heartbeat


def publish(claim: Claim, asset: FileAsset, findings: Findings) -> None:
    """processing → ready. Raise ``ClaimLost`` and ``StoreError``; then the bytes are where they were."""
    destination = store_of(asset).destination(str(asset.file))
    if destination is None:
        lifecycle.accept(claim, **findings.columns())
        return
    with removed_on_failure(asset.storage, destination) as removal:
        _move(claim, asset, removal)
        _accept_moved(claim, asset, removal, findings)


def _move(claim: Claim, asset: FileAsset, removal: PendingRemoval) -> None:
    """Move the bytes to where ``removal`` says; afterwards it says where they are."""

    def renew(done: int) -> None:
        lifecycle.renew(claim, Stage.STORING, done=done)
        if not put_off(removal):
            raise ClaimLost

    destination = removal.store_state
    with Heartbeat(renew) as heartbeat:
        name = store_of(asset).move(str(asset.file), destination, heartbeat.tell)
    if name != destination["name"]:
        removal.store_state = {"name": name}
    renew(asset.size or 0)


@in_transaction_of(FileAsset)
def _accept_moved(claim: Claim, asset: FileAsset, removal: PendingRemoval, findings: Findings) -> None:
    lifecycle.accept(claim, **findings.columns(), file=removal.store_state["name"])
    if not take_back(removal):
        raise ClaimLost
    using = router.db_for_write(FileAsset)
    remove_after_commit(asset.storage, {"name": str(asset.file), "staged": True}, using)
