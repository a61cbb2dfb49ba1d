"""Process an asset whose bytes are complete: read, check and describe the file.

``process`` may be called at any time, any number of times, by any number of workers: the claim admits one of them.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import closing
from datetime import timedelta
from typing import Any, BinaryIO
from uuid import UUID

from .. import lifecycle
from ..conf import Profile, get_profile
from ..exceptions import LargeFilesError, Refusal, ScannerUnavailable, StoreError, Unscannable
from ..lifecycle import MAX_ATTEMPTS, Claim, ClaimLost
from ..models import FileAsset
from ..states import Reason, Stage
from ..stores import store_of
from . import assembling, takedown
from .examination import Examination
from .heartbeat import Heartbeat
from .publishing import publish
from .rejection import remove_stored_bytes

logger = logging.getLogger(__name__)

FIRST_SCANNER_DELAY = timedelta(seconds=30)
"""The delay after the first failure of a scanner: a restarted one takes a minute to load its signatures."""


class TryAgain(Exception):
    """The asset waits again; the caller may call again after ``delay``."""

    def __init__(self, delay: timedelta) -> None:
        super().__init__(delay)
        self.delay = delay


def process(asset_id: UUID) -> None:
    """Bring a received asset to ``ready``, ``rejected`` or ``failed``.

    Or put together a final upload, or settle the takedown of a blocked asset.

    Return without an effect if there is nothing to do. Raises ``TryAgain`` if the cause of a failure may pass.
    """
    claim = lifecycle.claim(asset_id)
    if claim is None:
        takedown.settle(asset_id)
        _assemble(asset_id)
        return
    examination = Examination(claim)
    try:
        _verify_and_publish(examination)
    except ClaimLost:
        logger.info("Asset %s was taken over by another worker, or deleted.", asset_id)
    except StoreError as error:
        _give_back(claim, Reason.STORE_UNAVAILABLE, error, error.detail)
    except ScannerUnavailable as error:
        # No file becomes ready meanwhile, so that operators should see it in the log before the last attempt.
        found = examination.findings.columns()
        logger.error("Asset %s could not be scanned, check the scanners: %s", asset_id, found["scan_detail"])
        _give_back(claim, Reason.SCANNER_UNAVAILABLE, error, error.detail, first=FIRST_SCANNER_DELAY, found=found)
    except LargeFilesError as error:
        _give_back(claim, Reason.GAVE_UP, error, error.detail)
    except Exception as error:  # noqa: BLE001 — a failure of any kind ends as a failed attempt
        # The text of an unexpected error may contain secrets, which clients must not see. The log has it.
        _give_back(claim, Reason.GAVE_UP, error, type(error).__name__)


def _assemble(asset_id: UUID) -> None:
    delay = assembling.assemble(asset_id)
    if delay:
        raise TryAgain(delay)


def _verify_and_publish(examination: Examination) -> None:
    claim = examination.claim
    asset = FileAsset.objects.filter(pk=claim.asset_id).first()
    if asset is None:
        raise ClaimLost
    profile = get_profile(asset.profile)
    store_of(asset).tidy(str(asset.file))
    try:
        with closing(_opened(claim, asset)) as file:
            examination.run(file, asset, profile)
    except Refusal as refusal:
        _reject(examination, asset, profile, refusal)
    else:
        publish(claim, asset, examination.findings)


def _opened(claim: Claim, asset: FileAsset) -> BinaryIO:
    """Open the file under a heartbeat: some storages fetch all of it when it is opened."""
    with Heartbeat(lambda done: lifecycle.renew(claim, Stage.READING, done=done)):
        return store_of(asset).open_ranged(str(asset.file))


def _reject(examination: Examination, asset: FileAsset, profile: Profile, refusal: Refusal) -> None:
    columns = examination.findings.columns()
    lifecycle.reject(examination.claim, Reason(refusal.code), refusal.detail, **columns)
    if not (isinstance(refusal, Unscannable) and profile.on_unscannable == "quarantine"):
        # If the worker dies before this, the sweeper removes the bytes; those of unscannable files stay in quarantine.
        remove_stored_bytes(asset)


def _give_back(
    claim: Claim,
    reason: Reason,
    error: Exception,
    detail: str,
    *,
    first: timedelta | None = None,
    found: Mapping[str, Any] | None = None,
) -> None:
    logger.warning("Attempt %d of %d at asset %s failed.", claim.attempt, MAX_ATTEMPTS, claim.asset_id, exc_info=error)
    delay = lifecycle.back_off(claim.attempt, first)
    try:
        lifecycle.give_back(claim, reason, detail, retry_after=delay, **(found or {}))
    except ClaimLost:
        logger.info("Asset %s was taken over by another worker, or deleted.", claim.asset_id)
        return
    if claim.attempt < MAX_ATTEMPTS:
        raise TryAgain(delay) from error
