"""The results of a worker's examination of a file, as columns of its asset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ..extractors.base import METADATA_COLUMNS, Metadata
from ..scanners import verdicts
from ..scanners.running import ScanReport

MAX_ERROR = 1000


@dataclass(frozen=True, kw_only=True)
class Description:
    """The outcome of an extraction. If it failed, ``metadata`` are empty and ``error`` says why."""

    metadata: Metadata = field(default_factory=Metadata)
    error: str | None = None
    confinement: Sequence[str] = ()

    def columns(self) -> dict[str, Any]:
        return {
            **{name: getattr(self.metadata, name) for name in METADATA_COLUMNS},
            "extra_attributes": dict(self.metadata.attributes),
            "extraction_error": (self.error or "")[:MAX_ERROR],
            "confinement": " ".join(self.confinement),
        }


@dataclass(frozen=True, kw_only=True)
class Findings:
    """The results so far. A step that has not run has ``None``, and leaves the asset's columns unchanged."""

    media_type: str | None = None
    sha256: str | None = None
    sha512: str | None = None
    crc32: int | None = None
    scans: Sequence[ScanReport] | None = None
    description: Description | None = None

    def columns(self) -> dict[str, Any]:
        """Return the columns of the asset to change."""
        names = ("media_type", "sha256", "sha512", "crc32")
        found = {name: getattr(self, name) for name in names}
        columns: dict[str, Any] = {name: value for name, value in found.items() if value is not None}
        if self.scans is not None:
            columns |= verdicts.columns(self.scans)
        if self.description is not None:
            columns |= self.description.columns()
        return columns
