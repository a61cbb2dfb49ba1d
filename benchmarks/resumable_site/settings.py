"""The example's settings, with queries counted."""

from __future__ import annotations

from example.settings import *  # noqa: F403
from example.settings import MIDDLEWARE

MIDDLEWARE = ["benchmarks.resumable_site.middleware.count_queries", *MIDDLEWARE]
