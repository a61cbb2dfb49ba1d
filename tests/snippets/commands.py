"""Commands of the documentation, checked without being run: by their own parsers, and by what they name."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import tomllib
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.metadata import metadata
from importlib.util import find_spec
from itertools import groupby
from typing import Any, TypeAlias

import celery.bin.celery
from click import Command, Context, Group
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand
from gunicorn.config import Config
from packaging.requirements import Requirement
from uvicorn.main import main as uvicorn

from tests.snippets.blocks import ROOT, Block

Arguments: TypeAlias = list[str]

PLACEHOLDER = re.compile(r"<[a-z ]+>")
VARIABLE = re.compile(r"[A-Z_]+=")
SEPARATORS = "&|;"
OF_THE_EXAMPLE = ROOT / "example_project" / "example" / "management" / "commands"
ANSWERED = re.compile(r"\b(?:curl|manage\.py largefiles_\w+)\b")
"""Commands whose effect matters. The test that runs them claims their block."""

SYSTEM_PACKAGES = {"clamav-daemon", "libmagic", "libmagic1", "redis", "redis-server"}
"""Names in Debian and in Homebrew."""


def checkable(block: Block) -> bool:
    """Return whether ``block`` shows nothing but commands that may be checked without being run."""
    return (
        block.language == "console"
        and all(line.startswith("$ ") for line in block.text.splitlines())
        and not ANSWERED.search(block.text)
    )


def command_lines(block: Block) -> list[str]:
    """Return the lines after a prompt. Lines of output are left out."""
    return re.findall(r"^\$ (.+)$", block.text.replace("\\\n", " "), re.MULTILINE)


def check(command_line: str) -> None:
    """Raise an exception if a command in a line does not exist or does not take its arguments."""
    for program, *arguments in split(command_line):
        CHECKS.get(program, _check_file)(program, arguments)


def split(command_line: str) -> Iterator[list[str]]:
    """Yield the words of each command in a line of a shell."""
    lexer = shlex.shlex(PLACEHOLDER.sub("ada", command_line), posix=True, punctuation_chars=SEPARATORS)
    lexer.whitespace_split = True
    for is_separator, words in groupby(lexer, lambda word: not word.strip(SEPARATORS)):
        if not is_separator:
            yield [word for word in words if not VARIABLE.match(word)]


def check_nothing(program: str, arguments: Arguments) -> None:
    """For what belongs to the shell."""


def _check_file(program: str, arguments: Arguments) -> None:
    assert "/" in program, f"{program!r} is unknown: add a check of its arguments to CHECKS in {__name__}"
    assert os.access(ROOT / program, os.X_OK), f"{program} is no program"


def check_make(program: str, arguments: Arguments) -> None:
    command = [program, "--dry-run", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def check_pip(program: str, arguments: Arguments) -> None:
    assert arguments[0] == "install"
    for name in arguments[1:]:
        check_requirement(Requirement(name))


def check_requirement(requirement: Requirement) -> None:
    """Raise an exception if this project has no such extra, or uses no such package."""
    if requirement.name == project()["name"]:
        extras = set(project()["optional-dependencies"])
    else:
        extras = set(metadata(requirement.name).get_all("Provides-Extra") or ())
    assert requirement.extras <= extras, f"{requirement.name} has no extras {requirement.extras - extras}"


@cache
def project() -> Mapping[str, Any]:
    """Return the table ``project`` of ``pyproject.toml``."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]  # type: ignore[no-any-return]


def check_package(program: str, arguments: Arguments) -> None:
    assert arguments[0] == "install"
    assert set(arguments[1:]) <= SYSTEM_PACKAGES


def check_python(program: str, arguments: Arguments) -> None:
    match arguments:
        case ["-m", module, *rest]:
            MODULES.get(module, _check_module)(module, rest)
        case ["manage.py", *rest]:
            check_manage(program, rest)
        case _:
            assert arguments == ["-I"], f"{program} runs neither a module nor manage.py"


def _check_module(module: str, arguments: Arguments) -> None:
    assert find_spec(module), f"there is no module {module}"


def check_pytest(program: str, arguments: Arguments) -> None:
    parser = ArgumentParser(exit_on_error=False)
    for option in ("-m", "-n", "-k"):
        parser.add_argument(option)
    parser.add_argument("--pdb", action="store_true")
    parser.add_argument("paths", nargs="*")
    for path in parser.parse_args(arguments).paths:
        assert (ROOT / path).exists(), f"{path} does not exist"


def check_manage(program: str, arguments: Arguments) -> None:
    name, *options = arguments
    if OF_THE_EXAMPLE.joinpath(f"{name}.py").exists():
        # Its package creates a Celery app, which would become that of all tests in this process.
        command = BaseCommand()
    else:
        command = load_command_class(get_commands()[name], name)
    command.create_parser(program, name).parse_args(options)


def check_management(program: str, arguments: Arguments) -> None:
    """For commands of this package that are named without ``manage.py``."""
    check_manage("manage.py", [program, *arguments])


def check_celery(program: str, arguments: Arguments) -> None:
    _check_click(celery.bin.celery.celery, arguments)


def _check_click(command: Command, arguments: Arguments) -> None:
    """Raise an exception for options that ``command`` and its subcommand do not have. No option is acted upon."""
    _, rest, _ = command.make_parser(Context(command)).parse_args(list(arguments))
    if isinstance(command, Group):
        _check_click(command.commands[rest[0]], rest[1:])
    else:
        assert not rest


def check_gunicorn(program: str, arguments: Arguments) -> None:
    Config().parser().parse_args(arguments)


def check_uvicorn(program: str, arguments: Arguments) -> None:
    _check_click(uvicorn, arguments)
    application = next(argument for argument in arguments if not argument.startswith("-"))
    assert re.fullmatch(r"[\w.]+:\w+", application), f"{application!r} is no <module>:<attribute>"


MODULES: Mapping[str, Callable[[str, Arguments], None]] = {"pytest": check_pytest}

CHECKS: Mapping[str, Callable[[str, Arguments], None]] = {
    ".": check_nothing,
    ".venv/bin/python": check_python,
    "apt": check_package,
    "brew": check_package,
    "cd": check_nothing,
    "celery": check_celery,
    "django-admin": check_manage,
    "git": check_nothing,
    "gunicorn": check_gunicorn,
    "largefiles_reprocess": check_management,
    "make": check_make,
    "manage.py": check_manage,
    "pip": check_pip,
    "python": check_python,
    "python3": check_python,
    "uvicorn": check_uvicorn,
    "venv/bin/python": check_python,
}
