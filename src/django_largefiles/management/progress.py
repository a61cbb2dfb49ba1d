from __future__ import annotations

from collections.abc import Callable

from django.core.management.base import OutputWrapper


def percentage(stream: OutputWrapper, label: str, size: int) -> Callable[[int], None] | None:
    """Return a function that shows the bytes done on a line of the terminal; ``None`` if there is no terminal."""
    if not stream.isatty():
        return None
    shown = -1

    def show(done: int) -> None:
        nonlocal shown
        percent = min(100 * done // max(size, 1), 100)
        if percent > shown:
            shown, ending = percent, "\n" if percent == 100 else ""
            stream.write(f"\r{label} {percent:3} %", style_func=str, ending=ending)

    return show
