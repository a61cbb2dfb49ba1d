"""The example's settings, with an app that writes down every signal and an extractor that takes its time."""

from __future__ import annotations

from example.settings import *  # noqa: F403
from example.settings import INSTALLED_APPS, LARGEFILES

INSTALLED_APPS = [*INSTALLED_APPS, "tests.integration.listener"]
LARGEFILES = {
    **LARGEFILES,
    "EXTRACTORS": {"image/*": "tests.example_extractors.Slow"},
    "EXTRACTION": {"WALL_SECONDS": 4},
}
