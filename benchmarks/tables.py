"""Plain text tables that are also simple tables of reStructuredText."""

from __future__ import annotations

from collections.abc import Sequence

EMPTY = "\\"
"""Replaces an empty first cell, which would continue the row above."""


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Align the first column to the left and the others to the right."""
    lines = [[cells[0] or EMPTY, *cells[1:]] for cells in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    ruler = "  ".join("=" * width for width in widths)
    head, *body = (_line(cells, widths) for cells in lines)
    return "\n".join((ruler, head, ruler, *body, ruler))


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(cells, widths, strict=True)
    return "  ".join((first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others))).rstrip()
