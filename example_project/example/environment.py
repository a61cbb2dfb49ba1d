"""Read environment variables; errors about invalid values name the variable."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

T = TypeVar("T")


def text(name: str, default: str) -> str:
    """Return the variable, or the default if it is unset or empty; some process managers cannot unset variables."""
    return os.environ.get(name) or default


def choice(name: str, default: str, choices: Mapping[str, T]) -> T:
    value = text(name, default)
    try:
        return choices[value]
    except KeyError:
        known = " or ".join(repr(known) for known in choices)
        raise ImproperlyConfigured(f"{name} must be {known}, not {value!r}") from None


def positive_integer(name: str, default: int) -> int:
    value = text(name, str(default))
    if not value.isdecimal() or int(value) == 0:
        raise ImproperlyConfigured(f"{name} must be a positive whole number, not {value!r}")
    return int(value)


def optional_integer(name: str) -> int | None:
    """Return a positive integer, or ``None`` if the variable is unset."""
    return positive_integer(name, 1) if text(name, "") else None


def clamd(name: str) -> str:
    """Return the path of a socket, or host and port; empty if the variable is unset."""
    value = text(name, "")
    if value and not value.startswith("/") and not re.fullmatch(r".+:\d+", value):
        raise ImproperlyConfigured(f"{name} must be the path of a socket or host:port, not {value!r}")
    return value


def words(name: str, default: str) -> list[str]:
    """Return the items of a comma-separated list."""
    return [word for part in text(name, default).split(",") if (word := part.strip())]


def folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


def secret_key(path: Path) -> str:
    """Return the key stored at ``path``, which is created on first use."""
    if not path.exists():
        _write_once(path, get_random_secret_key())
    return path.read_text()


def _write_once(path: Path, content: str) -> None:
    # The web server and the worker may start at the same time. Unlike a rename, a link does not replace the other's.
    own = path.with_name(f"{path.name}.{os.getpid()}")
    own.touch(mode=0o600)
    own.write_text(content)
    try:
        path.hardlink_to(own)
    except FileExistsError:
        pass
    finally:
        own.unlink()
