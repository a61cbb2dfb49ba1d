"""Whether an asset stands alone, waits for a form, or belongs to rows: the only code that writes ``attachment``.

::

    standalone ──attach──▶ attached ◀──attach── provisional ──expired──▶ deleted
        ▲                     │                     ▲
        └──────let go─────────┴───────let go────────┘
          (the file is kept)                (it has expired at once)

A field attaches an asset in the transaction that saves its row, and lets it go in the one that replaces, clears or
deletes it. After the commit an asset that was let go is deleted, unless another row refers to it; if the process dies
before, the sweeper does that.

Statements that send no signals change rows behind the back of this module, and so do hosts with foreign keys of their
own. Therefore every decision to delete locks the asset's row first, so that no reference can be added, and then asks
all foreign keys to assets. The constraint of the foreign key has the last word.
"""

from __future__ import annotations

import logging
from enum import StrEnum
from functools import partial
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.expressions import Combinable

from .. import clock, usage
from ..conf import largefiles_settings
from ..exceptions import Attached, NotAttachable
from ..models import FileAsset, FileAssetQuerySet
from ..outbox.signals import send_attachment_ready
from ..references import Reference, Terms, is_attached_by_field, is_referenced, references
from ..states import Attachment, State
from ..transactions import retry_on_conflict, run_in_transaction, write_before_reading

logger = logging.getLogger(__name__)

ASSETS_AT_ONCE = 1000
"""How many assets one call of ``untrue`` looks at: at one call a minute, all of a million in 17 hours."""


class Obstacle(StrEnum):
    """Why a row may not refer to an asset."""

    MISSING = "missing"
    RECEIVING = "receiving"
    PROFILE = "profile"
    ATTACHED = "attached"


class Outcome(StrEnum):
    """What ``reconcile`` has changed."""

    ATTACHED = "attached"
    KEPT = "kept"
    DELETED = "deleted"


def expiry(attachment: Attachment) -> Combinable | None:
    """Return when an asset with this attachment expires that is created now."""
    return clock.after(largefiles_settings.unattached_expires_after) if attachment == Attachment.PROVISIONAL else None


def obstacle(asset: FileAsset | None, terms: Terms) -> Obstacle | None:
    """Return why a row may not refer to the asset, or ``None`` if it may."""
    if asset is None:
        return Obstacle.MISSING
    if asset.state == State.RECEIVING:
        return Obstacle.RECEIVING
    if asset.profile != terms.profile:
        return Obstacle.PROFILE
    return Obstacle.ATTACHED if asset.attachment == Attachment.ATTACHED and not terms.shared else None


def check_attachable(asset: FileAsset, terms: Terms) -> None:
    """Raise ``NotAttachable`` if a row may not refer to the asset."""
    if obstacle(asset, terms):
        raise _refusal(asset, terms)


def attach(asset_id: UUID, terms: Terms, using: str) -> None:
    """standalone or provisional → attached, or attached still, if the terms allow several rows.

    To be called in the transaction that saves the row. Raise ``NotAttachable``.
    """
    changes = _attached() | ({"kept_when_orphaned": True} if terms.keep else {})
    if not _assets(using).filter(_attachable(terms), pk=asset_id).update(**changes):
        raise _refusal(_assets(using).filter(pk=asset_id).first(), terms)


def announce(asset_id: UUID, reference: Reference, using: str) -> None:
    """Have ``attachment_ready`` sent after the commit, if the asset that was attached to this row is ready.

    If it is not, the transition to ready does: each of the two has locked the asset's row before it asks.
    """
    if _assets(using).filter(pk=asset_id, state=State.READY).exists():
        send_attachment_ready(asset_id, reference.as_json(), using)


def announce_all(asset_id: UUID, using: str) -> None:
    """Have ``attachment_ready`` sent for each row that refers to an asset that has become ready."""
    if _assets(using).filter(pk=asset_id, attachment=Attachment.ATTACHED).exists():
        for reference, _ in references(asset_id, using):
            send_attachment_ready(asset_id, reference.as_json(), using)


def let_go(asset_id: UUID, *, keep: bool, using: str) -> None:
    """attached → provisional and expired, or standalone if it is to be kept, unless another row refers to it.

    To be called in the transaction in which a row has ceased to refer to the asset. After the commit ``reconcile``
    deletes the asset if it has expired. It asks again in any case: at REPEATABLE READ, the rows that this transaction
    sees may be those of before.
    """
    rows = _assets(using).filter(pk=asset_id)
    # The update locks the row: no other transaction attaches the asset, or lets it go, before this one has asked.
    if not rows.filter(attachment=Attachment.ATTACHED).update(updated_at=clock.now()):
        return
    if not rows.filter(is_referenced(using)).exists():
        rows.update(**(_standalone() if keep else _expired()))
    # No partial: Django names the function in its report of a failure, and a partial has no name.
    transaction.on_commit(lambda: reconcile(asset_id, using), using=using, robust=True)


def keep(asset_id: UUID, using: str) -> bool:
    """provisional → standalone: the asset stays, though no row refers to it. Return whether this call moved it."""
    provisional = _assets(using).filter(pk=asset_id, attachment=Attachment.PROVISIONAL)
    return bool(retry_on_conflict(lambda: provisional.update(**_standalone()), using))


