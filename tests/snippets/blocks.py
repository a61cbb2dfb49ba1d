"""The code blocks of the documentation, read from Markdown and reStructuredText."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).parents[2]
MARKDOWN = ("README.md", "CONTRIBUTING.md", "example_project/README.md")

FENCED = re.compile(r"^```(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE_BLOCK = re.compile(
    r"^( *)\.\. code-block:: (\S+)\n(?:\1 +:[\w-]+:.*\n)*\n((?:\1 +\S.*\n|[ ]*\n)*)",
    re.MULTILINE,
)
LITERAL_INCLUDE = re.compile(r"^ *\.\. literalinclude:: (\S+)$", re.MULTILINE)
UNREAD = re.compile(r"^ *(?:\.\. (?:code|sourcecode|parsed-literal|doctest)::.*|(?!\.\. ).*::)$|^>>> ", re.MULTILINE)
"""Other ways in which reStructuredText marks code."""


@dataclass(frozen=True, kw_only=True)
class Block:
    """``line`` is where its text begins in ``page``.

    ``included`` is the path, from the root, of a file that the page includes; ``text`` is then its content.
    """

    page: str
    line: int
    language: str
    text: str
    included: str = ""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def lines(self) -> list[str]:
        return [line.strip() for line in self.text.splitlines()]


@cache
def pages() -> tuple[str, ...]:
    documentation = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.rst"))
    return (*MARKDOWN, *documentation)


@cache
def blocks() -> tuple[Block, ...]:
    return tuple(block for page in pages() for block in blocks_of(page, (ROOT / page).read_text()))


def find(page: str, line: str) -> Block:
    """Return the only block of ``page`` that has ``line``. Raise ``LookupError`` if none or several have it."""
    found = [block for block in blocks() if block.page == page and line in block.lines]
    if len(found) != 1:
        raise LookupError(
            f"{page} has {len(found)} code blocks with the line {line!r}, by which a test finds the block that it "
            f"runs. Name a line in that test which one block of the page has."
        )
    return found[0]


def blocks_of(page: str, text: str) -> Iterator[Block]:
    if page.endswith(".md"):
        for match in FENCED.finditer(text):
            yield Block(page=page, line=_line(text, match, 2), language=match[1], text=match[2])
        return
    for match in CODE_BLOCK.finditer(text):
        code = dedent(match[3]).strip("\n") + "\n"
        yield Block(page=page, line=_line(text, match, 3), language=match[2], text=code)
    for match in LITERAL_INCLUDE.finditer(text):
        path = (ROOT / page).parent.joinpath(match[1]).resolve()
        included = path.relative_to(ROOT).as_posix()
        yield Block(page=page, line=_line(text, match, 0), language="python", text=path.read_text(), included=included)


def _line(text: str, match: re.Match[str], group: int) -> int:
    return text.count("\n", 0, match.start(group)) + 1
