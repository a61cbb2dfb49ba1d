"""The upload element as a person sees it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

from playwright.sync_api import FilePayload, Locator, Page, expect

Chosen: TypeAlias = Path | FilePayload

PASS_ON = """
([element, kind, files]) => {
    const transfer = new DataTransfer();
    for (const { name, type, content } of files) {
        const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
        transfer.items.add(new File([bytes], name, { type }));
    }
    const [Event, field] = kind === "paste" ? [ClipboardEvent, "clipboardData"] : [DragEvent, "dataTransfer"];
    return element.dispatchEvent(new Event(kind, { [field]: transfer, bubbles: true, cancelable: true }));
}
"""


class Widget:  # needs_chromium
    def __init__(self, page: Page, selector: str = "largefile-upload") -> None:
        self.page = page
        self.element = page.locator(selector)
        self.input = self.element.locator("input[type=file]")
        self.rows = self.element.get_by_role("listitem")

    def choose(self, *files: Chosen) -> None:
        expect(self.element).to_have_attribute("data-enhanced", "")
        # A dialog gives either.
        for kind in (Path, dict):
            chosen: list[Any] = [file for file in files if isinstance(file, kind)]
            if chosen:
                self.input.set_input_files(chosen)

    def drop(self, *files: FilePayload) -> bool:
        """Return whether the page would leave the drop to the browser, which opens the file."""
        return self._pass_on(self.element, "drop", files)

    def paste(self, target: Locator, *files: FilePayload) -> bool:
        return self._pass_on(target, "paste", files)

    def _pass_on(self, target: Locator, kind: str, files: Sequence[FilePayload]) -> bool:
        sent = [
            {"name": file["name"], "type": file["mimeType"], "content": base64.b64encode(file["buffer"]).decode()}
            for file in files
        ]
        return bool(self.page.evaluate(PASS_ON, [target.element_handle(), kind, sent]))

    def row(self, name: str) -> Locator:
        return self.rows.filter(has=self.page.get_by_text(name, exact=True))

    def expect_state(self, name: str, state: str, *, patience: float = 30) -> None:
        """Wait for so many seconds until the file has a row in this state, and no other."""
        # While a file is checked, an upload of it that was begun before has a row of its own.
        reached = self.row(name).and_(self.page.locator(f"[data-state={state}]"))
        expect(reached).to_have_count(1, timeout=1000 * patience)
        expect(self.row(name)).to_have_count(1)

    def status(self, name: str) -> Locator:
        return self.row(name).locator("[data-slot=status]")

    def press(self, button: str, name: str) -> None:
        self.row(name).get_by_role("button", name=f"{button} {name}", exact=True).click()

    def expect_share(self, name: str, at_least: float) -> None:
        """Wait until so much of a file is sent."""
        progress = self.row(name).get_by_role("progressbar")
        self.page.wait_for_function(
            "([progress, share]) => progress.value >= share", arg=[progress.element_handle(), at_least]
        )

    def announced(self) -> Locator:
        return self.element.locator("[data-part=announcement]")

    def alert(self) -> Locator:
        return self.element.locator("[data-part=alert]")
