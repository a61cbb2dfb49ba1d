"""The example's settings, where the request that completes an upload processes it too."""

from __future__ import annotations

from example.settings import *  # noqa: F403
from example.settings import LARGEFILES

LARGEFILES = {**LARGEFILES, "DISPATCHER": "django_largefiles.dispatch.immediate.ImmediateDispatcher"}
