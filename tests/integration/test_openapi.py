"""Requests that are made from the description of the API, as it is served."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from django.core.management import call_command

pytest.importorskip("drf_spectacular", reason="drf-spectacular is not installed")
pytest.importorskip("schemathesis", reason="schemathesis is not installed")

from tests.integration.projects import USER, Project
from tests.s3.servers import S3Bucket

TOOLS = Path(__file__).parent / "openapi"
BIN = Path(sys.executable).parent

SETTINGS = """
INSTALLED_APPS += ["django_largefiles", "rest_framework", "drf_spectacular"]
LARGEFILES = {{
    "ALLOWED_MIME_TYPES": ["*/*"],
    "DELIVERY": "stream",
    "DISPATCHER": "django_largefiles.dispatch.immediate.ImmediateDispatcher",
    "EXTENSION_MUST_MATCH": False,
    "PROFILES": {{"videos": {{}}}},
    "STORAGE": "files",
}}
# No process reads what the server says of each refused request.
LOGGING = {{
    "version": 1,
    "handlers": {{"null": {{"class": "logging.NullHandler"}}}},
    "loggers": {{"django": {{"handlers": ["null"], "propagate": False}}}},
}}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
REST_FRAMEWORK = {{
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.BasicAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}}
SPECTACULAR_SETTINGS = {{"OAS_VERSION": "3.1.0", "TITLE": "Large files", "VERSION": "1"}}
STORAGES = {{"files": {storage!r}, "staticfiles": {{"BACKEND": "django.core.files.storage.InMemoryStorage"}}}}
"""
URLS = """
from django.urls import include, path

urlpatterns = [
    path("files/", include("django_largefiles.urls")),
    path("api/", include("django_largefiles.api.urls")),
]
"""

pytestmark = pytest.mark.integration


@pytest.fixture
def address(tmp_path: Path, bucket: S3Bucket) -> Iterator[str]:
    """A site over S3, where uploads of every kind are possible."""
    project = Project(tmp_path)
    call_command("startproject", "mysite", str(tmp_path))
    storage = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": bucket.options}
    project.append("settings.py", SETTINGS.format(storage=storage))
    project.write("urls.py", URLS)
    project.manage(["migrate", "-v0"], ["createsuperuser", "--noinput"])
    command = [sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0", "--threads", "8", "mysite.wsgi"]
    with project.started(command, r"Listening at: (http://\S+)") as address:
        yield address


@pytest.fixture
def schema(address: str, tmp_path: Path) -> Path:
    answer = requests.get(f"{address}/api/schema/", headers={"Accept": "application/json"}, timeout=30)
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(answer.json()))
    return path


@pytest.mark.timeout(300)
def test_no_request_that_can_be_made_from_it_is_answered_otherwise(address: str, schema: Path) -> None:
    """``LARGEFILES_SCHEMATHESIS="--max-examples 200 --seed 7"`` makes more requests, and others."""
    options = shlex.split(os.environ.get("LARGEFILES_SCHEMATHESIS", ""))
    command = [BIN / "schemathesis", "--config-file", TOOLS / "schemathesis.toml", "run", schema, "--url", address]
    command += ["--auth", ":".join(USER), *options]
    done = subprocess.run(command, cwd=TOOLS, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
