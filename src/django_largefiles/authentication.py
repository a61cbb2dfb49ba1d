"""The user of a request to the resumable door: a session's user, or the one whom ``AUTHENTICATOR`` names."""

from __future__ import annotations

from abc import ABC, abstractmethod

from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from .access import User
from .conf import largefiles_settings
from .csrf import enforce_csrf
from .registry import load

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Authenticator(ABC):
    """Names the user of a request.

    Guarantees: it is asked on every request of every method but ``OPTIONS``, before anything else is done; on
    ``OPTIONS`` only for the limits of a profile that the request names.
    Requirements: it guards against forged requests if browsers authenticate by themselves, as with cookies, and it
    never reads the body.
    """

    @abstractmethod
    def authenticate(self, request: HttpRequest) -> User:
        """Return the user, an anonymous one if the request names none.

        Raise ``NotAuthenticated``, ``NotPermitted`` and ``CsrfFailed``.
        """

    def admit_creation(self, request: HttpRequest, user: User) -> None:  # noqa: B027 - most have no throttles
        """Count the creation of an upload, besides ``THROTTLES``. Raise ``Throttled`` if it is one too many.

        ``user`` is the one whom ``authenticate`` has returned.
        """

    def challenge(self, request: HttpRequest) -> str:
        """Return the ``WWW-Authenticate`` for an anonymous user who is not permitted; empty for none."""
        return ""


class SessionAuthenticator(Authenticator):
    """The user of Django's session, with the CSRF token in its header."""

    def authenticate(self, request: HttpRequest) -> User:
        user: User = getattr(request, "user", AnonymousUser())
        if user.is_authenticated and request.method not in SAFE_METHODS:
            enforce_csrf(request)
        return user


def current_authenticator() -> Authenticator:
    """Return the instance of ``AUTHENTICATOR``; REST framework's if that is installed, else the session's.

    Raise ``NotImportable``.
    """
    path = largefiles_settings.authenticator
    return load(path, Authenticator, "AUTHENTICATOR") if path else _default()


def _default() -> Authenticator:
    if not apps.is_installed("rest_framework"):
        return SessionAuthenticator()
    # REST framework is optional. The import goes against the layers, and import-linter's contract lists it.
    from .api.authentication import FrameworkAuthenticator

    return FrameworkAuthenticator()
