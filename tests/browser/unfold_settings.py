"""The settings of the admin, with the looks of Unfold."""

from __future__ import annotations

from tests.browser.admin_settings import *  # noqa: F403
from tests.browser.admin_settings import INSTALLED_APPS

INSTALLED_APPS = ["unfold", *INSTALLED_APPS]
ROOT_URLCONF = "tests.browser.unfold_urls"

# Alpine.js evaluates the attributes of Unfold's templates, which have scripts and styles of their own.
CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
    ]
)
