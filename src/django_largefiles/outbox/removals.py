"""Bytes of deleted assets go, whatever happens after the deletion.

What is to be removed is noted in the transaction of the deletion, removed right after its commit, and a second time
by the sweeper, which then removes the note. A note is exact and costs the same on every store; a search for files that
no row names would have to list millions of keys, and to guess which of them are new. The second time is for what was
still being written at the first: parts under way to S3 may arrive after their upload was aborted.

Bytes that are moved are noted before they are written, and until a row names them, because a crash may come between.
Whoever puts a note off, takes it back or acts on it names the version that it has read, so that only one of them does.
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
from ..exceptions import StoreError
from ..models import FileAsset, PendingRemoval, Upload
from ..stores import current_store
from ..stores.base import StoreState

logger = logging.getLogger(__name__)

GRACE = timedelta(minutes=10)
"""After which nobody writes any more to an upload that is gone: whoever does asks every few seconds."""


def remove_bytes(sender: type[FileAsset], instance: FileAsset, using: str, **_: Any) -> None:
    """Receiver of ``pre_delete``: however an asset is deleted, its bytes go once the deletion is committed."""
    upload = Upload.objects.using(using).filter(pk=instance.pk).first()
    state = upload.store_state if upload else {"name": instance.file.name}
    if state["name"]:
        remove_after_commit(state, using)


def remove_after_commit(state: StoreState, using: str) -> None:
    """Part of a transaction after which no row names these bytes."""
    note(state, using)
    # No partial: Django names the function in its report of a failure, and a partial has no name.
    transaction.on_commit(lambda: _remove(state), using=using, robust=True)


def note(state: StoreState, using: str) -> PendingRemoval:
    """These bytes are to go, unless the note is put off or taken back before it is due."""
    removal = PendingRemoval(store_state=state, due_at=clock.after(GRACE))
    removal.save(using=using, force_insert=True)
    return removal


def put_off(removal: PendingRemoval) -> bool:
    """Let it be due later, and be of the state that it now has; ``False`` where somebody else acts on it."""
    version = removal.version + 1
    changes = {"due_at": clock.after(GRACE), "store_state": removal.store_state, "version": version}
    put = bool(_untouched(removal).update(**changes))
    if put:
        removal.version = version
    return put


def take_back(removal: PendingRemoval) -> bool:
    """A row names the bytes by now; ``False`` where somebody else acts on the note."""
    return bool(_untouched(removal).delete()[0])


@contextmanager
def removed_on_failure(state: StoreState) -> Iterator[PendingRemoval]:
    """Around what writes these bytes, and ends with a transaction that takes the note back."""
    removal = note(state, router.db_for_write(PendingRemoval))
    try:
        yield removal
    except BaseException:
        _remove_while_noted(removal)
        raise


def _remove_while_noted(removal: PendingRemoval) -> None:
    try:
        # A commit may go through although its answer is lost: then the note is gone, and a row names the bytes.
        if put_off(removal):
            _remove(removal.store_state)
    except (StoreError, Error):
        logger.warning("What was broken off is left to the sweeper, as %s.", removal, exc_info=True)


def remove_leftovers(limit: int) -> int:
    """Make sure of what was removed some time ago, and forget it. How many assets' bytes that were.

    A store that fails is asked no more: the next call begins with another.
    """
    using = router.db_for_write(PendingRemoval)
    due = PendingRemoval.objects.using(using).filter(due_at__lte=clock.now()).order_by("due_at")
    count = 0
    for removal in list(due[:limit]):
        if not put_off(removal):
            continue
        try:
            _remove(removal.store_state)
        except StoreError:
            logger.exception("The bytes of a deleted asset are still there, as %s.", removal)
            break
        removal.delete(using=using)
        count += 1
    return count


def _untouched(removal: PendingRemoval) -> QuerySet[PendingRemoval]:
    using = router.db_for_write(PendingRemoval)
    return PendingRemoval.objects.using(using).filter(pk=removal.pk, version=removal.version)


def _remove(state: StoreState) -> None:
    current_store().abort(state)
