"""The example's settings, for tests in a browser."""

from __future__ import annotations

from example.settings import *  # noqa: F403
from example.settings import LARGEFILES

LARGEFILES = {
    **LARGEFILES,
    "DISPATCHER": "tests.browser.processing.ThreadDispatcher",
    "SCANNERS": [{"BACKEND": "tests.browser.processing.PatientScanner"}],
}
