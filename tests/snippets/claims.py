"""Which test runs which code block.

A test module claims a block by a line of it: ``POLICY = claim("docs/extending/access.rst", "class TeamPolicy…")``.
The claims are read from the source, so that no module needs to be imported to know them. Blocks that no test claims
are run by what they are: settings by ``test_settings``, commands by ``test_commands``, included files by their own
tests.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.snippets.blocks import ROOT, Block, find
from tests.snippets.commands import checkable
from tests.snippets.project import is_settings

INCLUDED = {
    "docs/examples/films.py": "tests/test_managers.py",
    "docs/examples/one_to_one.py": "tests/test_one_to_one.py",
    "docs/examples/upload_direct.py": "tests/integration/s3/test_direct.py",
    "tests/worked_example.py": "tests/extractors/test_example.py",
}
"""The tests of files that pages include."""


def claim(page: str, line: str) -> Block:
    """Return the block of ``page`` that has ``line``, for the tests of the calling module to run.

    Both arguments are literals.
    """
    return find(page, line)


def ways(block: Block) -> list[str]:
    """Return the modules that run ``block``. Only an unclaimed block is run by what it is."""
    return claims().get(block, []) or [way for way in [_way(block)] if way]


def _way(block: Block) -> str:
    if block.included:
        return INCLUDED.get(block.included, "")
    if is_settings(block):
        return "tests/snippets/test_settings.py"
    return "tests/snippets/test_commands.py" if checkable(block) else ""


@cache
def claims() -> dict[Block, list[str]]:
    found = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for page, line in _claimed(path):
            found[find(page, line)].append(path.relative_to(ROOT).as_posix())
    return found


def _claimed(path: Path) -> Iterator[tuple[str, str]]:
    source = path.read_text()
    if "import claim" not in source:
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "claim":
            page, line = map(ast.literal_eval, node.args)
            yield page, line
