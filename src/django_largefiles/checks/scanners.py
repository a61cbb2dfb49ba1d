"""Checks of the virus scanners."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from django.core.checks import CheckMessage, Error

from ..conf import get_profile, largefiles_settings
from ..options import BackendChoice
from ..scanners import load_scanner
from ..scanners.base import Scanner
from ..scanners.selftest import scan_test_file, small_test_files
from .loading import errors_of


def check_scanners() -> Iterator[CheckMessage]:
    for choice in _choices():
        yield from _errors(choice) or load_scanner(choice).check()


def try_scanners() -> Iterator[CheckMessage]:
    """Check each scanner over the network. ``largefiles_check_scanners`` also tries large files."""
    # check_scanners reports those that cannot be loaded.
    for choice in (choice for choice in _choices() if not _errors(choice)):
        yield from _try(load_scanner(choice))


def _choices() -> list[BackendChoice]:
    """Return the scanners of all profiles, each once."""
    choices: list[BackendChoice] = []
    for choice in (choice for name in largefiles_settings.profiles for choice in get_profile(name).scanners):
        if choice not in choices:
            choices.append(choice)
    return choices


def _errors(choice: BackendChoice) -> list[CheckMessage]:
    return list(errors_of(partial(load_scanner, choice), "django_largefiles.E008"))


def _try(scanner: Scanner) -> Iterator[CheckMessage]:
    for file in small_test_files():
        result = scan_test_file(scanner, file).result
        if result.verdict not in file.expected:
            yield Error(
                f"LARGEFILES: SCANNERS: {scanner.name} answered {result.verdict.value!r} for {file.name}. "
                f"{result.detail}".rstrip(),
                hint=file.otherwise,
                id="django_largefiles.E009",
            )
