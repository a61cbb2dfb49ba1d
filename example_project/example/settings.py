"""Settings of the example, configured by the ``EXAMPLE_…`` variables listed in README.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dj_database_url

from . import environment

ROOT = Path(__file__).resolve().parent.parent
DATA_DIR = environment.folder(Path(environment.text("EXAMPLE_DATA_DIR", str(ROOT / "var"))).resolve())

SECRET_KEY = environment.secret_key(DATA_DIR / "secret-key")
DEBUG = False
ALLOWED_HOSTS = environment.words("EXAMPLE_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
ROOT_URLCONF = "example.urls"
WSGI_APPLICATION = "example.wsgi.application"
ASGI_APPLICATION = "example.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_largefiles",
    "example",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "example.csp.content_security_policy",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]


def database(url: str, pool: int | None) -> dict[str, Any]:
    # Only a pool may keep connections to a server: under ASGI those of CONN_MAX_AGE outlive the threads of their
    # requests.
    configured: dict[str, Any] = {**dj_database_url.parse(url)}
    if configured["ENGINE"] == "django.db.backends.sqlite3":
        # A new connection for each request would cost more than everything else that a small chunk of an upload needs,
        # because the last SQLite connection to close writes the journal back and syncs it.
        configured["CONN_MAX_AGE"] = 60
        # The web server and the worker write at the same time: without these options, "database is locked".
        configured["OPTIONS"] = {
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
        }
    elif pool:
        configured["OPTIONS"] = {"pool": {"min_size": 1, "max_size": pool}}
    return configured


def broker_options(url: str) -> dict[str, Any]:
    """Return the folders of kombu's filesystem transport; other brokers need no options."""
    if not url.startswith("filesystem:"):
        return {}
    messages = str(environment.folder(DATA_DIR / "broker" / "messages"))
    return {
        "data_folder_in": messages,
        "data_folder_out": messages,
        "control_folder": str(environment.folder(DATA_DIR / "broker" / "control")),
        "polling_interval": 0.1,
    }


DATABASE_URL = environment.text("EXAMPLE_DATABASE_URL", f"sqlite:///{DATA_DIR / 'db.sqlite3'}")
DATABASES = {"default": database(DATABASE_URL, environment.optional_integer("EXAMPLE_DATABASE_POOL"))}

MEDIA_ROOT = DATA_DIR / "media"
STORAGE = environment.choice(
    "EXAMPLE_STORAGE",
    "local",
    {
        "local": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "s3": {
            "BACKEND": "storages.backends.s3.S3Storage",
            # Credentials and region are read from the usual variables of AWS.
            "OPTIONS": {
                "bucket_name": environment.text("EXAMPLE_S3_BUCKET", "largefiles"),
                "endpoint_url": environment.text("EXAMPLE_S3_ENDPOINT", "") or None,
                "file_overwrite": False,
            },
        },
    },
)
STORAGES = {
    "default": STORAGE,
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
STATIC_URL = "static/"

# Nothing but this site, and the bucket if files are sent to it and shown from there.
BUCKET_ORIGIN = (
    environment.text("EXAMPLE_S3_ENDPOINT", "https://*.amazonaws.com") if "s3" in STORAGE["BACKEND"] else ""
)
CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'self'",
        *(f"{source} 'self' {BUCKET_ORIGIN}" for source in ("connect-src", "img-src", "media-src") if BUCKET_ORIGIN),
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "object-src 'none'",
    ]
)
WHITENOISE_USE_FINDERS = True

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "index"
LOGOUT_REDIRECT_URL = "index"


def scanners(clamd: str, max_size: int) -> list[dict[str, Any]]:
    """Return ``SCANNERS``. ``clamd`` is the path of a socket, or ``host:port``; empty for no scanner."""
    if not clamd:
        return []
    host, _, port = clamd.rpartition(":")
    where = {"socket": clamd} if clamd.startswith("/") else {"host": host, "port": int(port)}
    limits = {"stream_max_length": max_size, "max_file_size": max_size, "max_scan_size": 4 * max_size}
    return [{"BACKEND": "django_largefiles.scanners.clamav.ClamdScanner", "OPTIONS": {**where, **limits}}]


MAX_UPLOAD_SIZE = environment.positive_integer("EXAMPLE_MAX_UPLOAD_SIZE", 5 * 1024**3)

LARGEFILES = {
    "STORAGE": "default",
    "MAX_UPLOAD_SIZE": MAX_UPLOAD_SIZE,
    "ALLOWED_MIME_TYPES": environment.words(
        "EXAMPLE_ALLOWED_MIME_TYPES",
        "image/jpeg,image/png,image/gif,image/webp,application/pdf,audio/*,video/*",
    ),
    # Of the films with their stills; all else has the rules above.
    "PROFILES": {
        "films": {"ALLOWED_MIME_TYPES": ["video/*"]},
        "stills": {
            "ALLOWED_MIME_TYPES": ["image/jpeg", "image/png", "image/webp"],
            "MAX_UPLOAD_SIZE": min(50 * 1024**2, MAX_UPLOAD_SIZE),
        },
    },
    "DELIVERY": environment.text("EXAMPLE_DELIVERY", "auto"),
    "ACCESS_POLICY": environment.choice(
        "EXAMPLE_ACCESS",
        "login",
        {"login": "django_largefiles.access.OwnerOrStaff", "anyone": "example.access.Anyone"},
    ),
    "SCANNERS": scanners(
        environment.clamd("EXAMPLE_CLAMD"), environment.positive_integer("EXAMPLE_CLAMD_MAX_SIZE", 25 * 1024**2)
    ),
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.SessionAuthentication",
        "rest_framework.authentication.BasicAuthentication",
    ],
    # The access policy decides.
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
}

CELERY_BROKER_URL = environment.text("EXAMPLE_BROKER_URL", "filesystem://")
CELERY_BROKER_TRANSPORT_OPTIONS = broker_options(CELERY_BROKER_URL)
if CELERY_BROKER_TRANSPORT_OPTIONS:
    CELERY_BROKER_TRANSPORT = "example.broker:Transport"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_BEAT_SCHEDULE = {
    "sweep-large-files": {"task": "django_largefiles.tasks.sweep", "schedule": 5},
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}
