"""The example's settings, behind a web server that sends the files."""

from __future__ import annotations

from tests.integration.immediate_settings import *  # noqa: F403
from tests.integration.immediate_settings import LARGEFILES

LARGEFILES = {**LARGEFILES, "DELIVERY_INTERNAL_PREFIX": "/largefiles-internal/"}
