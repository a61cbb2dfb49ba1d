"""Signed links: a URL that lets its holder download one asset, for a time, without a session.

All that a link allows is in its token, as plain values, and nothing is stored. The signature is Django's, with a salt
of its own, so that a token made for another purpose is refused and ``SECRET_KEY_FALLBACKS`` are honored. Whether the
asset is ready, and still of the link's generation, is decided when the link is followed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from struct import Struct
from typing import TYPE_CHECKING, Literal, Self, TypeAlias, get_args
from uuid import UUID

from django.core import signing

from .conf import largefiles_settings
from .exceptions import LinkExpired, LinkInvalid
from .readers import link_lifetime

if TYPE_CHECKING:
    from .access import User

Disposition: TypeAlias = Literal["attachment", "inline"]

SALT = "django_largefiles.links.download"
"""Names the purpose and the layout of a token: a change of either needs another salt."""

WINDOWS = 4
"""A link expires at a multiple of this part of its lifetime. Until then its URL stays the same."""

_LAYOUT = Struct(">16sIIB")
"""Asset, generation, seconds since the epoch, and whether the file is to be shown. The rest is the key of the user."""


@dataclass(frozen=True, kw_only=True)
class Link:
    """What the holder of a link may do: download one asset."""

    asset_id: UUID
    generation: int
    """``FileAsset.link_generation`` when the link was made. Blocking an asset ends the links of its generation."""
    expires_at: int
    """Seconds since the epoch."""
    disposition: Disposition
    user_key: str = ""
    """The primary key of the only user who may follow the link; empty for anyone."""

    def token(self) -> str:
        """Return the link as text for a URL, about 80 characters long."""
        is_inline = self.disposition == "inline"
        head = _LAYOUT.pack(self.asset_id.bytes, self.generation, self.expires_at, is_inline)
        return _signer().sign(signing.b64_encode(head + self.user_key.encode()).decode())

    @classmethod
    def read(cls, token: str) -> Self:
        """Return the link of a token. Raise ``LinkInvalid`` and ``LinkExpired``."""
        try:
            content = signing.b64_decode(_signer().unsign(token).encode())
        except signing.BadSignature:
            raise LinkInvalid from None
        asset, generation, expires_at, is_inline = _LAYOUT.unpack_from(content)
        if expires_at <= time.time():
            raise LinkExpired(limit=datetime.fromtimestamp(expires_at, UTC).isoformat())
        return cls(
            asset_id=UUID(bytes=asset),
            generation=generation,
            expires_at=expires_at,
            disposition="inline" if is_inline else "attachment",
            user_key=content[_LAYOUT.size :].decode(),
        )


def new_link(
    asset_id: UUID,
    generation: int,
    *,
    max_age: timedelta | int | None,
    disposition: Disposition,
    user: User | None,
) -> Link:
    """Return a link that expires after ``max_age``, a timedelta or seconds, or after ``LINK_EXPIRES_AFTER``.

    Raise ``ValueError``.
    """
    if disposition not in get_args(Disposition):
        raise ValueError(f"disposition must be 'attachment' or 'inline', not {disposition!r}")
    if user is not None and user.pk is None:
        raise ValueError("a link can be for a saved user, or without a user for anyone")
    return Link(
        asset_id=asset_id,
        generation=generation,
        expires_at=expiry(_lifetime(max_age)),
        disposition=disposition,
        user_key="" if user is None else str(user.pk),
    )


def _lifetime(max_age: timedelta | int | None) -> timedelta:
    if max_age is None:
        return largefiles_settings.link_expires_after
    return link_lifetime(timedelta(seconds=max_age) if isinstance(max_age, int) else max_age)


def expiry(lifetime: timedelta) -> int:
    """Return when a link that is made now expires, in seconds since the epoch.

    It lives for at most ``lifetime``, and for at least three quarters of it. All links that are made within a quarter
    expire at the same time, so that their URL is the same, and browsers find what they have stored under it.
    """
    seconds = int(lifetime.total_seconds())
    window = seconds // WINDOWS
    return (int(time.time()) + seconds) // window * window


def _signer() -> signing.Signer:
    return signing.Signer(salt=SALT, sep=".")
