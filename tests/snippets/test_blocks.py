from __future__ import annotations

import pytest

from tests.snippets.blocks import UNREAD, Block, blocks_of, find

MARKDOWN = """# Title

```console
$ make
```

Text.

```
plain
```
"""
RESTRUCTURED = """Title
=====

Text.

.. code-block:: python
   :caption: mysite/urls.py

   def f():

       return 1

- An item:

  .. code-block:: console

     $ make

.. literalinclude:: examples/one_to_one.py
   :language: python
"""


def test_blocks_of_markdown() -> None:
    assert list(blocks_of("README.md", MARKDOWN)) == [
        Block(page="README.md", line=4, language="console", text="$ make\n"),
        Block(page="README.md", line=10, language="", text="plain\n"),
    ]


def test_blocks_of_restructured_text() -> None:
    code, commands, included = blocks_of("docs/a.rst", RESTRUCTURED)
    assert code == Block(page="docs/a.rst", line=9, language="python", text="def f():\n\n    return 1\n")
    assert commands == Block(page="docs/a.rst", line=17, language="console", text="$ make\n")
    assert (included.line, included.included) == (19, "docs/examples/one_to_one.py")
    assert included.text.startswith("from django.db import models")


@pytest.mark.parametrize(
    "text",
    ["Like this::\n\n    x = 1\n", ".. code:: python\n\n   x = 1\n", ">>> x = 1\n", "::\n\n   x = 1\n"],
    ids=["literal block", "code", "doctest", "bare literal block"],
)
def test_other_ways_to_mark_code_are_noticed(text: str) -> None:
    assert UNREAD.search(text)


def test_directives_are_not_taken_for_code() -> None:
    assert not UNREAD.search(".. toctree::\n\n   a\n\n.. list-table::\n")


@pytest.mark.parametrize(("line", "count"), [("there is no such line", 0), ("- An item:", 0)])
def test_a_line_that_does_not_name_one_block_is_an_error(line: str, count: int) -> None:
    with pytest.raises(LookupError, match=rf"README.md has {count} code blocks with the line '{line}'"):
        find("README.md", line)
