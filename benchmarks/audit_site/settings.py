"""A small project. The audit starts it once per contender, configured by ``AUDIT_…`` variables."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(os.environ["AUDIT_FOLDER"])
LARGEST = int(os.environ["AUDIT_LARGEST"])

SECRET_KEY = "only-for-the-audit"
ALLOWED_HOSTS = ["127.0.0.1"]
USE_TZ = True
ROOT_URLCONF = "benchmarks.audit_site.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django_largefiles",
    "benchmarks.audit_site",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": FOLDER / "db.sqlite3",
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20},
    }
}
MEDIA_ROOT = FOLDER / "media"

# Django's own default if the variable is not set.
FILE_UPLOAD_MAX_MEMORY_SIZE = int(os.environ.get("AUDIT_MEMORY_THRESHOLD", 2621440))
FILE_UPLOAD_TEMP_DIR = os.environ["AUDIT_TEMPORARY_FOLDER"]

ALLOWED_TYPES = ["image/png"]
LARGEFILES = {
    "STORAGE": "default",
    "MAX_UPLOAD_SIZE": LARGEST,
    "ALLOWED_MIME_TYPES": ALLOWED_TYPES,
    "PROFILES": {"small": {"MAX_UPLOAD_SIZE": LARGEST // 2}},
    "ACCESS_POLICY": "benchmarks.audit_site.views.Anyone",
    "DISPATCHER": "benchmarks.audit_site.views.NoWorker",
}
