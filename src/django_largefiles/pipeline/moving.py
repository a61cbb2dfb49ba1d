"""Moves of stored bytes, which leave nothing in either place when a process dies.

Before anything is written, a ``PendingRemoval`` names what will be. The transaction that puts the new name into the
row takes that one back, and adds one for the original instead. So the sweeper removes what a crash leaves in either
place, and never what an asset names.
"""

from __future__ import annotations

from collections.abc import Callable

from django.db import router

from ..lifecycle import ClaimLost
from ..models import FileAsset, PendingRemoval
from ..outbox.removals import put_off, remove_after_commit, removed_on_failure, take_back
from ..stores import store_of
from ..stores.base import StoreState
from ..transactions import in_transaction_of
from .heartbeat import Heartbeat


def move_bytes(
    asset: FileAsset,
    destination: StoreState,
    original: StoreState,
    *,
    renew: Callable[[int], None],
    name_in_row: Callable[[str], None],
) -> None:
    """Move the bytes of an asset from ``original`` to ``destination``, in its storage.

    ``renew`` keeps the claim of the caller meanwhile, and takes the number of bytes moved; ``name_in_row`` puts the
    new name into the row. Both raise ``ClaimLost``. Raise that and ``StoreError``; then the bytes are where they were.
    """
    with removed_on_failure(asset.storage, destination) as removal:
        _copy(asset, removal, renew)
        _switch(asset, removal, original, name_in_row)


def _copy(asset: FileAsset, removal: PendingRemoval, renew: Callable[[int], None]) -> None:
    """Copy the bytes to where ``removal`` says; afterwards it says where they are."""

    def renew_both(done: int) -> None:
        renew(done)
        if not put_off(removal):
            raise ClaimLost

    destination = removal.store_state
    with Heartbeat(renew_both) as heartbeat:
        name = store_of(asset).move(str(asset.file), destination, heartbeat.tell)
    if name != destination["name"]:
        removal.store_state = {"name": name}
    renew_both(asset.size or 0)


@in_transaction_of(FileAsset)
def _switch(
    asset: FileAsset, removal: PendingRemoval, original: StoreState, name_in_row: Callable[[str], None]
) -> None:
    name_in_row(removal.store_state["name"])
    if not take_back(removal):
        raise ClaimLost
    remove_after_commit(asset.storage, original, router.db_for_write(FileAsset))
