"""Checks of the web server, as far as the settings name it."""

from __future__ import annotations

from collections.abc import Iterator

from django.apps import apps
from django.core.checks import CheckMessage, Warning as CheckWarning


def check_server() -> Iterator[CheckMessage]:
    """Warn of daphne, which a project names among its applications to use it in development."""
    if apps.is_installed("daphne"):
        yield CheckWarning(
            "daphne receives the whole body of a request before it calls the application: a wrong file is refused only"
            " after all of it has arrived.",
            hint="Serve the project by uvicorn, granian or gunicorn, with django_largefiles.asgi.",
            id="django_largefiles.W031",
        )
