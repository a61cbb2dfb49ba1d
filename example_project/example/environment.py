"""What the environment says; a bad value is an error that names the variable."""

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
    """An empty variable counts as unset: it is all that some process managers can say."""
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


def clamd(name: str) -> str:
    """The path of a socket, or host and port; empty where there is none."""
    value = text(name, "")
    if value and not value.startswith("/") and not re.fullmatch(r".+:\d+", value):
        raise ImproperlyConfigured(f"{name} must be the path of a socket or host:port, not {value!r}")
    return value


def words(name: str, default: str) -> list[str]:
    """Comma-separated."""
    return [word for part in text(name, default).split(",") if (word := part.strip())]


def folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


def secret_key(path: Path) -> str:
    """The key kept at ``path``, made on the first use."""
    if not path.exists():
        _write_once(path, get_random_secret_key())
    return path.read_text()


def _write_once(path: Path, content: str) -> None:
    # The web server and the worker may start together: a link, unlike a rename, never replaces the other's.
    own = path.with_name(f"{path.name}.{os.getpid()}")
    own.touch(mode=0o600)
    own.write_text(content)
    try:
        path.hardlink_to(own)
    except FileExistsError:
        pass
    finally:
        own.unlink()
