"""The example's settings for crashes: everything that is waited for comes within seconds."""

from __future__ import annotations

import os

import pymysql

# Before Django looks for a driver of the database.
pymysql.install_as_MySQLdb()

from tests.integration.settings import *  # noqa: F403
from tests.integration.settings import CELERY_BROKER_TRANSPORT_OPTIONS, INSTALLED_APPS, LARGEFILES

INSTALLED_APPS = [*INSTALLED_APPS, "tests.integration.hurry"]
LARGEFILES = {
    **LARGEFILES,
    "EXTRACTORS": {"image/*": "tests.example_extractors.Moody"},
    "EXTRACTION": {"WALL_SECONDS": 2},
    "CHUNK_SIZE": 64 * 1024,
}

CELERY_TASK_DEFAULT_QUEUE = os.environ.get("HURRY_QUEUE", "celery")
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_BEAT_SCHEDULE = {
    "sweep-large-files": {"task": "django_largefiles.tasks.sweep", "schedule": 1, "options": {"expires": 10}},
}
CELERY_TASK_ANNOTATIONS = {
    "django_largefiles.tasks.process": {
        "soft_time_limit": int(os.environ.get("HURRY_SOFT_TIME_LIMIT", "30")),
        "time_limit": int(os.environ.get("HURRY_SOFT_TIME_LIMIT", "30")) + 2,
    },
}
if os.environ.get("EXAMPLE_BROKER_URL", "").startswith("redis:"):
    # After so long Redis gives the messages of a worker that died to another.
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "visibility_timeout": 10,
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
        "unacked_mutex_expire": 5,
    }
