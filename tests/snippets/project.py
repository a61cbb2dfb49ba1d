"""Settings of the documentation, and the project that they are added to."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from tests.snippets.blocks import Block


def is_settings(block: Block) -> bool:
    """Return whether ``block`` does nothing but import names and assign to names in capitals."""
    if block.language != "python" or block.included:
        return False
    statements = _statements(block.text)
    return bool(statements) and all(map(_is_setting, statements))


def _statements(source: str) -> list[ast.stmt]:
    """Return the statements of ``source``, none if it is no module."""
    try:
        return ast.parse(source).body
    except SyntaxError:
        return []


def _is_setting(statement: ast.stmt) -> bool:
    match statement:
        case ast.Import() | ast.ImportFrom(level=0):
            return True
        case ast.Assign(targets=[target]) | ast.AugAssign(target=target):
            return _name(target).isupper()
    return False


def _name(target: ast.expr) -> str:
    """Return ``DATABASES`` of ``DATABASES["default"]["OPTIONS"]``, and nothing for another kind of target."""
    while isinstance(target, ast.Subscript):
        target = target.value
    return target.id if isinstance(target, ast.Name) else ""


def run_settings(source: str, base_dir: Path) -> dict[str, Any]:
    """Return the settings of a new project with ``source`` at their end."""
    local = "django.core.files.storage.FileSystemStorage"
    settings: dict[str, Any] = {
        "BASE_DIR": base_dir,
        "INSTALLED_APPS": ["django.contrib.auth", "django.contrib.contenttypes"],
        "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": base_dir / "db.sqlite3"}},
        "STORAGES": {
            alias: {"BACKEND": local, "OPTIONS": {"location": base_dir / alias}}
            for alias in ("default", "archive", "tapes")
        },
    }
    exec(compile(source, "settings.py", "exec"), settings)
    return {name: value for name, value in settings.items() if name.isupper()}
