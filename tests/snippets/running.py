"""Code of the documentation, run as a module."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from tests.snippets.blocks import Block


def run(block: Block, **names: Any) -> dict[str, Any]:
    """Return the names of a module that consists of ``block``. ``names`` are what the page takes for granted."""
    namespace = {"__name__": "snippet", **names}
    exec(compile(block.text, str(block), "exec"), namespace)
    return namespace


def urlconf(block: Block, **names: Any) -> ModuleType:
    """Return a module for ``ROOT_URLCONF``."""
    module = ModuleType("urls")
    vars(module).update(run(block, **names))
    return module
