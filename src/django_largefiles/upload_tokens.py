"""Upload tokens: what a form submits in place of a file that was uploaded before, and permits to stream one.

The id of an asset proves nothing: ids are shown to every user who may view one. A token proves that its holder made
the upload. It names the asset, its profile, the user and the session, as plain values, and nothing is stored but a
secret in the session. The signature is Django's, with a salt for each purpose, so that ``SECRET_KEY_FALLBACKS`` are
honored.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol, Self
from uuid import UUID

from django.core import signing
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare, salted_hmac

from .conf import largefiles_settings
from .exceptions import (
    NotPermitted,
    UploadTokenExpired,
    UploadTokenInvalid,
    UploadTokenOfAnotherSession,
    UploadTokenOfAnotherUser,
)

if TYPE_CHECKING:
    from django.contrib.sessions.backends.base import SessionBase

    from .access import User

UPLOAD_SALT = "django_largefiles.upload_tokens.token"
PERMIT_SALT = "django_largefiles.upload_tokens.permit"
"""Name the purpose and the layout of what is signed: a change of either needs another salt."""

SESSION_KEY = "django_largefiles.upload_tokens"
"""Where a session keeps its secret. The session's own key is of no use, because it changes when a user logs in."""

MAX_SESSION_DIGEST = 32
"""Characters of the digest of a session's secret."""

UPLOAD_TIME = timedelta(days=7)
"""What an upload may take. A client that goes on with one after an interruption gets another token."""


class _Asset(Protocol):
    """What a token tells of an asset."""

    @property
    def pk(self) -> UUID: ...
    @property
    def profile(self) -> str: ...


@dataclass(frozen=True, kw_only=True)
class UploadToken:
    """What a token proves: that the user and the session of the request that it was read for made this upload."""

    asset_id: UUID
    profile: str
    expires_at: int
    """Seconds since the epoch."""


@dataclass(frozen=True, kw_only=True)
class _Holder:
    """The user and the session that something is signed for."""

    user_key: str
    """The primary key of the user; empty for an anonymous one."""
    session: str
    """The digest of the session's secret; empty without a session, as for clients that send a token of an API."""

    @classmethod
    def of(cls, user: User, request: HttpRequest) -> Self:
        """Return who may hold what was signed before."""
        return cls(user_key=_user_key(user), session=_digest(_secret(request)))

    @classmethod
    def bound(cls, user: User, request: HttpRequest) -> Self:
        """Return who is to hold what is signed now, after the session has been given a secret."""
        return cls(user_key=_user_key(user), session=_digest(_secret(request) or _make_secret(request)))


def check_can_hold(user: User, request: HttpRequest) -> None:
    """Raise ``NotPermitted`` if a token could be for anyone: without a user, a session is needed."""
    if not (user.is_authenticated or _session(request) is not None):
        raise NotPermitted("an upload for a form needs a user or a session")


def session_of(user: User, request: HttpRequest) -> str:
    """Return the digest of an anonymous user's session; empty for other users, and without one that has a secret."""
    return session_digest(user, _session(request))


def session_digest(user: User, session: SessionBase | None) -> str:
    """Return the same for the session of a connection that is no request."""
    return "" if user.is_authenticated else _digest(_secret_in(session))


def session_for(user: User, request: HttpRequest, *, with_token: bool) -> str:
    """Return the same for an upload that the user makes, after the session has been given a secret.

    A client without a session is given one only for an upload that has a token.
    """
    if user.is_authenticated:
        return ""
    secret, session = _secret(request), _session(request)
    # A session that was read has no key if the client has sent none that is valid.
    if not secret and session is not None and (with_token or session.session_key):
        secret = _make_secret(request)
    return _digest(secret)


def issue(asset: _Asset, request: HttpRequest, *, user: User | None = None) -> str:
    """Return a token for an upload that the user of ``request`` has made, or ``user``.

    The caller has checked that it is theirs. Raise ``NotPermitted`` for an anonymous user without a session.
    """
    user = _user(request) if user is None else user
    check_can_hold(user, request)
    holder = _Holder.bound(user, request)
    lifetime = UPLOAD_TIME + largefiles_settings.unattached_expires_after
    expires_at = int(time.time() + lifetime.total_seconds())
    return _signer(UPLOAD_SALT).sign_object([asset.pk.hex, asset.profile, expires_at, holder.user_key, holder.session])


def read(token: str, request: HttpRequest) -> UploadToken:
    """Return what a token proves, for the user and the session of ``request``.

    Whether its asset still exists and may be attached, ``assets.check_attachable`` tells. Raise
    ``UploadTokenInvalid``, ``UploadTokenExpired``, ``UploadTokenOfAnotherUser`` and ``UploadTokenOfAnotherSession``.
    """
    asset_id, profile, expires_at, user_key, session = _unsigned(UPLOAD_SALT, token)
    if expires_at <= time.time():
        raise UploadTokenExpired
    holder = _Holder.of(_user(request), request)
    if user_key != holder.user_key:
        raise UploadTokenOfAnotherUser
    # A user who was authenticated without a session is enough.
    if session and not constant_time_compare(session, holder.session):
        raise UploadTokenOfAnotherSession
    return UploadToken(asset_id=UUID(asset_id), profile=profile, expires_at=expires_at)


def issue_permit(field_name: str, profile: str, request: HttpRequest) -> str:
    """Return the permit to stream the file of a form field to the store, which is sent before the file.

    It is empty without a session.
    """
    if _session(request) is None:
        return ""
    holder = _Holder.bound(_user(request), request)
    return _signer(PERMIT_SALT).sign_object([field_name, profile, holder.session])


def permitted_profile(permit: str, field_name: str, request: HttpRequest) -> str | None:
    """Return the profile of a permit; ``None`` if it is of another field or session, or none at all."""
    try:
        name, profile, session = _unsigned(PERMIT_SALT, permit)
    except UploadTokenInvalid:
        return None
    is_ours = name == field_name and constant_time_compare(session, _Holder.of(_user(request), request).session)
    return str(profile) if is_ours else None


def _signer(salt: str) -> signing.Signer:
    return signing.Signer(salt=salt)


def _unsigned(salt: str, signed: str) -> list[Any]:
    """Raise ``UploadTokenInvalid``."""
    try:
        values: list[Any] = _signer(salt).unsign_object(signed)
    except signing.BadSignature:
        raise UploadTokenInvalid from None
    return values


def _user(request: HttpRequest) -> User:
    return request.user


def _user_key(user: User) -> str:
    return str(user.pk) if user.is_authenticated else ""


def _session(request: HttpRequest) -> Any:
    """Return the session, ``None`` without Django's middleware for sessions."""
    return getattr(request, "session", None)


def _secret(request: HttpRequest) -> str:
    return _secret_in(_session(request))


def _secret_in(session: SessionBase | None) -> str:
    return str(session.get(SESSION_KEY, "")) if session is not None else ""


def _make_secret(request: HttpRequest) -> str:
    session = _session(request)
    if session is None:
        return ""
    # Two first requests of a session at the same time make the same secret, so that it does not matter which of them
    # is saved last.
    key = session.session_key
    secret = salted_hmac(SESSION_KEY, key, algorithm="sha256").hexdigest() if key else secrets.token_hex()
    session[SESSION_KEY] = secret
    return secret


def _digest(secret: str) -> str:
    """Return what a token shows of a secret, which stays in the session."""
    return hashlib.sha256(secret.encode()).hexdigest()[:MAX_SESSION_DIGEST] if secret else ""
