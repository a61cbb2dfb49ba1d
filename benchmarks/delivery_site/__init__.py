"""The example's settings, which process at once, and a URL that serves a file as Django does."""

from __future__ import annotations

from example.settings import *  # noqa: F403
from example.settings import LARGEFILES

LARGEFILES = {
    **LARGEFILES,
    "DISPATCHER": "django_largefiles.dispatch.immediate.ImmediateDispatcher",
    "DELIVERY_INTERNAL_PREFIX": "/largefiles-internal/",
}
ROOT_URLCONF = "benchmarks.delivery_site.urls"
