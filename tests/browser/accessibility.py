"""What axe-core, which is installed with the clients written in JavaScript, finds in a page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

AXE = Path(__file__).parents[1] / "integration" / "clients" / "node_modules" / "axe-core" / "axe.min.js"
needs_axe = pytest.mark.skipif(
    not AXE.exists(), reason="axe-core is not installed: run npm ci in tests/integration/clients"
)
COLOR_RULES = ("color-contrast", "link-in-text-block")
"""What another color scheme can change."""


def violations(page: Page, *rules: str) -> dict[str, list[str]]:  # needs_axe
    """Return the elements that violate each rule, of all or of ``rules``."""
    # The policy of the page forbids to inject a script, but not to evaluate one. To load the style sheets once more
    # would violate it, too.
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    options = {"preload": False, **({"runOnly": rules} if rules else {})}
    found: dict[str, Any] = page.evaluate("(options) => axe.run(options)", options)
    return {each["id"]: [node["html"] for node in each["nodes"]] for each in found["violations"]}
