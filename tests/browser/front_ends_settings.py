"""The settings of tests in a browser, with the pages of ``docs/front-ends.rst``, which their test has written."""

from __future__ import annotations

from example.settings import DATA_DIR, TEMPLATES

from tests.browser.settings import *  # noqa: F403

BASE_DIR = DATA_DIR / "host"

ROOT_URLCONF = "tests.browser.front_ends_urls"
TEMPLATES = [{**TEMPLATES[0], "DIRS": [BASE_DIR / "templates"]}]

exec((BASE_DIR / "settings.py").read_text())
