"""Checks of what must run besides the web server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.core.checks import CheckMessage, Warning as CheckWarning
from django.db import Error

from ..sweeper import has_run

RECENT = timedelta(hours=1)


def check_sweeper() -> Iterator[CheckMessage]:
    """Warn if no sweeper has run; a database that cannot be asked is a matter of other checks."""
    try:
        runs = has_run(within=RECENT)
    except Error:
        return
    if not runs:
        yield CheckWarning(
            f"No sweeper has run in the last {RECENT}.",
            hint="Run 'manage.py largefiles_sweep' or the Celery task django_largefiles.tasks.sweep every minute. "
            "Until then, requests do a little of its work.",
            id="django_largefiles.W029",
        )
