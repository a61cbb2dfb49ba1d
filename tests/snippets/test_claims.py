"""Every command and snippet of the documentation is run by one test."""

from __future__ import annotations

import pytest

from tests.snippets.blocks import ROOT, UNREAD, Block, blocks, find, pages
from tests.snippets.claims import INCLUDED, claims, ways

SETTINGS_OR_CODE = """
Settings are run by themselves, in tests/snippets/test_settings.py, if the block only assigns to names in capitals:
write LARGEFILES = {{…}}, and not a part of the dict. For other code write a test, in tests/snippets/test_code.py or
beside the tests of its subject, that uses the names which the code defines:

    SNIPPET = claim({page!r}, {line!r})

    def test_…() -> None:
        names = run(SNIPPET)
        …
"""
COMMANDS = """
Commands are checked by themselves, in tests/snippets/test_commands.py, if the block shows no output and has neither
curl nor a command of this package. Run others in a test, in tests/snippets/test_management.py or, if they need a
server, in tests/integration/test_snippets.py:

    COMMANDS = claim({page!r}, {line!r})
"""
DATA = """
Write a test, in tests/snippets/test_data.py, that compares it with what it describes, or gives it to the program that
reads it:

    SNIPPET = claim({page!r}, {line!r})
"""


def advice(block: Block) -> str:
    """Return what to do about a block that no test runs."""
    what_to_do = {"python": SETTINGS_OR_CODE, "console": COMMANDS}.get(block.language, DATA)
    if block.included:
        what_to_do = f"\nTest {block.included}, and add it with its test to INCLUDED in tests/snippets/claims.py.\n"
    what_to_do = what_to_do.format(page=block.page, line=block.lines[0])
    return f"{block} ({block.language}) is run by no test.\n\n{block.text}{what_to_do}"


def advice_on_several(block: Block) -> str:
    return f"{block} is run by several modules: {', '.join(ways(block))}. Leave the claim to one of them."


def test_each_snippet_is_run_by_one_test() -> None:
    unclaimed = [advice(block) for block in blocks() if not ways(block)]
    claimed_twice = [advice_on_several(block) for block in blocks() if len(ways(block)) > 1]
    assert not unclaimed + claimed_twice, "\n\n".join(["", *unclaimed, *claimed_twice])


def test_code_is_marked_in_a_way_that_is_read() -> None:
    documentation = {page: (ROOT / page).read_text() for page in pages() if page.endswith(".rst")}
    unread = {page: UNREAD.findall(text) for page, text in documentation.items()}
    assert {page: marks for page, marks in unread.items() if marks} == {}, "write “.. code-block:: <language>”"


@pytest.mark.parametrize(("included", "test"), INCLUDED.items())
def test_included_files_are_named_by_their_tests(included: str, test: str) -> None:
    assert included.rpartition("/")[2].removesuffix(".py") in (ROOT / test).read_text()


@pytest.mark.parametrize(
    ("block", "said"),
    [
        (
            Block(page="docs/a.rst", line=1, language="python", text="def f():\n    return 1\n"),
            "claim('docs/a.rst', 'def f():')",
        ),
        (Block(page="docs/a.rst", line=1, language="python", text='"PROFILES": {},\n'), "LARGEFILES = {…}"),
        (Block(page="README.md", line=1, language="console", text="$ curl x\n"), "claim('README.md', '$ curl x')"),
        (Block(page="README.md", line=1, language="console", text="$ make\nout\n"), "claim('README.md', '$ make')"),
        (Block(page="README.md", line=1, language="toml", text="[a]\n"), "claim('README.md', '[a]')"),
        (Block(page="docs/a.rst", line=1, language="python", text="a = 1\n", included="docs/a.py"), "INCLUDED"),
    ],
    ids=["code", "a part of a dict", "curl", "output", "another language", "included"],
)
def test_an_unclaimed_snippet_is_told_where_to_be_claimed(block: Block, said: str) -> None:
    assert ways(block) == []
    assert said in advice(block)


def test_a_snippet_that_several_modules_claim_is_told_which(monkeypatch: pytest.MonkeyPatch) -> None:
    block = find("docs/lifecycle.rst", "$ python manage.py largefiles_sweep")
    monkeypatch.setitem(claims(), block, ["tests/test_a.py", "tests/test_b.py"])
    assert "tests/test_a.py, tests/test_b.py" in advice_on_several(block)
