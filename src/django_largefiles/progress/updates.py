"""Updates of assets, and the versions by which a client says after a reconnect what it has been told.

The version of a stream consists of the versions of its assets, in the order in which the client asks for them. So the
server needs to remember no client, and any process can go on where another stopped.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any
from uuid import UUID

from ..states import SETTLED
from .status import Status

VERSION_BYTES = 6
VERSION_LENGTH = 8
"""Characters of the version of one asset, in Base64."""

UNTOLD = "." * VERSION_LENGTH
"""In the place of the version of an asset of which the client has not been told. No version has such characters."""


@dataclass(frozen=True, kw_only=True)
class Update:
    """An asset as it is now: its full status, or ``None`` if it is gone.

    To a client an asset is gone, too, if the access policy does not let its user see it.
    """

    asset_id: UUID
    status: Status | None

    @property
    def event(self) -> str:
        return "state" if self.status else "gone"

    @property
    def data(self) -> dict[str, Any]:
        return self.status.as_json() if self.status else {"id": str(self.asset_id)}

    @property
    def text(self) -> str:
        """``data`` as JSON, in one line."""
        return _line(self.data)

    @cached_property
    def version(self) -> str:
        """A digest of the event, which is the same in every process and language."""
        facts = _line(self.status.facts()) if self.status else self.text
        digest = blake2b(f"{self.event} {facts}".encode(), digest_size=VERSION_BYTES).digest()
        return urlsafe_b64encode(digest).decode()

    @property
    def is_settled(self) -> bool:
        """Return whether no later update is expected. An asset may still be deleted, blocked or processed again."""
        return self.status is None or self.status.state in SETTLED


def _line(data: Mapping[str, Any]) -> str:
    return json.dumps(data, separators=(",", ":"))


def joined_versions(asset_ids: Sequence[UUID], told: Mapping[UUID, str]) -> str:
    return "".join(told.get(asset_id, UNTOLD) for asset_id in asset_ids)


def separate_versions(asset_ids: Sequence[UUID], version: str) -> dict[UUID, str]:
    """Return the version of each asset. If a client made ``version`` up, they match no asset."""
    if len(version) != len(asset_ids) * VERSION_LENGTH:
        return {}
    pieces = (version[start : start + VERSION_LENGTH] for start in range(0, len(version), VERSION_LENGTH))
    return dict(zip(asset_ids, pieces, strict=True))
