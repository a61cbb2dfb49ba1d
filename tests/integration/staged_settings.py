"""The example's settings, with a storage that is no file system, and stops where a test tells it to."""

from __future__ import annotations

import os

# Longer than the time that a busy machine may need to renew it, and short enough to be waited for.
os.environ.setdefault("HURRY_LEASE", "8")

from example.settings import *  # noqa: F403
from example.settings import DATA_DIR, INSTALLED_APPS, LARGEFILES, STORAGES

INSTALLED_APPS = [*INSTALLED_APPS, "tests.integration.hurry"]
CELERY_BEAT_SCHEDULE = {"sweep-large-files": {"task": "django_largefiles.tasks.sweep", "schedule": 1}}

STORAGES = {
    **STORAGES,
    "default": {
        "BACKEND": "tests.integration.storages.PausingStorage",
        "OPTIONS": {"location": str(DATA_DIR / "remote" / "objects")},
    },
}
LARGEFILES = {**LARGEFILES, "STAGING_DIRECTORY": DATA_DIR / "staging"}
