"""Files that browsers send, and pages as they read them."""

from __future__ import annotations

from html.parser import HTMLParser

from django.core.files.uploadedfile import SimpleUploadedFile

from tests.conftest import png


def picture(content: bytes | None = None, name: str = "a.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, png() if content is None else content, "image/png")


class Inputs(HTMLParser):
    """The inputs of a page, as a browser would send them back."""

    def __init__(self, page: object) -> None:
        super().__init__()
        self.found = list[dict[str, str | None]]()
        self.page = str(page)
        self.feed(self.page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "input":
            self.found.append(dict(attrs))

    def named(self, name: str, kind: str) -> list[dict[str, str | None]]:
        return [attrs for attrs in self.found if attrs["name"] == name and attrs["type"] == kind]

    @property
    def hidden(self) -> dict[str, str]:
        return {str(attrs["name"]): str(attrs.get("value", "")) for attrs in self.found if attrs["type"] == "hidden"}
