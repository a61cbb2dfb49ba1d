from __future__ import annotations

import os
import tempfile
from importlib.util import find_spec
from pathlib import Path

import dj_database_url
import pymysql

# Stands in for mysqlclient, which would have to be compiled.
pymysql.install_as_MySQLdb()

SECRET_KEY = "only-for-tests"
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
USE_TZ = True
ROOT_URLCONF = "tests.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": dj_database_url.parse(os.environ.get("TEST_DATABASE_URL", "sqlite://:memory:"))}
# SQLite tests are in memory unless they are given a file.
DATABASES["default"]["TEST"] = {"NAME": os.environ.get("TEST_DATABASE_NAME")}
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django_largefiles",
    "tests.films",
]
INSTALLED_APPS += ["drf_spectacular"] if find_spec("drf_spectacular") else []
REST_FRAMEWORK = {"DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"} if find_spec("drf_spectacular") else {}
SPECTACULAR_SETTINGS = {"OAS_VERSION": "3.1.0", "TITLE": "Large files", "ENABLE_DJANGO_DEPLOY_CHECK": False}
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
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
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Django 6.1 warns of a mail without this.
MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
# Each test has a folder of its own.
MEDIA_ROOT = str(Path(tempfile.gettempdir()) / "largefiles-tests")
LARGEFILES = {"STORAGE": "default", "PROFILES": {"videos": {}}}
