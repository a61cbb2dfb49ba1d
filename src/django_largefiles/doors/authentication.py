"""Who makes a request of the resumable door: a session's user, or whom the host's own authenticators find."""

from __future__ import annotations

from abc import ABC, abstractmethod

from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from ..access import User
from ..conf import largefiles_settings
from ..registry import load
from .csrf import enforce_csrf

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Authenticator(ABC):
    """Ours: to ask on every request of every verb, before anything else is done.
    Yours: to guard against forged requests where a browser authenticates by itself, and never to read the body.
    """

    @abstractmethod
    def authenticate(self, request: HttpRequest) -> User:
        """The user, anonymous where nobody is named. Raises ``NotAuthenticated``, ``NotPermitted``
        and ``CsrfFailed``."""

    def challenge(self, request: HttpRequest) -> str:
        """What ``WWW-Authenticate`` says to an anonymous user who needs to be known; empty for nothing."""
        return ""


class SessionAuthenticator(Authenticator):
    """The user of Django's session, with the CSRF token in its header."""

    def authenticate(self, request: HttpRequest) -> User:
        user: User = getattr(request, "user", AnonymousUser())
        if user.is_authenticated and request.method not in SAFE_METHODS:
            enforce_csrf(request)
        return user


def current_authenticator() -> Authenticator:
    return load(largefiles_settings.authenticator or _fitting(), Authenticator, "AUTHENTICATOR")


def _fitting() -> str:
    if apps.is_installed("rest_framework"):
        return "django_largefiles.api.authentication.FrameworkAuthenticator"
    return "django_largefiles.doors.authentication.SessionAuthenticator"
