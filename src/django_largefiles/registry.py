"""Resolve the dotted paths in the settings to validated, cached instances."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from typing import Any, TypeVar

from django.utils.module_loading import import_string

from .exceptions import NotImportable

T = TypeVar("T")


def load_class(path: str, base: type[T], setting: str) -> type[T]:
    """Return the class at ``path``, a subclass of ``base``.

    Raise ``NotImportable``, which names the setting, if nothing can be imported from the path, or if it is not such a
    class, or abstract.
    """
    try:
        found = import_string(path)
    except Exception as error:
        # Importing a host's module runs the host's code, which may raise anything.
        raise NotImportable(f"{setting}: {path!r} does not import: {error}", value=path) from error
    if not (isinstance(found, type) and issubclass(found, base)):
        raise NotImportable(f"{setting}: {path!r} is not a subclass of {base.__qualname__}", value=path)
    if inspect.isabstract(found):
        lacking = ", ".join(sorted(found.__abstractmethods__))  # type: ignore[attr-defined]
        raise NotImportable(f"{setting}: {path!r} is abstract: it lacks {lacking}", value=path)
    return found


def load(path: str, base: type[T], setting: str) -> T:
    """Return this process's only instance of the class at ``path``. Raise ``NotImportable``."""
    instance: T = _instance(path, base, setting)  # type: ignore[arg-type]  # a class is hashable
    return instance


def make(path: str, options: Mapping[str, Any], base: type[T], setting: str) -> T:
    """Return a new instance of the class at ``path``, made with ``options``. Raise ``NotImportable``."""
    found = load_class(path, base, setting)
    try:
        return found(**options)
    except Exception as error:
        # The class and the options are the host's.
        raise NotImportable(f"{setting}: {path!r} cannot be instantiated: {error}", value=path) from error


@functools.cache
def _instance(path: str, base: type[T], setting: str) -> T:
    return make(path, {}, base, setting)
