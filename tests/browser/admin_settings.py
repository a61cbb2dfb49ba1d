"""The settings of the other tests in a browser, with films that have an inline, in the language of the browser."""

from __future__ import annotations

from tests.browser.settings import *  # noqa: F403
from tests.browser.settings import INSTALLED_APPS, LARGEFILES, MIDDLEWARE

INSTALLED_APPS = [*(app for app in INSTALLED_APPS if app != "example"), "tests.films"]
MIDDLEWARE = [*MIDDLEWARE, "django.middleware.locale.LocaleMiddleware"]
ROOT_URLCONF = "tests.browser.admin_urls"
LARGEFILES = {
    **LARGEFILES,
    "ACCESS_POLICY": "django_largefiles.access.OwnerOrStaff",
    "PROFILES": {**LARGEFILES["PROFILES"], "videos": {"ALLOWED_MIME_TYPES": ["video/*"]}},
}
