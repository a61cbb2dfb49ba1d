"""The metadata of a file, by the extractor of its type."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import BinaryIO

from .. import lifecycle
from ..conf import Profile
from ..lifecycle import Claim, leases
from ..media_types.matching import most_specific
from ..sandbox.runner import Extraction, ExtractionFailed, ExtractionInterrupted, run
from ..states import Stage
from .findings import Description

logger = logging.getLogger(__name__)


def describe(claim: Claim, file: BinaryIO, media_type: str, profile: Profile) -> Description:
    """Return the metadata, empty if no extractor knows the type, or the error. Raises ``ClaimLost``."""
    extractor = most_specific(media_type, profile.extractors)
    if extractor is None:
        return Description()
    try:
        extraction = _extract(claim, extractor, file, media_type, profile)
    except ExtractionFailed as failure:
        return Description(error=failure.detail, confinement=failure.confinement)
    return Description(metadata=extraction.metadata, confinement=extraction.confinement)


def _extract(claim: Claim, extractor: str, file: BinaryIO, media_type: str, profile: Profile) -> Extraction:
    """Run the extractor, twice if the first run was interrupted. Raises ``ExtractionFailed`` and ``ClaimLost``."""
    try:
        return _run(claim, extractor, file, media_type, profile)
    except ExtractionInterrupted as failure:
        logger.warning("The extraction of asset %s was interrupted and is tried again: %s", claim.asset_id, failure)
        return _run(claim, extractor, file, media_type, profile)


def _run(claim: Claim, extractor: str, file: BinaryIO, media_type: str, profile: Profile) -> Extraction:
    lease = leases.LEASE + timedelta(seconds=profile.extraction.wall_seconds)
    lifecycle.renew(claim, Stage.EXTRACTING, lease=lease)
    return run(extractor, file, media_type, profile.extraction)
