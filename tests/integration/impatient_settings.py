"""The example's settings, for clients that are expected to be quick; files are processed at once."""

from __future__ import annotations

import os
from datetime import timedelta

from example.settings import *  # noqa: F403

from .immediate_settings import LARGEFILES as IMMEDIATE

LARGEFILES = {
    **IMMEDIATE,
    "BODY_TIMEOUT": timedelta(seconds=2),
    "MINIMUM_RATE": int(os.environ.get("MINIMUM_RATE", 10 * 1024)),
}
