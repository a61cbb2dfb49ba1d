from __future__ import annotations

from collections.abc import Callable, Iterator

from django.core.checks import CheckMessage, Error

from ..exceptions import ConfigurationError


def errors_of(act: Callable[[], object], check_id: str) -> Iterator[CheckMessage]:
    """Yield the error of the configuration that ``act`` raises, if any."""
    try:
        act()
    except ConfigurationError as error:
        yield Error(f"LARGEFILES: {error}", id=check_id)
