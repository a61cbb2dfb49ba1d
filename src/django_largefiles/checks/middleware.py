"""A check of the place of the middleware."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.core.checks import CheckMessage, Warning as CheckWarning

OURS = "django_largefiles.middleware.LargeFilesMiddleware"
ABOVE = (
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
)


def check_middleware() -> Iterator[CheckMessage]:
    """Warn if forms may be read before the middleware knows the user and the session."""
    order = list(settings.MIDDLEWARE)
    if OURS not in order:
        return
    below = [name for name in ABOVE if name in order[order.index(OURS) :]]
    if below:
        yield CheckWarning(
            f"LargeFilesMiddleware stands above {' and '.join(below)} in MIDDLEWARE.",
            hint="Move it below: it streams no files of a form that is read before the user is known.",
            id="django_largefiles.W034",
        )
