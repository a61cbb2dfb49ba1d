"""The example's settings, with uploads that are processed in their request, and settings of streams of events."""

from __future__ import annotations

import os

from example.settings import *  # noqa: F403
from example.settings import LARGEFILES

NOTIFIER = os.environ.get("PROGRESS_NOTIFIER", "")
LARGEFILES = {
    **LARGEFILES,
    "DISPATCHER": "django_largefiles.dispatch.immediate.ImmediateDispatcher",
    "PROGRESS_LIMITS": {"STREAMS": int(os.environ.get("PROGRESS_STREAMS", "2000"))},
    "PROGRESS_NOTIFIER": {"BACKEND": NOTIFIER} if NOTIFIER else None,
}
