"""Removal of the bytes of deleted assets, which a crash after the deletion may delay but not prevent.

The transaction that deletes an asset notes its bytes. They are removed right after its commit, and a second time by
the sweeper, which then deletes the note. A note is exact and costs the same on every store; a search for files that no
row names would have to list millions of keys, and to guess which of them are new. The second time is for bytes that
were still being written at the first: parts on their way to S3 may arrive after their upload was aborted.

Bytes that are moved are noted before they are written, until a row names them, because a process may die in between.
A process that postpones a note, withdraws it or acts on it names the version that it has read, so that only one does.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import Error, router, transaction
from django.db.models import QuerySet

from .. import clock
from ..exceptions import ConfigurationError, StoreError
from ..models import FileAsset, PendingRemoval, Upload
from ..stores import store_at
from ..stores.base import StoreState

logger = logging.getLogger(__name__)

GRACE = timedelta(minutes=10)
"""After which no process writes to a deleted upload any more: each asks for its row every few seconds."""


def remove_bytes(sender: type[FileAsset], instance: FileAsset, using: str, **_: Any) -> None:
    """Remove the bytes of a deleted asset once the deletion is committed. Receiver of ``pre_delete``."""
    upload = Upload.objects.using(using).filter(pk=instance.pk).first()
    state = upload.store_state if upload else {"name": _name_in_row(instance, using)}
    if state["name"]:
        remove_after_commit(instance.storage, state, using)


def _name_in_row(asset: FileAsset, using: str) -> str:
    """Return where the bytes are: a worker may have moved them since the instance was read, but not any more."""
    row = FileAsset.objects.using(using).filter(pk=asset.pk).select_for_update()
    return str(row.values_list("file", flat=True).first() or "")


def remove_after_commit(storage: str, state: StoreState, using: str) -> None:
    """Remove bytes that no row names after this transaction. ``storage`` is the alias of their storage."""
    note(storage, state, using)
    # No partial: Django names the function in its report of a failure, and a partial has no name.
    transaction.on_commit(lambda: _remove(storage, state), using=using, robust=True)


def remove_if_rolled_back(upload: Upload) -> None:
    """Remove the bytes of an upload that was created in a transaction of the caller's, if that has failed."""
    asset, using = upload.asset, router.db_for_write(FileAsset)
    try:
        if not FileAsset.objects.using(using).filter(pk=upload.pk).exists():
            remove_after_commit(asset.storage, upload.store_state, using)
    except Error:
        logger.exception("Bytes may be left in storage %r, as %s.", asset.storage, upload.store_state)


def note(storage: str, state: StoreState, using: str) -> PendingRemoval:
    """Have bytes removed unless the note is postponed or withdrawn before it is due."""
    removal = PendingRemoval(storage=storage, store_state=state, due_at=clock.after(GRACE))
    removal.save(using=using, force_insert=True)
    return removal


def put_off(removal: PendingRemoval) -> bool:
    """Postpone a note and save its present state. Return ``False`` if another process acts on it."""
    version = removal.version + 1
    changes = {"due_at": clock.after(GRACE), "store_state": removal.store_state, "version": version}
    put = bool(_untouched(removal).update(**changes))
    if put:
        removal.version = version
    return put


def take_back(removal: PendingRemoval) -> bool:
    """Withdraw a note, since a row names the bytes. Return ``False`` if another process acts on it."""
    return bool(_untouched(removal).delete()[0])


@contextmanager
def removed_on_failure(storage: str, state: StoreState) -> Iterator[PendingRemoval]:
    """Note bytes while the block writes them; it ends with a transaction that withdraws the note."""
    removal = note(storage, state, router.db_for_write(PendingRemoval))
    try:
        yield removal
    except BaseException:
        _remove_while_noted(removal)
        raise


def _remove_while_noted(removal: PendingRemoval) -> None:
    try:
        # A commit may succeed although its answer is lost: then the note is gone, and a row names the bytes.
        if put_off(removal):
            _remove(removal.storage, removal.store_state)
    except (StoreError, ConfigurationError, Error):
        logger.warning("%s of an interrupted move is left to the sweeper.", removal, exc_info=True)


def remove_leftovers(limit: int) -> int:
    """Remove the bytes of the notes that are due a second time, and return for how many it succeeded.

    At most ``limit`` notes of each storage are looked at. A storage that fails is left alone until the next call,
    which begins with another of its notes; the other storages are not held up.
    """
    aliases = _due().order_by("storage").values_list("storage", flat=True).distinct()
    return sum(_remove_from(storage, limit) for storage in list(aliases))


def _remove_from(storage: str, limit: int) -> int:
    count = 0
    for removal in list(_due().filter(storage=storage).order_by("due_at")[:limit]):
        if not put_off(removal):
            continue
        try:
            _remove(storage, removal.store_state)
        except (StoreError, ConfigurationError):
            logger.exception("The bytes of a deleted asset are still in storage %r, as %s.", storage, removal)
            break
        removal.delete(using=router.db_for_write(PendingRemoval))
        count += 1
    return count


def _due() -> QuerySet[PendingRemoval]:
    return PendingRemoval.objects.using(router.db_for_write(PendingRemoval)).filter(due_at__lte=clock.now())


def _untouched(removal: PendingRemoval) -> QuerySet[PendingRemoval]:
    using = router.db_for_write(PendingRemoval)
    return PendingRemoval.objects.using(using).filter(pk=removal.pk, version=removal.version)


def _remove(storage: str, state: StoreState) -> None:
    store_at(storage).abort(state)
