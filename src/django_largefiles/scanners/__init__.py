"""Virus scanners, which ``SCANNERS`` names."""

from __future__ import annotations

from collections.abc import Iterable

from ..options import BackendChoice
from ..registry import make
from .base import Scanner


def load_scanner(choice: BackendChoice) -> Scanner:
    """Create the scanner. Raise ``NotImportable``."""
    return make(choice.backend, choice.options, Scanner, "SCANNERS")


def load_scanners(choices: Iterable[BackendChoice]) -> tuple[Scanner, ...]:
    """Create the scanners. Raise ``NotImportable``."""
    return tuple(load_scanner(choice) for choice in choices)
