"""The minimum rate of a client."""

from __future__ import annotations

from ..conf import largefiles_settings


class Pace:
    """Judges a client in spans of ``BODY_TIMEOUT``: of each, only the time counts in which it was waited for.

    Bytes are totals, and may begin anywhere.
    """

    def __init__(self, total: int) -> None:
        self._span = largefiles_settings.body_timeout.total_seconds()
        self._least = largefiles_settings.minimum_rate * self._span
        self._begin(total)

    def wait(self, seconds: float) -> None:
        """Count a time in which the client was waited for."""
        self._waited += seconds

    def is_too_slow(self, total: int) -> bool:
        """Return whether a span has ended with fewer bytes than ``MINIMUM_RATE`` demands."""
        if self._waited < self._span:
            return False
        moved = total - self._since
        self._begin(total)
        return moved < self._least

    def restart(self, total: int) -> None:
        """Forget the span that has begun."""
        self._begin(total)

    def _begin(self, total: int) -> None:
        self._waited = 0.0
        self._since = total
