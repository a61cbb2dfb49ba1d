"""A worker puts together a final upload that was too large for a request."""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import partial
from uuid import UUID

from .. import lifecycle
from ..exceptions import Refusal, StoreError
from ..intake.assembly import complete_parts, hold, put_together
from ..models import Upload
from .heartbeat import Heartbeat

logger = logging.getLogger(__name__)


def assemble(asset_id: UUID) -> timedelta | None:
    """Make a final upload, if all its parts are complete and no other process does; it is then handed over anew.

    Return after which time to try again if the storage failed, and ``None`` otherwise.
    """
    final = Upload.objects.select_related("asset").filter(pk=asset_id, kind=Upload.Kind.FINAL).first()
    parts = complete_parts(final) if final else []
    if not (final and parts):
        return None
    try:
        writer = hold(final)
        # A storage that copies the bytes itself may be silent for longer than the lease.
        with Heartbeat(partial(_renew, final)):
            put_together(writer, parts)
    except Refusal as error:
        logger.warning("Final upload %s cannot be made: %s.", asset_id, error.detail)
    except StoreError as error:
        logger.warning("Final upload %s could not be made: %s.", asset_id, error.detail)
        return lifecycle.back_off(final.attempts + 1)
    return None


def _renew(final: Upload, done: int) -> None:
    lifecycle.renew_final(final)