def delete(asset_id: UUID, using: str) -> None:
    """Delete an asset with its bytes, unless rows refer to it. Raise ``Attached``."""
    owner_id = usage.owner_of(asset_id, using)
    try:
        run_in_transaction(partial(_delete, asset_id, owner_id, using), using)
    except IntegrityError as error:
        raise Attached(value=str(asset_id)) from error


def expired(using: str) -> FileAssetQuerySet:
    """Return the provisional assets whose time has run out, the longest first."""
    # While the bytes arrive, the upload has an expiry of its own, which moves with them.
    return _assets(using).filter(expires_at__lte=clock.now()).exclude(state=State.RECEIVING).order_by("expires_at")


def untrue(using: str, after: UUID | None) -> tuple[list[UUID], UUID | None]:
    """Look at the next ``ASSETS_AT_ONCE`` assets, in the order of their ids, for attachments that are not true.

    Return the ids of these, and the last id that was looked at; ``None`` at the end.
    """
    rest = _assets(using).order_by("pk")
    rest = rest.filter(pk__gt=after) if after else rest
    # A range of the primary key, even if few of its assets are attached, so that each call costs the same.
    last = rest.values_list("pk", flat=True)[ASSETS_AT_ONCE - 1 : ASSETS_AT_ONCE].first()
    page = rest.filter(pk__lte=last) if last else rest
    attached, arrived = Q(attachment=Attachment.ATTACHED), ~Q(state=State.RECEIVING)
    wrong = attached & ~is_referenced(using) | ~attached & arrived & is_attached_by_field(using)
    return list(page.filter(wrong).values_list("pk", flat=True)), last


def reconcile(asset_id: UUID, using: str) -> Outcome | None:
    """Make the attachment true, and delete the asset if it has expired or its last row is gone.

    Return what has changed.
    """
    owner_id = usage.owner_of(asset_id, using)
    try:
        return run_in_transaction(partial(_reconcile, asset_id, owner_id, using), using)
    except IntegrityError:
        # Without a constraint, or with one that is deferred, a row may come to refer to it even now.
        logger.info("Asset %s is not deleted, because a row refers to it.", asset_id, exc_info=True)
        return None


def _refusal(asset: FileAsset | None, terms: Terms) -> NotAttachable:
    if asset is None:
        return NotAttachable("the file cannot be attached: it does not exist", value=Obstacle.MISSING)
    match obstacle(asset, terms):
        case Obstacle.RECEIVING:
            return NotAttachable(limit=State.RECEIVED, value=asset.state)
        case Obstacle.PROFILE:
            return NotAttachable(limit=terms.profile, value=asset.profile)
        case _:
            return NotAttachable(limit=Attachment.PROVISIONAL, value=asset.attachment)


def _reconcile(asset_id: UUID, owner_id: Any, using: str) -> Outcome | None:
    usage.lock(owner_id, using)
    asset = _locked(asset_id, using)
    if asset is None or asset.state == State.RECEIVING:
        return None
    if _assets(using).filter(is_referenced(using), pk=asset_id).exists():
        return _hold(asset, using)
    if asset.attachment == Attachment.ATTACHED and asset.kept_when_orphaned:
        _assets(using).filter(pk=asset_id).update(**_standalone())
        return Outcome.KEPT
    if asset.attachment == Attachment.ATTACHED or asset.has_expired:
        asset.delete(using=using)
        return Outcome.DELETED
    return None


def _delete(asset_id: UUID, owner_id: Any, using: str) -> None:
    usage.lock(owner_id, using)
    asset = _locked(asset_id, using)
    if asset is None:
        return
    if asset.attachment == Attachment.ATTACHED:
        raise Attached(value=str(asset_id))
    asset.delete(using=using)


def _hold(asset: Any, using: str) -> Outcome | None:
    """Attach an asset to which rows refer that were written without signals."""
    found = list(references(asset.pk, using))
    if asset.attachment == Attachment.ATTACHED or not (found or asset.has_expired):
        return None
    keep = any(terms.keep for _, terms in found)
    _assets(using).filter(pk=asset.pk).update(**_attached(), kept_when_orphaned=keep)
    for reference, _ in found if asset.state == State.READY else ():
        send_attachment_ready(asset.pk, reference.as_json(), using)
    return Outcome.ATTACHED


def _locked(asset_id: UUID, using: str) -> Any:
    """Lock the asset's row and return it, with ``has_expired``; ``None`` if it is gone."""
    rows = _assets(using).filter(pk=asset_id)
    write_before_reading(rows, "attachment")
    # This lock keeps others from inserting rows that refer to the asset, too.
    return rows.annotate(has_expired=Q(expires_at__lte=clock.now())).select_for_update().first()


def _attachable(terms: Terms) -> Q:
    free = [Attachment.STANDALONE, Attachment.PROVISIONAL, *([Attachment.ATTACHED] if terms.shared else [])]
    return Q(attachment__in=free, profile=terms.profile) & ~Q(state=State.RECEIVING)


def _attached() -> dict[str, Any]:
    return {"attachment": Attachment.ATTACHED, "expires_at": None, "updated_at": clock.now()}


def _standalone() -> dict[str, Any]:
    return _attached() | {"attachment": Attachment.STANDALONE, "kept_when_orphaned": False}


def _expired() -> dict[str, Any]:
    return _standalone() | {"attachment": Attachment.PROVISIONAL, "expires_at": clock.now()}


def _assets(using: str) -> FileAssetQuerySet:
    return FileAsset.objects.using(using)
