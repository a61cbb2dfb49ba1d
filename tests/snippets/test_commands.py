"""Commands of the documentation exist, and take their arguments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import requires

import pytest
from packaging.requirements import Requirement

from tests.snippets.blocks import FENCED, ROOT, Block, blocks, pages
from tests.snippets.claims import ways
from tests.snippets.commands import CHECKS, check, command_lines, split

IN_A_SENTENCE = re.compile(r"(`+)([^`]+)\1")
OF_THE_SHELL = {".", "cd", "git"}


def by_themselves() -> Iterator[str]:
    """Yield the commands of blocks and sentences that need not be run."""
    for block in blocks():
        if ways(block) == ["tests/snippets/test_commands.py"]:
            yield from command_lines(block)
    for page in pages():
        yield from in_sentences((ROOT / page).read_text())


def in_sentences(text: str) -> Iterator[str]:
    """Yield commands that have arguments."""
    for _, literal in IN_A_SENTENCE.findall(FENCED.sub("", text)):
        program, *arguments = literal.split()
        if arguments and program in CHECKS.keys() - OF_THE_SHELL and "…" not in literal:
            yield " ".join([program, *arguments])


@pytest.mark.parametrize("command_line", sorted(set(by_themselves())))
def test_commands_take_their_arguments(command_line: str) -> None:
    check(command_line)


def test_commands_in_sentences_are_found() -> None:
    text = "Run ``make test`` or `pip install\n  x`, not ``make`` or ``LARGEFILES``, nor ``manage.py check …``."
    assert list(in_sentences(text)) == ["make test", "pip install x"]


def test_a_line_is_split_into_commands() -> None:
    line = "A=1 make test && .venv/bin/python -m pytest -k 'a b' <path> & git log | cat  # why"
    assert list(split(line)) == [
        ["make", "test"],
        [".venv/bin/python", "-m", "pytest", "-k", "a b", "ada"],
        ["git", "log"],
        ["cat"],
    ]


def test_lines_of_a_console() -> None:
    block = Block(page="README.md", line=1, language="console", text="$ make \\\n    test\nok\n$ make lint\n")
    assert [line.split() for line in command_lines(block)] == [["make", "test"], ["make", "lint"]]


def test_celery_s_extra_for_redis_brings_all_that_its_transport_imports() -> None:
    required = [Requirement(line) for line in requires("kombu") or ()]
    of_redis = {each.name for each in required if each.marker and each.marker.evaluate({"extra": "redis"})}
    assert of_redis >= {"packaging", "redis"}


@pytest.mark.parametrize(
    "command_line",
    [
        "make no-such-target",
        "pip install 'django-largefiles[nothing]'",
        "pip install 'celery[nothing]'",
        "pip install no-such-package",
        "apt install no-such-package",
        "python no-such-script.py",
        "python -m no_such_module",
        "python -m pytest no/such/path",
        "python -m pytest --no-such-option",
        "python manage.py no_such_command",
        "python manage.py largefiles_sweep --no-such-option",
        "largefiles_reprocess --no-such-option",
        "celery -A mysite no-such-command",
        "celery -A mysite worker --no-such-option",
        "celery -A mysite worker no-such-argument",
        "gunicorn --no-such-option",
        "uvicorn mysite.asgi:application --no-such-option",
        "uvicorn mysite.asgi",
        "no-such-program",
        "no/such/program",
        "README.md/../pyproject.toml",
    ],
)
def test_a_wrong_command_is_noticed(command_line: str) -> None:
    with pytest.raises((Exception, SystemExit)):
        check(command_line)
