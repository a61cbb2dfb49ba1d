"""The validators of an asset (RFC 9110 section 8.8), ``ETag`` and ``Last-Modified``, held against a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import http_date

from ..models import FileAsset
from ..protocols.ranges import if_range_holds
from .bodiless import BodilessResponse


@dataclass(frozen=True, kw_only=True)
class Validators:
    etag: str
    """Quoted, and strong: the SHA-256 of the bytes."""
    modified: int
    """Seconds since the epoch. Bytes never change after they have arrived."""

    @classmethod
    def of(cls, asset: FileAsset) -> Self:
        return cls(etag=f'"{asset.sha256}"', modified=int(asset.created_at.timestamp()))

    def headers(self) -> dict[str, str]:
        return {"ETag": self.etag, "Last-Modified": http_date(self.modified)}

    def conditional_response(self, request: HttpRequest) -> HttpResponseBase | None:
        """Return the 304 or 412 that the preconditions of a request demand; ``None`` to answer it."""
        answer = get_conditional_response(request, self.etag, self.modified)
        return BodilessResponse(status=304) if answer and answer.status_code == 304 else answer

    def range_applies(self, request: HttpRequest) -> bool:
        """Return whether ``If-Range`` is absent or names these validators."""
        return if_range_holds(request.headers.get("If-Range"), self.etag, self.modified)
