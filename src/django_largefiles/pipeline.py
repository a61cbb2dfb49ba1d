"""What a worker does with an asset whose bytes are all there: read, judge, describe.

``process`` may be called at any time, any number of times, by any number of workers: the claim lets one of them in.
"""

from __future__ import annotations

import logging
import time
from contextlib import closing
from datetime import timedelta
from io import SEEK_END
from typing import Any, BinaryIO
from uuid import UUID

from . import lifecycle, policy
from .conf import Profile, get_profile, largefiles_settings
from .digests import RunningSHA256
from .exceptions import DigestMismatch, LargeFilesError, MetadataUnreadable, Refusal, StoreError
from .extractors.base import Metadata
from .lifecycle import LEASE, MAX_ATTEMPTS, Claim
from .media_types import most_specific
from .models import FileAsset
from .sandbox.runner import ExtractionFailed, run
from .sniffing import sniff_file
from .states import Reason, Stage, State
from .stores import current_store

logger = logging.getLogger(__name__)

PROGRESS_SECONDS = 1.0
"""Progress is written, and the lease renewed, at most this often while bytes are read."""

FIRST_DELAY = timedelta(seconds=5)
"""Before the second attempt; each further one waits twice as long."""


class TryAgain(Exception):
    """The asset went back to ``received``; whoever called may call again after ``delay``."""

    def __init__(self, delay: timedelta) -> None:
        super().__init__(delay)
        self.delay = delay


class LostClaim(Exception):
    """Another worker has taken the asset over, or it was deleted."""


def process(asset_id: UUID) -> None:
    """Bring a received asset to ``ready``, ``rejected`` or ``failed``.

    Returns without a word where there is nothing to do. Raises ``TryAgain`` where the trouble may pass.
    """
    claim = lifecycle.claim(asset_id)
    if claim is None:
        return
    try:
        _verify_and_describe(claim)
    except LostClaim:
        logger.info("Asset %s was taken over by another worker, or deleted.", asset_id)
    except StoreError as error:
        _give_back(claim, Reason.STORE_UNAVAILABLE, error, error.detail)
    except LargeFilesError as error:
        _give_back(claim, Reason.GAVE_UP, error, error.detail)
    except Exception as error:  # noqa: BLE001 — whatever a file or a library can do ends as a failed attempt
        # The text of an unforeseen error may hold what a client must not see; the log has it.
        _give_back(claim, Reason.GAVE_UP, error, type(error).__name__)


def discard_rejected(asset: FileAsset) -> None:
    """Remove the bytes of a rejected asset. A takedown keeps them, as evidence."""
    if asset.state == State.REJECTED and asset.reason != Reason.BLOCKED and asset.file:
        current_store().delete(str(asset.file))
        FileAsset.objects.filter(pk=asset.pk).update(file="")


def _verify_and_describe(claim: Claim) -> None:
    asset = FileAsset.objects.filter(pk=claim.asset_id).first()
    if asset is None:
        raise LostClaim
    rules, findings, store = get_profile(asset.profile), dict[str, Any](), current_store()
    store.tidy(str(asset.file))
    try:
        with closing(store.open_ranged(str(asset.file))) as file:
            _examine(claim, asset, rules, file, findings)
    except Refusal as refusal:
        _keep(lifecycle.reject(claim, Reason(refusal.code), refusal.detail, **findings))
        discard_rejected(FileAsset.objects.get(pk=asset.pk))
    else:
        _keep(lifecycle.accept(claim, **findings))


def _examine(claim: Claim, asset: FileAsset, rules: Profile, file: BinaryIO, findings: dict[str, Any]) -> None:
    """Fill ``findings``, columns of the asset by name, as far as it gets; raises the refusal of a bad file."""
    policy.check_size(asset.size or 0, rules)
    policy.check_stored_size(file.seek(0, SEEK_END), asset.size or 0)
    findings["sha256"] = asset.sha256 or _digest(claim, file)
    _check_digest(asset, findings["sha256"])
    _keep(lifecycle.renew(claim, Stage.SNIFFING))
    findings["media_type"] = sniff_file(file)
    policy.check_type(findings["media_type"], asset.original_name, rules)
    findings |= _describe(claim, file, findings["media_type"], rules)


def _digest(claim: Claim, file: BinaryIO) -> str:
    digest, done, told = RunningSHA256(), 0, 0.0
    file.seek(0)
    while chunk := file.read(largefiles_settings.chunk_size):
        digest.update(chunk)
        done += len(chunk)
        if time.monotonic() - told >= PROGRESS_SECONDS:
            _keep(lifecycle.renew(claim, Stage.READING, done=done))
            told = time.monotonic()
    return digest.hexdigest()


def _check_digest(asset: FileAsset, sha256: str) -> None:
    if asset.expected_sha256 not in {"", sha256}:
        raise DigestMismatch(
            f"the SHA-256 is {sha256}, not the promised {asset.expected_sha256}",
            limit=asset.expected_sha256,
            value=sha256,
        )


def _describe(claim: Claim, file: BinaryIO, media_type: str, rules: Profile) -> dict[str, Any]:
    extractor = most_specific(media_type, rules.extractors)
    if extractor is None:
        return _columns(Metadata())
    lease = LEASE + timedelta(seconds=rules.extraction.wall_seconds)
    _keep(lifecycle.renew(claim, Stage.EXTRACTING, lease=lease))
    try:
        return _columns(run(extractor, file, media_type, rules.extraction))
    except ExtractionFailed as failure:
        if rules.reject_on_extraction_failure:
            raise MetadataUnreadable(f"the metadata could not be read: {failure.detail}") from failure
        return _columns(Metadata(), error=failure.detail)


def _columns(metadata: Metadata, *, error: str = "") -> dict[str, Any]:
    return {
        "width": metadata.width,
        "height": metadata.height,
        "duration": metadata.duration,
        "page_count": metadata.page_count,
        "title": metadata.title,
        "extra_attributes": dict(metadata.attributes),
        "extraction_error": error[:1000],
    }


def _keep(held: bool) -> None:
    if not held:
        raise LostClaim


def _give_back(claim: Claim, reason: Reason, error: Exception, detail: str) -> None:
    logger.warning("Attempt %s at asset %s failed.", claim.attempt, claim.asset_id, exc_info=error)
    delay = FIRST_DELAY * 2 ** (claim.attempt - 1)
    held = lifecycle.give_back(claim, reason, detail, retry_after=delay)
    if held and claim.attempt < MAX_ATTEMPTS:
        raise TryAgain(delay) from error
