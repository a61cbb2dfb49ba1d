"""A plain text table."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from itertools import zip_longest

GAP = "  "
LAST_COLUMN = 48


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Format a table whose last column is wrapped and whose others are as wide as their widest cell."""
    wrapped = [[*row[:-1], textwrap.fill(row[-1], LAST_COLUMN)] for row in rows]
    lines = [line for row in [list(head), *wrapped] for line in _lines(row)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = ["-" * width for width in widths]
    return "\n".join(
        GAP.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in [lines[0], rule, *lines[1:]]
    )


def _lines(row: Sequence[str]) -> list[tuple[str, ...]]:
    return list(zip_longest(*(cell.splitlines() for cell in row), fillvalue=""))
