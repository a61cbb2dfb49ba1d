"""The example's settings, with two views that show a form, in ``form_urls``."""

from __future__ import annotations

from example.settings import *  # noqa: F403
from example.settings import MIDDLEWARE

ROOT_URLCONF = "tests.integration.form_urls"
MIDDLEWARE = [*MIDDLEWARE, "django_largefiles.middleware.LargeFilesMiddleware"]
