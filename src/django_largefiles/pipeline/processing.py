"""What a worker does with an asset whose bytes are all there: read, judge, describe.

``process`` may be called at any time, any number of times, by any number of workers: the claim lets one of them in.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from io import SEEK_END
from typing import Any, BinaryIO
from uuid import UUID

from .. import lifecycle, rules
from ..conf import Profile, get_profile, largefiles_settings
from ..exceptions import (
    LargeFilesError,
    MetadataUnreadable,
    Refusal,
    ScannerUnavailable,
    StoreError,
    Unscannable,
)
from ..extractors.base import Metadata
from ..lifecycle import LEASE, MAX_ATTEMPTS, Claim
from ..media_types.matching import most_specific
from ..models import FileAsset
from ..rules import sniff_file
from ..sandbox.runner import Extraction, ExtractionFailed, ExtractionInterrupted, run
from ..scanners import load_scanners, verdicts
from ..scanners.read_pass import Reading, read_through
from ..states import Reason, Stage, State
from ..stores import store_of
from .heartbeat import Heartbeat, LostClaim
from .publishing import settle

logger = logging.getLogger(__name__)

FIRST_SCANNER_DELAY = timedelta(seconds=30)
"""After a scanner failed for the first time: one that is started anew loads its signatures for a minute."""


class TryAgain(Exception):
    """The asset went back to ``received``; whoever called may call again after ``delay``."""

    def __init__(self, delay: timedelta) -> None:
        super().__init__(delay)
        self.delay = delay


def process(asset_id: UUID) -> None:
    """Bring a received asset to ``ready``, ``rejected`` or ``failed``.

    Returns without a word where there is nothing to do. Raises ``TryAgain`` where the trouble may pass.
    """
    claim = lifecycle.claim(asset_id)
    if claim is None:
        return
    findings = dict[str, Any]()
    try:
        _verify_and_describe(claim, findings)
    except LostClaim:
        logger.info("Asset %s was taken over by another worker, or deleted.", asset_id)
    except StoreError as error:
        _give_back(claim, Reason.STORE_UNAVAILABLE, error, error.detail)
    except ScannerUnavailable as error:
        # Nothing is let through meanwhile, so somebody should hear of it before the last attempt.
        logger.error("Asset %s could not be scanned: %s", asset_id, findings["scan_detail"])
        _give_back(claim, Reason.SCANNER_UNAVAILABLE, error, error.detail, first_delay=FIRST_SCANNER_DELAY, **findings)
    except LargeFilesError as error:
        _give_back(claim, Reason.GAVE_UP, error, error.detail)
    except Exception as error:  # noqa: BLE001 — whatever a file or a library can do ends as a failed attempt
        # The text of an unforeseen error may hold what a client must not see; the log has it.
        _give_back(claim, Reason.GAVE_UP, error, type(error).__name__)


def discard_rejected(asset: FileAsset) -> None:
    """Remove the bytes of a rejected asset, unless its reason is one to keep them."""
    if asset.state == State.REJECTED and asset.reason not in lifecycle.KEPT and asset.file:
        _remove_bytes(asset)


def _remove_bytes(asset: FileAsset) -> None:
    store_of(asset).delete(str(asset.file))
    FileAsset.objects.filter(pk=asset.pk).update(file="")


def _verify_and_describe(claim: Claim, findings: dict[str, Any]) -> None:
    asset = FileAsset.objects.filter(pk=claim.asset_id).first()
    if asset is None:
        raise LostClaim
    profile, store = get_profile(asset.profile), store_of(asset)
    store.tidy(str(asset.file))
    try:
        with closing(_opened(claim, asset)) as file:
            _examine(claim, asset, profile, file, findings)
    except Refusal as refusal:
        _keep(lifecycle.reject(claim, Reason(refusal.code), refusal.detail, **findings))
        if not (isinstance(refusal, Unscannable) and profile.on_unscannable == "quarantine"):
            # A worker that dies before this leaves it to the sweeper, or in quarantine.
            _remove_bytes(asset)
    else:
        settle(claim, asset, findings)


def _opened(claim: Claim, asset: FileAsset) -> BinaryIO:
    """There are storages that fetch a file whole when it is opened."""
    with Heartbeat(lambda done: lifecycle.renew(claim, Stage.READING, done=done)):
        return store_of(asset).open_ranged(str(asset.file))


def _examine(claim: Claim, asset: FileAsset, profile: Profile, file: BinaryIO, findings: dict[str, Any]) -> None:
    """Fill ``findings``, columns of the asset by name, as far as it gets; raises the refusal of a bad file."""
    rules.check_size(asset.size or 0, profile)
    rules.check_stored_size(file.seek(0, SEEK_END), asset.size or 0)
    # Before all of it is read: a wrong type shows in a few KiB.
    _keep(lifecycle.renew(claim, Stage.SNIFFING))
    findings["media_type"] = sniff_file(file)
    findings["media_type"] = rules.check_type(findings["media_type"], asset.original_name, profile)
    reading = _read(claim, asset, profile, file)
    findings["sha256"] = reading.sha256
    if reading.crc32 is not None:
        findings["crc32"] = reading.crc32
    findings |= verdicts.columns(reading.scans)
    rules.check_digest(asset.expected_sha256, reading.sha256)
    verdicts.check(reading.scans, profile)
    _describe(claim, file, profile, findings)
    rules.check_archive(findings["media_type"], findings["extra_attributes"], profile)


def _read(claim: Claim, asset: FileAsset, profile: Profile, file: BinaryIO) -> Reading:
    return read_through(
        file,
        size=asset.size or 0,
        sha256=asset.sha256,
        scanners=load_scanners(profile.scanners),
        chunk_size=largefiles_settings.chunk_size,
        tell=lambda stage, done: _keep(lifecycle.renew(claim, stage, done=done)),
    )


def _describe(claim: Claim, file: BinaryIO, profile: Profile, findings: dict[str, Any]) -> None:
    media_type = findings["media_type"]
    extractor = most_specific(media_type, profile.extractors)
    if extractor is None:
        findings |= _columns(Metadata())
        return
    try:
        extraction = _extract(claim, extractor, file, media_type, profile)
    except ExtractionFailed as failure:
        findings |= _columns(Metadata(), error=failure.detail, confinement=failure.confinement)
        if profile.reject_on_extraction_failure:
            raise MetadataUnreadable(f"the metadata could not be read: {failure.detail}") from failure
    else:
        findings |= _columns(extraction.metadata, confinement=extraction.confinement)


def _extract(claim: Claim, extractor: str, file: BinaryIO, media_type: str, profile: Profile) -> Extraction:
    """By one run, or two if the first was interrupted. Raises ``ExtractionFailed``."""
    try:
        return _run(claim, extractor, file, media_type, profile)
    except ExtractionInterrupted as failure:
        logger.warning("An extraction of asset %s was interrupted, and is tried again: %s", claim.asset_id, failure)
        return _run(claim, extractor, file, media_type, profile)


def _run(claim: Claim, extractor: str, file: BinaryIO, media_type: str, profile: Profile) -> Extraction:
    lease = LEASE + timedelta(seconds=profile.extraction.wall_seconds)
    _keep(lifecycle.renew(claim, Stage.EXTRACTING, lease=lease))
    return run(extractor, file, media_type, profile.extraction)


def _columns(metadata: Metadata, *, error: str = "", confinement: Sequence[str] = ()) -> dict[str, Any]:
    return {
        "width": metadata.width,
        "height": metadata.height,
        "duration": metadata.duration,
        "page_count": metadata.page_count,
        "title": metadata.title,
        "extra_attributes": dict(metadata.attributes),
        "extraction_error": error[:1000],
        "confinement": " ".join(confinement),
    }


def _keep(held: bool) -> None:
    if not held:
        raise LostClaim


def _give_back(
    claim: Claim,
    reason: Reason,
    error: Exception,
    detail: str,
    *,
    first_delay: timedelta = lifecycle.FIRST_DELAY,
    **findings: Any,
) -> None:
    logger.warning("Attempt %s at asset %s failed.", claim.attempt, claim.asset_id, exc_info=error)
    delay = lifecycle.back_off(claim.attempt, first_delay)
    held = lifecycle.give_back(claim, reason, detail, retry_after=delay, **findings)
    if held and claim.attempt < MAX_ATTEMPTS:
        raise TryAgain(delay) from error
