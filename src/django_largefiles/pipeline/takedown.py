"""After a takedown: the bytes are moved, so that URLs which the storage signed before lead nowhere."""

from __future__ import annotations

import logging
from uuid import UUID

from .. import lifecycle
from ..exceptions import ConfigurationError, StoreError
from ..lifecycle import Claim, ClaimLost
from ..models import FileAsset
from ..stores import store_of
from .moving import move_bytes

logger = logging.getLogger(__name__)


def settle(asset_id: UUID) -> None:
    """Move the bytes of a blocked asset if its storage signs URLs. No effect if there is nothing to do.

    After a failure the lease of the asset runs out, and the sweeper has it tried again.
    """
    claim = lifecycle.claim_blocked(asset_id)
    if claim is None:
        return
    try:
        _settle(claim)
    except ClaimLost:
        logger.info("The blocked asset %s was taken over by another worker, or deleted.", asset_id)
    except (StoreError, ConfigurationError):
        logger.exception(
            "The bytes of the blocked asset %s could not be moved: URLs that the storage signed before may lead to "
            "them until they expire. The sweeper tries again.",
            asset_id,
        )


def _settle(claim: Claim) -> None:
    asset = FileAsset.objects.filter(pk=claim.asset_id).first()
    if asset is None:
        raise ClaimLost
    name = str(asset.file)
    destination = store_of(asset).blocked_destination(name)
    if destination is None:
        lifecycle.settle_blocked(claim)
        return
    move_bytes(
        asset,
        destination,
        {"name": name},
        renew=lambda done: lifecycle.renew_blocked(claim, done=done),
        name_in_row=lambda moved: lifecycle.settle_blocked(claim, file=moved),
    )
