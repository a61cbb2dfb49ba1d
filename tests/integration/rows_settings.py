"""The settings of the tests, over a database and a folder that several processes share."""

from __future__ import annotations

import os
from datetime import timedelta

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES

DATABASES["default"].pop("TEST")
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {"transaction_mode": "IMMEDIATE", "timeout": 60}
MEDIA_ROOT = os.environ["ROWS_MEDIA_ROOT"]
LARGEFILES = {
    "STORAGE": "default",
    "DISPATCHER": "tests.dispatchers.NobodyDispatcher",
    "PROFILES": {"videos": {"ALLOWED_MIME_TYPES": ["image/png"]}},
    # Some forms are saved too late.
    "UNATTACHED_EXPIRES_AFTER": timedelta(milliseconds=300),
}
