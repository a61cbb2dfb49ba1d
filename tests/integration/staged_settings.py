"""The example's settings, with a storage that is no file system, and stops where a test tells it to."""

from __future__ import annotations

from example.settings import *  # noqa: F403
from example.settings import DATA_DIR, LARGEFILES, STORAGES

STORAGES = {
    **STORAGES,
    "default": {
        "BACKEND": "tests.integration.storages.PausingStorage",
        "OPTIONS": {"location": str(DATA_DIR / "remote" / "objects")},
    },
}
LARGEFILES = {**LARGEFILES, "STAGING_DIRECTORY": DATA_DIR / "staging"}
