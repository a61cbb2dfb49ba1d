"""What clients are told of an asset while it arrives and is processed, by every surface."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self
from uuid import UUID

from django.utils.functional import lazy
from django.utils.timezone import is_naive, make_aware

from ..models import FileAsset
from ..words import explain_rejection

_explained_later = lazy(explain_rejection, str)


@dataclass(frozen=True, kw_only=True)
class Status:
    """What changes of an asset until it is settled.

    ``received`` are the bytes that have arrived. ``words`` say why the file was rejected or failed, in the language
    that is active when they are used.
    """

    id: UUID
    state: str
    reason: str
    detail: str
    words: str = dataclasses.field(compare=False)
    received: int
    size: int | None
    stage: str
    stage_done: int
    media_type: str
    sha256: str
    extraction_error: str
    scan_verdict: str
    processed_at: datetime | None

    @classmethod
    def of(cls, asset: FileAsset) -> Self:
        columns = {name: getattr(asset, name) for name in STATUS_FIELDS if name != "words"}
        return cls(**columns, words=_explained_later(asset) if asset.reason else "")

    def as_json(self) -> dict[str, Any]:
        """Return the fields as values of JSON. The time is in UTC, and the words in the active language."""
        return {**self.facts(), "words": str(self.words)}

    def facts(self) -> dict[str, Any]:
        """Return the same in every language."""
        processed_at = self.processed_at and _in_utc(self.processed_at)
        return {**vars(self), "id": str(self.id), "words": None, "processed_at": processed_at}


STATUS_FIELDS = tuple(field.name for field in dataclasses.fields(Status))


def _in_utc(moment: datetime) -> str:
    # It is naive without USE_TZ.
    aware = make_aware(moment) if is_naive(moment) else moment
    return aware.astimezone(UTC).isoformat().replace("+00:00", "Z")
