"""Bytes of deleted assets go, whatever happens after the deletion.

What is to be removed is noted in the transaction of the deletion, removed right after its commit, and a second time
by the sweeper, which then removes the note. A note is exact and costs the same on every store; a search for files that
no row names would have to list millions of keys, and to guess which of them are new. The second time is for what was
still being written at the first: parts under way to S3 may arrive after their upload was aborted.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from django.db import router, transaction
from django.utils import timezone

from .exceptions import StoreError
from .models import FileAsset, Removal, Upload
from .stores import current_store
from .stores.base import StoreState

logger = logging.getLogger(__name__)

GRACE = timedelta(minutes=10)
"""After which nobody writes any more to an upload that is gone: whoever does asks every few seconds."""


def remove_bytes(sender: type[FileAsset], instance: FileAsset, using: str, **_: Any) -> None:
    """Receiver of ``pre_delete``: however an asset is deleted, its bytes go once the deletion is committed."""
    upload = Upload.objects.using(using).filter(pk=instance.pk).first()
    state = upload.store_state if upload else {"name": instance.file.name}
    if not state["name"]:
        return
    Removal(store_state=state, due_at=timezone.now() + GRACE).save(using=using, force_insert=True)
    # No partial: Django names the function in its report of a failure, and a partial has no name.
    transaction.on_commit(lambda: _remove(state), using=using, robust=True)


def remove_leftovers(limit: int) -> int:
    """Make sure of what was removed some time ago, and forget it. How many assets' bytes that were.

    A store that fails is asked no more: the next call begins with another.
    """
    using = router.db_for_write(Removal)
    due = Removal.objects.using(using).filter(due_at__lte=timezone.now()).order_by("due_at")
    count = 0
    for removal in list(due[:limit]):
        try:
            _remove(removal.store_state)
        except StoreError:
            logger.exception("The bytes of a deleted asset are still there, as %s.", removal)
            Removal.objects.using(using).filter(pk=removal.pk).update(due_at=timezone.now() + GRACE)
            break
        removal.delete(using=using)
        count += 1
    return count


def _remove(state: StoreState) -> None:
    current_store().abort(state)
