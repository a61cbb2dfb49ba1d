"""Virus scanners, which ``SCANNERS`` names."""

from __future__ import annotations

from collections.abc import Iterable

from ..exceptions import NotImportable
from ..options import ScannerChoice
from ..registry import load_class
from .base import Scanner


def load_scanner(choice: ScannerChoice) -> Scanner:
    """Create the scanner. Raise ``NotImportable``."""
    found = load_class(choice.backend, Scanner, "SCANNERS")
    try:
        return found(**choice.options)
    except Exception as error:
        # The class and the options are the host's.
        raise NotImportable(
            f"SCANNERS: {choice.backend!r} cannot be instantiated: {error}", value=choice.backend
        ) from error


def load_scanners(choices: Iterable[ScannerChoice]) -> tuple[Scanner, ...]:
    """Create the scanners. Raise ``NotImportable``."""
    return tuple(load_scanner(choice) for choice in choices)
